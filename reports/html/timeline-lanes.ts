/** The lanes of a timeline, each drawn from its own upper left corner on. */
import type { Timeline } from "../result.js";
import { html, type Markup } from "./markup.js";
import { LINE, linesOf } from "./text-lines.js";
import {
  MARKER,
  type PlacedLabel,
  placeLabels,
  rightEdge,
  type Scale,
  shortened,
} from "./timeline-layout.js";

type Lane = Timeline["lanes"][number];
type Event = Timeline["events"][number];
export type Stale = NonNullable<Timeline["stale"]>;
type Fence = NonNullable<Stale["fence"]>;

/** A lane with what is in it, and how far that reaches. */
export interface Drawn {
  readonly title: readonly string[];
  readonly kind: string;
  readonly content: Markup;
  readonly right: number;
  readonly height: number;
}

export const PADDING = 7;
/** Characters of the title of a lane that fit beside it. */
const TITLE = 13;
const ROW = 19;
const BAR = 14;

/** The lanes from above to below; the old value stands between invalidations and requesters. */
export function drawnLanes({ lanes, events, stale }: Timeline, scale: Scale): Drawn[] {
  const eventsOf = (id: string) =>
    events.filter((one) => one.lane === id).sort((one, other) => one.at - other.at);
  const drawn = (some: readonly Lane[]) => some.map((lane) => eventLane(lane, eventsOf(lane.id), scale));
  return [
    ...drawn(lanes.filter((one) => one.kind !== "requester")),
    ...(stale ? [staleLane(stale, scale)] : []),
    ...drawn(lanes.filter((one) => one.kind === "requester")),
    ...(stale?.fence ? [fenceLane(stale.fence, scale)] : []),
  ];
}

function eventLane({ title, kind }: Lane, events: readonly Event[], scale: Scale): Drawn {
  const texts = events.map(({ at, text, tone }) => ({
    x: scale.at(at),
    text: tone === "bad" ? text : shortened(text),
  }));
  const labels = placeLabels(texts, scale.width);
  const content = html`${events.map((event, index) => eventMarkup(event, labels[index]!, scale))}`;
  return lane(title, kind, content, labels, 0);
}

/** A lane with labels, the first row of which is at a height. */
function lane(
  title: string,
  kind: string,
  content: Markup,
  labels: readonly PlacedLabel[],
  top: number,
): Drawn {
  const lines = linesOf(title, TITLE);
  const rows = Math.max(1, ...labels.map(({ row }) => row + 1));
  const height = 2 * PADDING + Math.max(top + ROW * rows, LINE * lines.length);
  return { title: lines, kind, content, right: rightEdge(labels), height };
}

function eventMarkup({ until, text, tone }: Event, label: PlacedLabel, scale: Scale): Markup {
  const [x, y] = [round(label.x), middleOf(label)];
  const lasting =
    until === null ? null : html`<path class="lasting" d="M${x} ${y + 9}H${round(scale.at(until))}v-5"/>`;
  return html`<g class="event ${tone}"><title>${text}</title>${lasting}
<path class="marker" d="M${x} ${y}${MARKERS[tone]}"/>${labelText(label, y)}</g>
`;
}

const MARKERS: Readonly<Record<Event["tone"], string>> = {
  plain: "m0 -5v10",
  good: "m-4 0l3 4l5-8",
  bad: "m-4 -4l8 8m0-8l-8 8",
};

function middleOf({ row }: PlacedLabel): number {
  return row * ROW + ROW / 2;
}

function labelText({ x, leftwards, text }: PlacedLabel, y: number): Markup | null {
  if (text === "") return null;
  const [place, anchor] = leftwards ? [x - MARKER, "end"] : [x + MARKER, "start"];
  return html`<text x="${round(place)}" y="${y + 4}" text-anchor="${anchor}">${text}</text>`;
}

/** The old value was used although its invalidation had been seen complete. */
export function passesFence({ until, fence }: Stale): boolean {
  return fence !== null && fence.completed !== null && until > fence.completed;
}

/** The bar of the old value: while it was in its place, after it was replaced, and past the fence that ends its use. */
function staleLane(stale: Stale, scale: Scale): Drawn {
  const { title, from, until, fence } = stale;
  const past = passesFence(stale);
  const replaced = Math.min(stale.replaced ?? until, until);
  const limit = past ? Math.max(fence!.completed!, replaced) : until;
  const points = [{ x: scale.at(from), text: "stored" }];
  if (stale.replaced !== null) points.push({ x: scale.at(replaced), text: "replaced" });
  points.push({ x: scale.at(until), text: past ? "still used" : "still usable" });
  const labels = placeLabels(points, scale.width);
  const top = ROW + 1;
  const bar = (kind: string, begin: number, end: number) => {
    const [left, right] = [scale.at(begin), scale.at(end)];
    const place = html`x="${round(left)}" y="${top}" width="${round(right - left)}" height="${BAR}"`;
    return right > left ? html`<rect class="stale ${kind}" ${place}/>` : null;
  };
  const names = labels.map((label) => {
    const y = middleOf(label);
    const line = html`<path class="marker" d="M${round(label.x)} ${top + BAR}v${y + 3}"/>`;
    return html`${line}${labelText(label, top + BAR + 3 + y)}`;
  });
  const content = html`<text class="name" x="${round(scale.at(from))}" y="12">${title}</text>
${bar("current", from, replaced)}${bar("old", replaced, limit)}${bar("beyond", limit, until)}
<path class="end" d="M${round(scale.at(until))} ${top - 4}v${BAR + 8}"/>
${names}`;
  return lane("old value", "value", content, labels, top + BAR + 3);
}

/** What the lines of the fence are, below all lanes. */
function fenceLane({ submitted, completed }: Fence, scale: Scale): Drawn {
  const labels: PlacedLabel[] = [{ x: scale.at(submitted), row: 0, leftwards: true, text: "submitted" }];
  const text = completed === null ? "not seen complete" : "seen complete";
  labels.push({ x: scale.at(completed ?? submitted), row: 0, leftwards: false, text });
  const content = html`${labels.map((label) => labelText(label, middleOf(label)))}`;
  return lane("fence", "fence-names", content, labels, 0);
}

/** The fence between two heights: from where it was submitted to where it was seen complete. */
export function fenceLines({ submitted, completed }: Fence, scale: Scale, from: number, to: number): Markup {
  const [start, end] = [scale.at(submitted), scale.at(completed ?? submitted)];
  const line = (kind: string, x: number) =>
    html`<path class="fence ${kind}" d="M${round(x)} ${from}V${to}"/>`;
  const place = html`x="${round(start)}" y="${from}" width="${round(end - start)}" height="${to - from}"`;
  return html`<rect class="fencing" ${place}/>${line("submitted", start)}${
    completed === null ? null : line("completed", end)
  }`;
}

/** To a tenth of a pixel. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
