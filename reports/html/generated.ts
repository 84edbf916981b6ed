/** What was drawn: profiles, starts, steps, requests and their outcomes, campaign by campaign. */
import type { Result, ResultCampaign } from "../result.js";
import { grouped, html, type Markup } from "./markup.js";
import { bar, type Section, unbroken } from "./parts.js";
import { type Column, table } from "./tables.js";

/** Numbers are shown one by one up to so many, else in so many ranges. */
const MOST_NUMBERS = 12;

/** The distributions; null where none was recorded. */
export function generated({ campaigns }: Result): Section | null {
  const drawn = campaigns.filter((one) => one.generated.length > 0);
  if (drawn.length === 0) return null;
  const content = html`<p>What never appears here was never tried.</p>${drawn.map((one, index) => ofCampaign(one, index === 0))}`;
  return { id: "generated", title: "What was generated", count: null, content };
}

function ofCampaign({ heading, generated }: ResultCampaign, open: boolean): Markup {
  return html`<details class="generated"${open ? OPEN : null}><summary><h3>${unbroken(heading)}</h3></summary>
<div class="groups">${generated.map(group)}</div></details>
`;
}

const OPEN = html` open`;

type Group = ResultCampaign["generated"][number];

function group({ group, values: drawn }: Group): Markup {
  const values = inBins(drawn);
  const total = values.reduce((sum, one) => sum + one.count, 0);
  const most = Math.max(1, ...values.map((one) => one.count));
  const rows = values.map(({ name, count }) => ({
    cells: [name, bar(count / most), grouped(count), percent(count, total)],
  }));
  return table("distribution", { columns: COLUMNS, caption: group, headless: true }, rows);
}

const COLUMNS: readonly Column[] = [
  { title: "value" },
  { title: "share", kind: "wide" },
  { title: "count", kind: "number" },
  { title: "percent", kind: "number" },
];

/** Of many numbers ranges instead. */
function inBins(values: Group["values"]): Group["values"] {
  const numbers = values.map((one) => Number(one.name));
  if (values.length <= MOST_NUMBERS || !numbers.every(Number.isInteger)) return values;
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const size = Math.ceil((most - least + 1) / MOST_NUMBERS);
  const bins: Group["values"] = [];
  for (let from = least; from <= most; from += size) {
    const inside = values.filter((one) => Number(one.name) >= from && Number(one.name) < from + size);
    const count = inside.reduce((sum, one) => sum + one.count, 0);
    bins.push({ name: `${from} to ${Math.min(from + size - 1, most)}`, count });
  }
  return bins;
}

function percent(count: number, total: number): string {
  return total === 0 ? "" : `${((100 * count) / total).toFixed(1)} %`;
}
