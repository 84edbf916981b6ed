/** The mutants of a compiled module: every place and every edit, with what a report says of them. */
import { SourceMap } from "node:module";
import { type Edit, editsOf } from "./operators.js";
import { childrenOf, nameOf, nodeAt, parseModule, type SyntaxNode } from "./syntax.js";

export interface Mutant {
  /** Path of the source, from the root of the repository. */
  readonly file: string;
  /** Line of the source, from 1 on. */
  readonly line: number;
  readonly operator: string;
  /** The lines that change, before and after: what a mutant is known by when lines move. */
  readonly original: string;
  readonly replacement: string;
  /** Which of the mutants of the file with the same text before and after, from 1 on. */
  readonly occurrence: number;
  /** Ids of the rules that the changed statement names. */
  readonly rules: readonly string[];
  /** The edit of the compiled text. */
  readonly edit: Edit;
}

/** A compiled module with what is known of its source. */
export interface Module {
  /** Path of the source, from the root of the repository. */
  readonly file: string;
  readonly text: string;
  /** The source map, as JSON. */
  readonly map: string;
}

/** Wording, and names of other modules. */
const UNCHANGED = new Set(["ThrowStatement", "TemplateLiteral", "ImportDeclaration", "ExportAllDeclaration"]);
/** Tables of rules are constants of such a name. */
const RULES = /^\w*[rR]ules$/;

/** `rules` gives the id of a rule by the names under which it is found, "faultRules.rootFetch". */
export function mutantsOf(module: Module, rules: ReadonlyMap<string, string>): Mutant[] {
  const { file, text } = module;
  const source = new SourceMap(JSON.parse(module.map));
  const starts = lineStarts(text);
  const found: Mutant[] = [];
  const occurrences = new Map<string, number>();

  const visit = (node: SyntaxNode, statement: SyntaxNode) => {
    if (UNCHANGED.has(node.type)) return;
    const nearest = isStatement(node) ? node : statement;
    for (const edit of editsOf(node, text)) {
      const { original, replacement } = changedLines(text, edit);
      const key = `${original}\n${replacement}`;
      const occurrence = (occurrences.get(key) ?? 0) + 1;
      occurrences.set(key, occurrence);
      const line = sourceLine(source, starts, edit.start);
      const named = rulesNamed(nearest, rules);
      found.push({
        file,
        line,
        operator: edit.operator,
        original,
        replacement,
        occurrence,
        rules: named,
        edit,
      });
    }
    for (const child of childrenOf(node)) visit(child, nearest);
  };
  const program = parseModule(text);
  visit(program, program);
  return found;
}

/** The text of a module with one edit made. */
export function mutated(text: string, { start, end, replacement }: Edit): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** The ids of the rules that a module declares in tables, by table and key. */
export function declaredRules(text: string): Map<string, string> {
  const ids = new Map<string, string>();
  const visit = (node: SyntaxNode, table: string) => {
    const name = node.type === "VariableDeclarator" ? nameOf(nodeAt(node, "id")) : null;
    const inside = name && RULES.test(name) ? name : table;
    const id = node.type === "Property" && inside ? firstText(nodeAt(node, "value")) : null;
    if (id) ids.set(`${inside}.${nameOf(nodeAt(node, "key"))}`, id);
    for (const child of childrenOf(node)) visit(child, inside);
  };
  visit(parseModule(text), "");
  return ids;
}

function firstText(node: SyntaxNode | null): string | null {
  if (node?.type !== "CallExpression") return null;
  const [first] = childrenOf(node).slice(1);
  return first?.type === "Literal" && typeof first.value === "string" ? first.value : null;
}

/** The rules that a statement names or declares. */
function rulesNamed(node: SyntaxNode, rules: ReadonlyMap<string, string>): string[] {
  const named = new Set<string>();
  const ids = new Set(rules.values());
  const visit = (at: SyntaxNode) => {
    const object = at.type === "MemberExpression" ? nameOf(nodeAt(at, "object")) : null;
    const id = object && rules.get(`${object}.${nameOf(at)}`);
    if (id) named.add(id);
    const declared = at.type === "Property" ? firstText(nodeAt(at, "value")) : null;
    if (declared && ids.has(declared)) named.add(declared);
    for (const child of childrenOf(at)) visit(child);
  };
  visit(node);
  return [...named];
}

/** Statements that say one thing: blocks and functions are not. */
function isStatement(node: SyntaxNode): boolean {
  return /^(Expression|If|Return|For|While|Switch)Statement$|^(VariableDeclaration|SwitchCase|Property)$/.test(
    node.type,
  );
}

/** The lines that an edit changes, without the blanks around them. */
function changedLines(text: string, edit: Edit) {
  const start = text.lastIndexOf("\n", edit.start - 1) + 1;
  const newline = text.indexOf("\n", edit.end);
  const end = newline < 0 ? text.length : newline;
  const tidy = (lines: string) => lines.trim().replace(/\s+/g, " ");
  const after = text.slice(start, edit.start) + edit.replacement + text.slice(edit.end, end);
  return { original: tidy(text.slice(start, end)), replacement: tidy(after) };
}

function lineStarts(text: string): number[] {
  return [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
}

/** The line of the source that an offset of the compiled text comes from, from 1 on. */
function sourceLine(source: SourceMap, starts: readonly number[], offset: number): number {
  const line = starts.findLastIndex((start) => start <= offset);
  const entry = source.findEntry(line, offset - starts[line]!);
  return "originalLine" in entry ? entry.originalLine + 1 : 0;
}
