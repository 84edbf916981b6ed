/** The mutation operators: what may be written in place of a node of a compiled module. */
import { nameOf, nodeAt, nodesAt, type SyntaxNode } from "./syntax.js";

/** A piece of text and what is written in its place. */
export interface Edit {
  readonly operator: string;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

type Operator = (node: SyntaxNode, text: string) => readonly Edit[];

/** For each binary and logical operator the mutants, with the name of the kind of mutation. */
const BINARY: Readonly<Record<string, readonly (readonly [kind: string, other: string])[]>> = {
  "<": [
    ["boundary", "<="],
    ["negation", ">="],
  ],
  "<=": [
    ["boundary", "<"],
    ["negation", ">"],
  ],
  ">": [
    ["boundary", ">="],
    ["negation", "<="],
  ],
  ">=": [
    ["boundary", ">"],
    ["negation", "<"],
  ],
  "===": [["negation", "!=="]],
  "!==": [["negation", "==="]],
  "&&": [["logical", "||"]],
  "||": [["logical", "&&"]],
  "??": [["logical", "&&"]],
  "+": [["arithmetic", "-"]],
  "-": [["arithmetic", "+"]],
  "*": [["arithmetic", "/"]],
  "/": [["arithmetic", "*"]],
  "%": [["arithmetic", "*"]],
  "**": [["arithmetic", "*"]],
  "&": [["bitwise", "|"]],
  "|": [["bitwise", "&"]],
  "^": [["bitwise", "&"]],
  "<<": [["bitwise", ">>>"]],
  ">>>": [["bitwise", "<<"]],
  ">>": [["bitwise", "<<"]],
};

const ASSIGNMENT: ReadonlyMap<string, string> = new Map([
  ["+=", "-="],
  ["-=", "+="],
  ["*=", "/="],
  ["/=", "*="],
  ["|=", "&="],
  ["&=", "|="],
  ["^=", "&="],
  ["<<=", ">>>="],
  [">>>=", "<<="],
  ["&&=", "||="],
  ["||=", "&&="],
  ["??=", "&&="],
]);

/** Methods that are taken for one another. */
const METHOD: ReadonlyMap<string, string> = new Map([
  ["min", "max"],
  ["max", "min"],
  ["floor", "ceil"],
  ["ceil", "floor"],
  ["some", "every"],
  ["every", "some"],
]);

/** Methods without which a list, a set or a text would still be one. */
const LEFT_OUT = new Set(["filter", "slice", "sort", "toSorted", "reverse", "toReversed", "concat", "flat"]);

/** A bit, or a range of bits, in the declarations of layouts and registers. */
const BITS = /^\d+(:\d+)?$/;
/** An id or a name, as against wording. */
const ID = /^[A-Za-z][\w.:-]*$/;
const ACCESS: ReadonlyMap<string, string> = new Map([
  ["RW", "RO"],
  ["RO", "RW"],
  ["RW1C", "RW"],
  ["RW1S", "RW"],
]);

function whole(node: SyntaxNode, operator: string, replacement: string): Edit {
  return { operator, start: node.start, end: node.end, replacement };
}

/** The same node with another operator between its two operands. */
function withOperator(node: SyntaxNode, text: string, kind: string, other: string): Edit {
  const left = nodeAt(node, "left")!;
  const operator = String(node.operator);
  const at = text.indexOf(operator, left.end);
  const replacement = text.slice(node.start, at) + other + text.slice(at + operator.length, node.end);
  return whole(node, kind, node.type === "AssignmentExpression" ? replacement : `(${replacement})`);
}

function binary(node: SyntaxNode, text: string): Edit[] {
  if (node.operator === "+" && isText(node)) return [];
  return (BINARY[String(node.operator)] ?? []).map(([kind, other]) => withOperator(node, text, kind, other));
}

/** True for texts, and for sums of which a part is seen to be one. */
function isText(node: SyntaxNode | null): boolean {
  if (node?.type === "BinaryExpression") return isText(nodeAt(node, "left")) || isText(nodeAt(node, "right"));
  return node?.type === "TemplateLiteral" || (node?.type === "Literal" && typeof node.value === "string");
}

function assignment(node: SyntaxNode, text: string): Edit[] {
  const other = ASSIGNMENT.get(String(node.operator));
  return other && !isText(nodeAt(node, "right")) ? [withOperator(node, text, "assignment", other)] : [];
}

function unary(node: SyntaxNode, text: string): Edit[] {
  const removed = ["!", "-", "~"].includes(String(node.operator));
  return removed ? [whole(node, "unary", text.slice(node.start + 1, node.end))] : [];
}

function update(node: SyntaxNode, text: string): Edit[] {
  const other = node.operator === "++" ? "--" : "++";
  return [whole(node, "update", text.slice(node.start, node.end).replace(String(node.operator), other))];
}

function literal(node: SyntaxNode): Edit[] {
  const { value } = node;
  if (typeof value === "boolean") return [whole(node, "boolean", String(!value))];
  if (typeof value === "bigint") return [whole(node, "number", `${value + 1n}n`)];
  if (typeof value === "number") return around(value).map((other) => whole(node, "number", String(other)));
  if (typeof value !== "string") return [];
  if (BITS.test(value)) return bitRanges(value).map((other) => whole(node, "bits", JSON.stringify(other)));
  const access = ACCESS.get(value);
  return access ? [whole(node, "access", JSON.stringify(access))] : [];
}

function around(value: number): number[] {
  return value > 0 ? [value + 1, value - 1] : [value + 1];
}

/** Bit ranges of which one end is one bit off. */
function bitRanges(range: string): string[] {
  const [high, low] = range.split(":").map(Number) as [number, number | undefined];
  if (low === undefined) return around(high).map(String);
  return [...around(high).map((end) => `${end}:${low}`), ...around(low).map((end) => `${high}:${end}`)];
}

function conditional(node: SyntaxNode): Edit[] {
  const test = nodeAt(node, "test");
  if (!test) return [];
  const values =
    node.type.startsWith("If") || node.type.startsWith("Conditional") ? ["true", "false"] : ["false"];
  return test.type === "Literal" ? [] : values.map((value) => whole(test, "condition", value));
}

function call(node: SyntaxNode, text: string): Edit[] {
  const callee = nodeAt(node, "callee");
  if (callee?.type === "Identifier") return identifier(nodesAt(node, "arguments"));
  const name = callee && nameOf(callee);
  if (!name) return [];
  const property = nodeAt(callee, "property")!;
  if (LEFT_OUT.has(name)) {
    const object = text.slice(node.start, property.start).replace(/\s*\??\.\s*$/, "");
    return [whole(node, "call", object)];
  }
  const other = METHOD.get(name);
  return other ? [whole(property, "method", other)] : [];
}

function array(node: SyntaxNode): Edit[] {
  const elements = nodesAt(node, "elements");
  return elements.length > 0 ? [whole(node, "array", "[]"), ...identifier(elements)] : [];
}

/** The word that a row or an argument list of a declaration begins with: an id or the name of a field. */
function identifier([first]: readonly SyntaxNode[]): Edit[] {
  const isId = first?.type === "Literal" && typeof first.value === "string" && ID.test(first.value);
  return isId ? [whole(first, "id", '""')] : [];
}

/** Statements are left out, but for the fields of a class that its constructor only takes over. */
function statement(node: SyntaxNode, text: string): Edit[] {
  const expression = nodeAt(node, "expression");
  const source = text.slice(node.start, node.end);
  if (expression?.type === "Literal" || /^this\.(\w+) = \1;$/.test(source) || source.startsWith("super("))
    return [];
  return [whole(node, "statement", ";")];
}

function jump(node: SyntaxNode): Edit[] {
  return [whole(node, "statement", ";")];
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  BinaryExpression: binary,
  LogicalExpression: binary,
  AssignmentExpression: assignment,
  UnaryExpression: unary,
  UpdateExpression: update,
  Literal: literal,
  IfStatement: conditional,
  ConditionalExpression: conditional,
  WhileStatement: conditional,
  DoWhileStatement: conditional,
  ForStatement: conditional,
  CallExpression: call,
  ArrayExpression: array,
  ExpressionStatement: statement,
  BreakStatement: jump,
  ContinueStatement: jump,
};

/** Every edit of a node itself, its parts apart. */
export function editsOf(node: SyntaxNode, text: string): readonly Edit[] {
  return OPERATORS[node.type]?.(node, text) ?? [];
}
