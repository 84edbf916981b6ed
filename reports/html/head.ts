/** The head of the report: the verdict in one sentence, what was searched, and the command that makes it again. */
import type { Result, ResultCampaign } from "../result.js";
import { counted, grouped, html, type Markup } from "./markup.js";
import { command, type Mark, mark, naturally, scrolling, unbroken, VERDICT_MARKS } from "./parts.js";
import { type Column, table } from "./tables.js";

/** What the result comes to: violated before unknown before known deviations before holds. */
export function overall({ campaigns }: Result): { kind: Mark; sentence: string } {
  const marks = (campaign: ResultCampaign) => campaign.verdicts.map((one) => VERDICT_MARKS[one.verdict]);
  const having = (kind: Mark) => campaigns.filter((one) => marks(one).includes(kind));
  const violated = having("violated");
  if (violated.length > 0) {
    const broken = violated.flatMap((one) => one.verdicts.filter(({ verdict }) => verdict === "violated"));
    const ids = [...new Set(broken.map((one) => one.invariant))].sort(naturally);
    const sentence = `Violated: ${listed(ids)}, by ${listed(violated.map((one) => one.heading))}`;
    return { kind: "violated", sentence };
  }
  const unknown = having("unknown");
  if (unknown.length > 0)
    return { kind: "unknown", sentence: `No verdict on ${listed(unknown.map((one) => one.heading))}` };
  if (campaigns.every((one) => one.verdicts.length === 0)) {
    return { kind: "unknown", sentence: "Nothing was judged" };
  }
  const known = having("known");
  if (known.length > 0) {
    const sentence = `No new violation: ${listed(known.map((one) => one.heading))} showed known deviations only`;
    return { kind: "known", sentence };
  }
  return { kind: "holds", sentence: "No violation was found" };
}

/** `a`, `a and b`, `a, b and c`; beyond five the rest is counted. */
function listed(names: readonly string[]): string {
  const shown = names.length > 5 ? [...names.slice(0, 4), `${names.length - 4} others`] : names;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** Everything above the first section. */
export function head(result: Result): Markup {
  const { kind, sentence } = overall(result);
  return html`<header>
<p class="tool">${result.tool.name} ${result.tool.version}</p>
<h1>${mark(kind)}<span>${unbroken(sentence)}</span></h1>
<p class="meaning">${result.meaning}</p>
${campaignTable(result.campaigns)}
${again(result)}
<p class="scripted"><button type="button" id="save-result">Save the result as JSON</button></p>
</header>`;
}

function again(result: Result): Markup | null {
  if (result.command === null) return null;
  return html`<p class="label">The command that made this</p>${command(result.command)}`;
}

const COLUMNS: readonly Column[] = [
  { title: "implementation" },
  { title: "architecture" },
  ...["scenarios", "requests", "seconds", "per second", "seed", "workers"].map((title) => ({
    title,
    kind: "number" as const,
  })),
];

function campaignTable(campaigns: readonly ResultCampaign[]): Markup {
  const rows = campaigns.map((one) => {
    const figures = [grouped(one.runs), grouped(one.requests), one.seconds.toFixed(1), rate(one)];
    return { cells: [unbroken(one.heading), one.architecture.name, ...figures, one.seed, one.workers] };
  });
  const caption = `What was searched: ${counted(campaigns.length, "campaign")}`;
  return scrolling("What was searched", table("campaigns", { columns: COLUMNS, caption }, rows));
}

function rate({ runs, seconds }: ResultCampaign): string {
  const rate = runs / Math.max(seconds, 1e-9);
  return rate < 10 ? rate.toFixed(1) : grouped(Math.round(rate));
}
