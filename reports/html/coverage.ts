/** Rules of each architecture that the runs exercised, and those they did not. */
import type { Result, ResultCampaign } from "../result.js";
import { grouped, html, type Markup } from "./markup.js";
import { bar, type Section, scrolling, unbroken } from "./parts.js";
import { type Column, table } from "./tables.js";

type Covered = ResultCampaign["coverage"][number];

/** For each architecture the share by campaign, and every rule with how often it decided something. */
export function coverage({ campaigns }: Result): Section | null {
  const covered = campaigns.filter((one) => one.coverage.length > 0);
  if (covered.length === 0) return null;
  const ids = [...new Set(covered.map((one) => one.architecture.id))];
  const parts = ids.map((id) => ofArchitecture(covered.filter((one) => one.architecture.id === id)));
  const content = html`<p>A rule is exercised when it decided something: a fault, a check that an outcome rests on,
an effect of a register. What was not exercised was not judged.</p>
${parts}`;
  return { id: "coverage", title: "Rules exercised", count: null, content };
}

function ofArchitecture(campaigns: readonly ResultCampaign[]): Markup {
  const { id, name } = campaigns[0]!.architecture;
  const rules = new Map(campaigns.flatMap((one) => one.coverage.map((rule) => [rule.id, rule])));
  const counts = campaigns.map((one) => new Map(one.coverage.map((rule) => [rule.id, rule.count])));
  const missed = [...rules.values()].filter((rule) => counts.every((one) => (one.get(rule.id) ?? 0) === 0));
  return html`<h3 id="coverage-${id}">${name}</h3>
${shares(campaigns)}
${missedBox(missed)}
<details class="rules-box"><summary>All ${rules.size} rules of ${name}</summary>
<form class="filter scripted" data-rules="rules-${id}" role="search" aria-label="Rules of ${name}">
<label>Search <input type="search" autocomplete="off" spellcheck="false" placeholder="rule, statement, section …"></label>
<label class="check"><input type="checkbox"> only those that a campaign did not reach</label>
<output role="status"></output></form>
${scrolling(`Rules of ${name}`, ruleTable(id, campaigns, [...rules.values()], counts))}</details>
`;
}

function shares(campaigns: readonly ResultCampaign[]): Markup {
  const rows = campaigns.map(({ heading, coverage }) => {
    const reached = coverage.filter((rule) => rule.count > 0).length;
    return {
      cells: [unbroken(heading), bar(reached / coverage.length), `${reached} of ${coverage.length}`],
    };
  });
  const columns: Column[] = [
    { title: "campaign" },
    { title: "share", kind: "wide" },
    { title: "rules", kind: "number" },
  ];
  return table("shares", { columns, caption: "Share of the rules, by campaign", headless: true }, rows);
}

function missedBox(missed: readonly Covered[]): Markup {
  if (missed.length === 0) return html`<p>Every rule was reached.</p>`;
  const items = missed.map(
    ({ id, statement, section }) =>
      html`<li><code>${id}</code> ${statement} <span class="section">${section}</span></li>\n`,
  );
  return html`<details class="missed"><summary>Reached by no campaign: ${missed.length}</summary>
<ul class="rules">${items}</ul></details>`;
}

function ruleTable(
  id: string,
  campaigns: readonly ResultCampaign[],
  rules: readonly Covered[],
  counts: readonly ReadonlyMap<string, number>[],
): Markup {
  const columns: Column[] = [
    { title: "rule" },
    { title: "statement", kind: "prose" },
    { title: "section", kind: "section" },
    ...campaigns.map((one) => ({ title: unbroken(one.heading), kind: "number" as const })),
  ];
  const rows = rules.map((rule) => {
    const reached = counts.map((one) => one.get(rule.id) ?? 0);
    const cells = reached.map((one) =>
      one === 0 ? html`<span class="known">not reached</span>` : grouped(one),
    );
    return {
      cells: [html`<code>${rule.id}</code>`, rule.statement, rule.section, ...cells],
      ...(reached.includes(0) ? { attributes: html` data-missed` } : {}),
    };
  });
  return table("rule-table", { columns, id: `rules-${id}` }, rows);
}
