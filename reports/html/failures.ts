/** Runs without a verdict, failures of what was under test, and earlier counterexamples that show nothing any more. */
import type { Result, ResultCampaign } from "../result.js";
import { counted, html, type Markup } from "./markup.js";
import { mark, type Section, unbroken } from "./parts.js";

/** Campaign by campaign; null where there is nothing to tell. */
export function failures({ campaigns }: Result): Section | null {
  const told = campaigns.filter((one) => one.unknown.length + one.failures.length + one.mended.length > 0);
  if (told.length === 0) return null;
  const count = told.reduce((sum, one) => sum + one.unknown.length + one.failures.length, 0);
  const content = html`<p>These runs say nothing: neither that an invariant holds nor that it does not.</p>${told.map(ofCampaign)}`;
  return { id: "failures", title: "Without a verdict", count, content };
}

function ofCampaign({ heading, unknown, failures, mended }: ResultCampaign): Markup {
  const kept = (file: string | null) => (file === null ? null : html`scenario kept in <code>${file}</code>`);
  const items = [
    ...failures.map(
      ({ message, file }) => html`${mark("unknown")}failed: <pre>${message}</pre>${kept(file)}`,
    ),
    ...unknown.map(({ reason, runs }) => html`${mark("unknown")}${counted(runs, "run")}: ${reason}`),
    ...mended.map(
      (file) =>
        html`${mark("holds")}an earlier counterexample shows nothing any more; moved to <code>${file}</code>`,
    ),
  ];
  return html`<h3>${unbroken(heading)}</h3>
<ul class="failures">${items.map((one) => html`<li>${one}</li>\n`)}</ul>
`;
}
