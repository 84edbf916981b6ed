/** Invariants against implementations. */
import type { Result, ResultCampaign, ResultVerdict } from "../result.js";
import { type Entry, entriesBreaking } from "./entries.js";
import { counted, html, type Markup } from "./markup.js";
import { mark, naturally, type Section, scrolling, unbroken, VERDICT_MARKS } from "./parts.js";
import { table } from "./tables.js";

/** Links to counterexamples that a cell shows at most. */
const MOST_LINKS = 6;

/** The verdict table, and what each invariant states. */
export function verdicts({ campaigns }: Result, entries: readonly Entry[]): Section {
  const judged = new Map(campaigns.flatMap((one) => one.verdicts.map((each) => [each.invariant, each])));
  const inOrder = [...judged.values()].sort((one, other) => naturally(one.invariant, other.invariant));
  const rows = inOrder.map(({ invariant, title }) => ({
    cells: [
      html`<a href="#invariant-${invariant}">${invariant}</a> ${title}`,
      ...campaigns.map((campaign, index) => cell(campaign, index, invariant, entries)),
    ],
  }));
  const columns = [{ title: "invariant" }, ...campaigns.map((one) => ({ title: unbroken(one.heading) }))];
  const content = html`${scrolling("Verdicts", table("verdicts", { columns }, rows))}${statements(campaigns)}`;
  return { id: "verdicts", title: "Verdicts", count: null, content };
}

function cell(campaign: ResultCampaign, index: number, invariant: string, entries: readonly Entry[]): Markup {
  const verdict = campaign.verdicts.find((one) => one.invariant === invariant);
  if (!verdict) return html`<span class="faint">not judged</span>`;
  const kind = VERDICT_MARKS[verdict.verdict];
  const broken = entriesBreaking(entries, index, verdict.findings);
  return html`<span class="verdict ${kind}">${mark(kind)}${wording(verdict, broken)}</span>${links(broken, invariant)}`;
}

function wording({ verdict }: ResultVerdict, broken: readonly Entry[]): string {
  const fresh = broken.filter((one) => one.finding.known === null).length;
  if (verdict === "violated") return counted(fresh, "violation");
  return verdict === "known deviations" ? counted(broken.length, "known deviation") : verdict;
}

function links(broken: readonly Entry[], invariant: string): Markup | null {
  if (broken.length === 0) return null;
  const rest = broken.length - MOST_LINKS;
  return html` <span class="links">${broken
    .slice(0, MOST_LINKS)
    .map(
      ({ anchor, number, finding }) =>
        html`<a href="#${anchor}" title="${finding.known?.id ?? finding.kind}">#${number}</a> `,
    )}${
    rest > 0
      ? html`<a href="#counterexamples" data-campaign="${broken[0]!.campaignIndex}" data-invariant="${invariant}">and ${rest} more</a>`
      : null
  }</span>`;
}

function statements(campaigns: readonly ResultCampaign[]): Markup {
  const statedBy = new Map<string, { verdict: ResultVerdict; sections: Set<string> }>();
  for (const { architecture, verdicts } of campaigns) {
    for (const verdict of verdicts) {
      const known = statedBy.get(verdict.invariant) ?? { verdict, sections: new Set() };
      statedBy.set(verdict.invariant, known);
      if (verdict.sections.length > 0)
        known.sections.add(`${architecture.name} ${verdict.sections.join(", ")}`);
    }
  }
  const inOrder = [...statedBy.values()].sort((one, other) =>
    naturally(one.verdict.invariant, other.verdict.invariant),
  );
  const items = inOrder.map(
    ({
      verdict,
      sections,
    }) => html`<dt id="invariant-${verdict.invariant}"><b>${verdict.invariant}</b> ${verdict.title}</dt>
<dd>${verdict.statement}.${[...sections].map((one) => html` <span class="section">${one}</span>`)}</dd>
`,
  );
  return html`<details class="statements"><summary>What each invariant states, and where the specification does</summary>
<dl>${items}</dl></details>`;
}
