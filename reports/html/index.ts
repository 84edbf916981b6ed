/** The report as one HTML file that asks for nothing: text, pictures, style and script are in it, and the result as JSON. */
import { createHash } from "node:crypto";
import type { Result } from "../result.js";
import { browserScript } from "./browser.js";
import { coverage } from "./coverage.js";
import { deviations } from "./deviations.js";
import { entriesOf } from "./entries.js";
import { failures } from "./failures.js";
import { findings } from "./findings.js";
import { generated } from "./generated.js";
import { head, overall } from "./head.js";
import { embeddedJson, html, Markup } from "./markup.js";
import { markShapes, type Section, sectionMarkup } from "./parts.js";
import { style } from "./style.js";
import { verdicts } from "./verdicts.js";

/** The result as a document for a browser. Equal results give equal documents. */
export function renderHtml(result: Result): string {
  const entries = entriesOf(result);
  const script = browserScript();
  const sections = [
    verdicts(result, entries),
    findings(result, entries),
    deviations(result, entries),
    failures(result),
    coverage(result),
    generated(result),
  ].filter((one) => one !== null);
  return html`${new Markup("<!doctype html>")}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${overall(result).sentence}: ${result.tool.name}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#verdicts">Skip to the verdicts</a>
${markShapes()}
${head(result)}
${contents(sections)}
<main>
${sections.map(sectionMarkup)}</main>
<footer><p>${result.tool.name} ${result.tool.version}, ${result.format}.
This file holds the whole result and asks for nothing from elsewhere.</p></footer>
<script type="application/json" id="result">${embeddedJson(result)}</script>
<script>${new Markup(script)}</script>
</body>
</html>
`.text;
}

/** Nothing may be fetched; only this style and this script may act. */
function policy(script: string): string {
  const source = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  return [
    "default-src 'none'",
    "img-src data:",
    `style-src ${source(style)}`,
    `script-src ${source(script)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function contents(sections: readonly Section[]): Markup {
  const items = sections.map(
    ({ id, title, count }) =>
      html`<li><a href="#${id}">${title}</a>${count === null ? null : html` <span class="faint">${count}</span>`}</li>`,
  );
  return html`<nav aria-label="Sections"><ul>${items}</ul></nav>`;
}
