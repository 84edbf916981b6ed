/** The walk of a counterexample: the tables that were read, each with its entry and an arrow to the next, and every field. */
import type { Walk } from "../result.js";
import { html, type Markup } from "./markup.js";
import { mark, scrolling } from "./parts.js";
import { type Column, table } from "./tables.js";
import { LINE, linesOf, textLines } from "./text-lines.js";

type WalkEntry = Walk["entries"][number];

const BOX = 158;
const GAP = 32;
const PITCH = BOX + GAP;
/** Before the first box, for the arrow that comes from above or from the row before. */
const LEFT = 26;
const TOP = 40;
const TABLE = 138;
const ROW = 36;
const HEIGHT = TOP + TABLE + 46;
const REQUEST = 22;
const MOST_IN_A_ROW = 6;
/** Characters that fit into a box. */
const CHARACTERS = 22;
const BYTES_OF_A_TABLE = 4096;

/** The picture, and below it the entries with their fields. */
export function walkFigure(walk: Walk, anchor: string): Markup {
  return html`<figure class="walk">${scrolling("Walk", picture(walk, anchor))}</figure>
<ol class="entries">${walk.entries.map(entry)}</ol>`;
}

function picture({ request, entries, target }: Walk, anchor: string): Markup {
  const id = `${anchor}-walk`;
  const count = entries.length + 1;
  const rows = Math.ceil(count / MOST_IN_A_ROW);
  const inRow = Math.ceil(count / rows);
  const place = (index: number) => ({
    x: LEFT + PITCH * (index % inRow),
    y: REQUEST + HEIGHT * Math.floor(index / inRow),
  });
  const entered = (index: number) => place(index).y + (entries[index] ? entryPoint(entries[index]) : MIDDLE);
  const boxes = entries.map((one, index) => {
    const { x, y } = place(index);
    const from = y + rowOf(one) + ROW / 2;
    const next = place(index + 1);
    const link =
      next.y === y ? straight(x, from, entered(index + 1)) : wrapping(x, from, next.y, entered(index + 1));
    return html`<g transform="translate(${x} ${y})">${pictureOf(one)}</g>${link}
`;
  });
  const last = place(entries.length);
  const width = LEFT + PITCH * inRow - GAP + 24;
  const height = REQUEST + HEIGHT * rows;
  return html`<svg class="picture" role="img" aria-labelledby="${id}-title ${id}-desc" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title id="${id}-title">The walk as linked tables</title><desc id="${id}-desc">${description({ request, entries, target })}</desc>
<text class="name" x="0" y="13">${request}</text><path class="arrow" d="M6 ${REQUEST}V${entered(0)}H${LEFT - 2}${HEAD}"/>
${boxes}<g transform="translate(${last.x} ${last.y})">${end(target)}</g></svg>`;
}

const MIDDLE = TOP + TABLE / 2;
const HEAD = "m-6 -4l6 4l-6 4";

/** The arrow from the right edge of a box, at a height, to the next box in the row, at another. */
function straight(x: number, from: number, to: number): Markup {
  return html`<path class="arrow" d="M${x + BOX} ${from}h${GAP / 2}V${to}h${GAP / 2 - 2}${HEAD}"/>`;
}

/** The arrow from the last box of a row to the first of the next, whose top is at `below`. */
function wrapping(x: number, from: number, below: number, to: number): Markup {
  return html`<path class="arrow" d="M${x + BOX} ${from}h${GAP / 2}V${below}H6V${to}H${LEFT - 2}${HEAD}"/>`;
}

/** Where the entry stands in the picture of its table: as far down as in the table itself. */
function rowOf({ address }: WalkEntry): number {
  if (address === "") return TOP + (TABLE - ROW) / 2;
  const share = (Number(address.replaceAll("_", "")) % BYTES_OF_A_TABLE) / BYTES_OF_A_TABLE;
  return TOP + Math.round(share * (TABLE - ROW));
}

/** The arrow to a table ends at its base; to an entry that is in none, at the entry. */
function entryPoint(one: WalkEntry): number {
  return one.address === "" ? rowOf(one) + ROW / 2 : TOP + 8;
}

function pictureOf(one: WalkEntry): Markup {
  const { name, address, value, stale } = one;
  const row = rowOf(one);
  const names = linesOf(name, CHARACTERS);
  return html`${textLines("name", names, 0, TOP - 8 - LINE * (names.length - 1))}${address === "" ? null : outline()}
<g class="row${stale ? " old" : ""}"><rect class="cell" x="0" y="${row}" width="${BOX}" height="${ROW}"/>${
    stale ? html`<rect class="strip" x="0" y="${row}" width="7" height="${ROW}"/>` : null
  }<text x="12" y="${row + 14}" class="address">${address === "" ? "in no table" : address}</text><text x="12" y="${row + 29}" class="value">${value}</text></g>
${textLines(stale ? "history old" : "history", linesOf(history(one), CHARACTERS), 0, TOP + TABLE + LINE + 2)}`;
}

/** A table with rules that stand for its other entries. */
function outline(): Markup {
  const rules = [1, 2, 3, 4, 5].map(
    (index) => html`<path class="rule" d="M0 ${TOP + (TABLE / 6) * index}H${BOX}"/>`,
  );
  return html`<rect class="table" x="0" y="${TOP}" width="${BOX}" height="${TABLE}"/>${rules}`;
}

function end(text: string): Markup {
  const lines = linesOf(text, CHARACTERS);
  const height = LINE * lines.length + 16;
  const y = MIDDLE - height / 2;
  return html`<rect class="end" x="0" y="${y}" width="${BOX}" height="${height}"/>${textLines("value", lines, 8, y + LINE + 4)}`;
}

function history({ storedStep, replacedStep, stale }: WalkEntry): string {
  const stored = storedStep < 0 ? "there from the start" : `stored by step ${storedStep + 1}`;
  const fate = replacedStep === null ? "" : `, replaced by step ${replacedStep + 1}`;
  return `${stale ? "old value: " : ""}${stored}${fate}`;
}

function description({ request, entries, target }: Walk): string {
  const steps = entries.map(
    (one) => `${one.name} ${one.address} holds ${one.value}${one.stale ? " (old value)" : ""}`,
  );
  return `${[request, ...steps].join(", then ")}; it leads to ${target}. The list below has every field.`;
}

function entry(one: WalkEntry): Markup {
  const { name, address, value, why, stale, fields } = one;
  const place = address === "" ? null : html`<code>${address}</code> `;
  return html`<li${stale ? OLD : null}><p class="entry"><b>${name}</b> ${place}<code>${value}</code>
<span class="history">${stale ? mark("violated") : null}${history(one)}</span></p>
${why === null ? null : html`<p class="why">${why}</p>`}${fields.length === 0 ? null : fieldTable(fields, name)}</li>
`;
}

const OLD = html` class="old"`;

const COLUMNS: readonly Column[] = [
  { title: "field" },
  { title: "bits", kind: "number" },
  { title: "value" },
  { title: "meaning" },
];

function fieldTable(fields: WalkEntry["fields"], name: string): Markup {
  const summary = fields.map((one) => `${one.name}=${one.value}`).join(" ");
  const rows = fields.map((one) => ({
    cells: [one.name, one.bits, html`<code>${one.value}</code>`, one.meaning],
  }));
  const shown = scrolling(`Fields of the ${name}`, table("field-table", { columns: COLUMNS }, rows));
  return html`<details class="fields"><summary><code>${summary}</code></summary>${shown}</details>`;
}
