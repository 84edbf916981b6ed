/** The timeline of a counterexample: software, invalidations and requesters one above the other, and the old value between. */
import type { Timeline } from "../result.js";
import { html, type Markup } from "./markup.js";
import { scrolling } from "./parts.js";
import { type Column, table } from "./tables.js";
import { textLines } from "./text-lines.js";
import {
  type Drawn,
  drawnLanes,
  fenceLines,
  PADDING,
  passesFence,
  round,
  type Stale,
} from "./timeline-lanes.js";
import { type Scale, scaleOf } from "./timeline-layout.js";

/** For the titles of the lanes, which stay in sight when the rest is scrolled. */
const TITLES = 98;
/** Left of the first position, for its marker. */
const INSET = 8;
const HEADER = 26;

/** The picture with its legend, and the same as a table. */
export function timelineFigure(timeline: Timeline, brokenStep: number | null, anchor: string): Markup {
  const { stale } = timeline;
  return html`<figure class="timeline">${scrolling("Timeline", picture(timeline, brokenStep, anchor))}
<figcaption>${stale ? legend(stale) : null}
<p class="faint">One column for each step; its width says how much happens in it, not how long it takes.</p>
</figcaption></figure>
${asTable(timeline)}`;
}

function picture(timeline: Timeline, brokenStep: number | null, anchor: string): Markup {
  const { stale } = timeline;
  const scale = scaleOf(timeline);
  const lanes = drawnLanes(timeline, scale);
  const width = Math.ceil(INSET + Math.max(scale.width, ...lanes.map((one) => one.right)) + PADDING);
  const height = heightOf(lanes);
  const below = heightOf(lanes.filter((one) => one.kind === "software"));
  const id = `${anchor}-timeline`;
  const titles = stacked(lanes, width, ({ title }) => textLines("title", title, 0, PADDING + 13));
  const contents = stacked(
    lanes,
    width,
    ({ content }) => html`<g transform="translate(${INSET} ${PADDING})">${content}</g>`,
  );
  const fence = stale?.fence ? fenceLines(stale.fence, scale, below, height) : null;
  return html`<div class="lanes">
<svg class="picture titles" aria-hidden="true" ${sized(TITLES, height)}>${titles}</svg>
<svg class="picture" role="img" aria-labelledby="${id}-title ${id}-desc" ${sized(width, height)}>
<title id="${id}-title">Timeline of the counterexample</title>
<desc id="${id}-desc">${description(timeline)}</desc>
<g transform="translate(${INSET} 0)">${columns(timeline, scale, brokenStep, height)}${fence}</g>
${contents}</svg></div>`;
}

function sized(width: number, height: number): Markup {
  return html`width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
}

/** Of the head and these lanes. */
function heightOf(lanes: readonly Drawn[]): number {
  return lanes.reduce((sum, one) => sum + one.height, HEADER);
}

/** Something of each lane, one below the other. */
function stacked(lanes: readonly Drawn[], width: number, draw: (lane: Drawn) => Markup): Markup[] {
  return lanes.map((lane, index) => {
    const y = heightOf(lanes.slice(0, index));
    return html`<g class="lane ${lane.kind}" transform="translate(0 ${y})"><path class="rule" d="M0 0H${width}"/>
${draw(lane)}</g>
`;
  });
}

/** A column for each step, with its number; the one that shows it is marked. */
function columns({ steps }: Timeline, scale: Scale, brokenStep: number | null, height: number): Markup[] {
  return steps.map(({ step, from, until }) => {
    const [left, right] = [round(scale.at(from)), round(scale.at(until))];
    const broken = step === brokenStep;
    const text = step < 0 ? "start" : `${right - left > 60 ? "step " : ""}${step + 1}`;
    const ground = html`<rect class="column" x="${left}" y="0" width="${round(right - left)}" height="${height}"/>`;
    return html`<g class="step${broken ? " broken" : ""}"><path class="boundary" d="M${left} 0V${height}"/>
${broken ? ground : null}<text x="${round((left + right) / 2)}" y="16" text-anchor="middle">${text}</text></g>
`;
  });
}

function legend(stale: Stale): Markup {
  const { text, fence } = stale;
  const past = passesFence(stale);
  const item = (shape: Markup, words: string) =>
    html`<li><svg class="swatch" aria-hidden="true" width="28" height="12">${shape}</svg>${words}</li>
`;
  const bar = (kind: string) => html`<rect class="stale ${kind}" width="28" height="12"/>`;
  const line = (kind: string) => html`<path class="fence ${kind}" d="M14 0V12"/>`;
  const items = [
    item(bar("current"), "the value in its place"),
    item(bar("old"), past ? "replaced, may still be cached" : "replaced, may still be used"),
  ];
  if (past) items.push(item(bar("beyond"), "used although it must be gone"));
  if (fence) items.push(item(line("submitted"), `${fence.text}: submitted`));
  if (fence && fence.completed !== null) items.push(item(line("completed"), "seen complete"));
  return html`<p>${text}</p>
<ul class="legend">${items}</ul>`;
}

function description({ lanes, steps, stale }: Timeline): string {
  const names = lanes.map((one) => one.title).join(", ");
  const count = steps.filter((one) => one.step >= 0).length;
  const old = stale ? ` ${stale.text}.` : "";
  return `${count} steps from left to right in lanes for ${names}.${old} The table below says the same.`;
}

function asTable({ lanes, steps, events }: Timeline): Markup {
  const title = new Map(lanes.map((one) => [one.id, one.title]));
  const stepAt = (at: number) => {
    const step = steps.findLast(({ from }) => from <= at)?.step ?? -1;
    return step < 0 ? "start" : `${step + 1}`;
  };
  const inOrder = [...events].sort((one, other) => one.at - other.at);
  const rows = inOrder.map(({ at, lane, text, tone }) => ({
    cells: [stepAt(at), title.get(lane) ?? lane, html`<code class="${tone}">${text}</code>`],
  }));
  const columns: Column[] = [{ title: "step", kind: "number" }, { title: "lane" }, { title: "what" }];
  return html`<details class="as-table"><summary>The timeline as a table</summary>
${scrolling("Timeline as a table", table("events", { columns }, rows))}</details>`;
}
