/** The counterexamples: a filter, and one closed box for each. */
import type { Result } from "../result.js";
import type { Entry } from "./entries.js";
import { findingDetails } from "./finding.js";
import { counted, html, type Markup } from "./markup.js";
import { mark, type Section } from "./parts.js";

/** All counterexamples. The first is open if it is a violation. */
export function findings(result: Result, entries: readonly Entry[]): Section {
  const boxes = entries.map((one, index) => finding(one, index === 0 && one.finding.known === null));
  const content =
    entries.length === 0
      ? html`<p>None was found.</p>`
      : html`${entries.length > 1 ? filter(result, entries) : null}<div id="findings">${boxes}</div>`;
  return { id: "counterexamples", title: "Counterexamples", count: entries.length, content };
}

function filter({ campaigns }: Result, entries: readonly Entry[]): Markup {
  const invariants = [...new Set(entries.flatMap((one) => one.finding.invariants))];
  const select = (id: string, label: string, options: readonly (readonly [string, string])[]) =>
    html`<label>${label} <select id="${id}">${[["", "all"], ...options].map(
      ([value, text]) => html`<option value="${value!}">${text!}</option>`,
    )}</select></label>
`;
  return html`<form class="filter scripted" id="filter" role="search" aria-label="Counterexamples">
<label>Search
<input type="search" id="filter-text" autocomplete="off" spellcheck="false" placeholder="kind, rule, address, step …"></label>
${select(
  "filter-campaign",
  "Implementation",
  campaigns.map((one, index) => [`${index}`, one.heading]),
)}${select(
  "filter-invariant",
  "Invariant",
  invariants.map((one) => [one, one]),
)}${select("filter-status", "Status", [
  ["violation", "violations"],
  ["known", "known deviations"],
])}<p class="filter-end"><output id="filter-count" role="status"></output>
<button type="button" id="open-all">Open all shown</button>
<button type="button" id="close-all">Close all</button></p>
<p class="keys">Keys: <kbd>j</kbd> <kbd>k</kbd> next, previous; <kbd>Enter</kbd> opens; <kbd>/</kbd> searches.</p>
</form>`;
}

function finding(entry: Entry, open: boolean): Markup {
  const { anchor, number, campaign, campaignIndex, finding } = entry;
  const state = finding.known ? "known" : "violated";
  const data = html`data-campaign="${campaignIndex}" data-invariants="${finding.invariants.join(" ")}" data-status="${
    finding.known ? "known" : "violation"
  }"`;
  return html`<details class="finding ${state}" id="${anchor}" ${data}${open ? OPEN : null}>
<summary><h3><span class="ordinal">#${number}</span> ${mark(state)}<span class="kind">${finding.known?.id ?? finding.kind}</span></h3>
<span class="about">${status(entry)}; ${campaign.heading}; ${counted(finding.steps.length, "step")}</span>
<span class="message">${finding.message}</span></summary>
<div class="body">${findingDetails(entry)}</div></details>
`;
}

const OPEN = html` open`;

function status({ finding }: Entry): string {
  if (finding.known) return `known deviation: breaks ${finding.invariants.join(", ")}`;
  if (finding.invariants.length === 0) return "breaks none of the invariants that were asked for";
  return `violation: breaks ${finding.invariants.join(", ")}`;
}
