/** HTML as text that cannot be confused with text that is not HTML yet. */

import { printable } from "../../implementations/process/printable.js";

/** Text that is HTML already. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What may stand in a template; null leaves nothing. */
export type Part = Markup | string | number | null | readonly Part[];

/** A template of HTML: strings put into it are escaped, for element content and for quoted attributes. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let text = strings[0]!;
  for (const [index, part] of parts.entries()) text += textOf(part) + strings[index + 1]!;
  return new Markup(text);
}

function textOf(part: Part): string {
  if (part === null) return "";
  if (part instanceof Markup) return part.text;
  if (typeof part === "string") return escaped(part);
  return typeof part === "number" ? `${part}` : part.map(textOf).join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (one) => ENTITIES[one]!);
}

/** A value as JSON that may stand in a script element: nothing in it ends the element or a line of JavaScript. */
export function embeddedJson(value: unknown): Markup {
  const asCode = (one: string) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return new Markup(JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, asCode));
}

/** A number with its digits in groups. */
export function grouped(value: number): string {
  return value.toLocaleString("en");
}

/** `1 step`, `2 steps`. */
export function counted(value: number, thing: string): string {
  return `${grouped(value)} ${thing}${value === 1 ? "" : "s"}`;
}
