/** Known deviations that were met, side by side: what each does, where it was measured, which campaigns met it. */
import type { Result, ResultCampaign, ResultFinding } from "../result.js";
import type { Entry } from "./entries.js";
import { counted, html, type Markup } from "./markup.js";
import { mark, naturally, type Section, scrolling, unbroken } from "./parts.js";
import { type Column, table } from "./tables.js";

type Known = NonNullable<ResultFinding["known"]>;

/** The matrix of deviations and implementations of each architecture; null where none was met. */
export function deviations({ campaigns }: Result, entries: readonly Entry[]): Section | null {
  const met = entries.filter((one) => one.finding.known);
  if (met.length === 0) return null;
  const names = [...new Set(met.map((one) => one.campaign.architecture.name))];
  const matrices = names.map((name) => {
    const here = met.filter((one) => one.campaign.architecture.name === name);
    return html`<h3>${name}</h3>
${scrolling(`Known deviations of ${name}`, matrix(campaigns, here))}
`;
  });
  const content = html`<p>Deviations that are listed, with the section of the specification that decides. They are no
violations of this result.</p>
${matrices}`;
  const count = new Set(met.map((one) => one.finding.known!.id)).size;
  return { id: "deviations", title: "Known deviations side by side", count, content };
}

function matrix(campaigns: readonly ResultCampaign[], met: readonly Entry[]): Markup {
  const known = new Map<string, Known>(met.map(({ finding }) => [finding.known!.id, finding.known!]));
  const showing = [...new Set(met.map((one) => one.campaignIndex))];
  const versions = [...new Set([...known.values()].flatMap((one) => one.versions))].sort(naturally);
  const columns: Column[] = [
    { title: "deviation" },
    { title: "what it does", kind: "prose" },
    ...showing.map((index) => ({ title: html`met by ${unbroken(campaigns[index]!.heading)}` })),
    ...versions.map((one) => ({ title: `measured on ${one}`, kind: "centred" as const })),
  ];
  const rows = [...known.values()].map(({ id, statement, specification, versions: having }) => ({
    cells: [
      html`<code>${id}</code>`,
      html`${statement}<span class="specification"><b>Specification:</b> ${specification}</span>`,
      ...showing.map((index) =>
        times(
          met.filter((one) => one.campaignIndex === index),
          id,
        ),
      ),
      ...versions.map((one) => (having.includes(one) ? "yes" : html`<span class="faint">no</span>`)),
    ],
  }));
  return table("deviations", { columns }, rows);
}

function times(entries: readonly Entry[], id: string): Markup {
  const here = entries.filter((one) => one.finding.known!.id === id);
  if (here.length === 0) return html`<span class="faint">not met</span>`;
  const total = here.reduce((sum, one) => sum + one.finding.count, 0);
  const how = total === 0 ? "by an earlier file" : counted(total, "scenario");
  const links = here.map(({ anchor, number }) => html`<a href="#${anchor}">#${number}</a> `);
  return html`<span class="verdict known">${mark("known")}${how}</span> <span class="links">${links}</span>`;
}
