/** Syntax trees of compiled modules, as far as mutation looks at them. */
import { parseAst } from "vitest/node";

/** A node of an ESTree; what it holds depends on its type. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [property: string]: unknown;
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

/** The tree of a module's text. */
export function parseModule(text: string): SyntaxNode {
  return parseAst(text, { lang: "js" }) as unknown as SyntaxNode;
}

/** The nodes directly below a node, in the order of the text. */
export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  return Object.values(node)
    .flat()
    .filter(isNode)
    .sort((one, other) => one.start - other.start);
}

/** The node that a property holds, null when it holds none. */
export function nodeAt(node: SyntaxNode, property: string): SyntaxNode | null {
  const value = node[property];
  return isNode(value) ? value : null;
}

/** The nodes of a property that holds a list. */
export function nodesAt(node: SyntaxNode, property: string): SyntaxNode[] {
  const value = node[property];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The name that an identifier or the property of a member expression carries, null for anything else. */
export function nameOf(node: SyntaxNode | null): string | null {
  if (node?.type === "MemberExpression") return node.computed ? null : nameOf(nodeAt(node, "property"));
  return node?.type === "Identifier" ? String(node.name) : null;
}
