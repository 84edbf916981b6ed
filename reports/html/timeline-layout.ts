/** Where the parts of a timeline stand: positions of a run on a line, labels in rows that do not overlap. */
import type { Timeline } from "../result.js";

/** Pixels of a character of a label; labels are set in a font of fixed width. */
const CHARACTER = 6.65;
/** For each position, but no more between two at which something happens. */
const GAP = 26;
const MOST_GAP = 40;
const LEAST_STEP = 30;
const LEAST_WIDTH = 1050;
/** Rows of labels in a lane at most; what does not fit has a marker and its line in the table below. */
const MOST_ROWS = 12;
const MOST_CHARACTERS = 52;
/** Between the marker of a label and its text, and between a text and the next marker. */
export const MARKER = 8;

/** Maps positions to pixels, from 0 on. */
export interface Scale {
  readonly width: number;
  at(position: number): number;
}

/** A scale on which everything that happens has room. */
export function scaleOf(timeline: Timeline): Scale {
  const positions = positionsOf(timeline);
  const gaps = positions.slice(1).map((to, index) => Math.min((to - positions[index]!) * GAP, MOST_GAP));
  for (const { from, until } of timeline.steps) widen(positions, gaps, from, until);
  const natural = gaps.reduce((sum, one) => sum + one, 0);
  const stretch = Math.max(1, LEAST_WIDTH / Math.max(natural, 1));
  const places = [0];
  for (const gap of gaps) places.push(places.at(-1)! + gap * stretch);
  const at = (position: number) => {
    const index = positions.findIndex((one) => one >= position);
    return places[index < 0 ? places.length - 1 : index]!;
  };
  return { width: places.at(-1)!, at };
}

/** Every position at which something begins or ends, in ascending order. */
function positionsOf({ length, steps, events, stale }: Timeline): number[] {
  const all = [0, length];
  for (const { from, until } of steps) all.push(from, until);
  for (const { at, until } of events) all.push(at, until ?? at);
  if (stale) {
    const { from, replaced, until, fence } = stale;
    all.push(from, replaced ?? from, until);
    if (fence) all.push(fence.submitted, fence.completed ?? fence.submitted);
  }
  return [...new Set(all)].sort((one, other) => one - other);
}

/** Gives a step room for its number. */
function widen(positions: readonly number[], gaps: number[], from: number, until: number): void {
  const [first, last] = [positions.indexOf(from), positions.indexOf(until)];
  const width = gaps.slice(first, last).reduce((sum, one) => sum + one, 0);
  if (last <= first || width >= LEAST_STEP) return;
  for (let index = first; index < last; index++) gaps[index]! += (LEAST_STEP - width) / (last - first);
}

/** A label in its row, to the right of its marker or to the left. */
export interface PlacedLabel {
  readonly x: number;
  readonly row: number;
  readonly leftwards: boolean;
  /** Empty where there was no room. */
  readonly text: string;
}

/** Puts labels into rows, each in the first that is free there; they come with ascending x. */
export function placeLabels(
  labels: readonly { readonly x: number; readonly text: string }[],
  width: number,
): PlacedLabel[] {
  const ends: number[] = [];
  return labels.map(({ x, text }) => {
    const room = MARKER + text.length * CHARACTER;
    const leftwards = x + room > width && x - room >= 0;
    const start = leftwards ? x - room : x - MARKER / 2;
    const free = ends.findIndex((end) => end + MARKER / 2 <= start);
    const row = free < 0 ? ends.length : free;
    if (row >= MOST_ROWS) return { x, row: MOST_ROWS - 1, leftwards: false, text: "" };
    ends[row] = leftwards ? x + MARKER / 2 : x + room;
    return { x, row, leftwards, text };
  });
}

/** A text that leaves room for others. */
export function shortened(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`;
}

/** How far labels reach to the right. */
export function rightEdge(labels: readonly PlacedLabel[]): number {
  return Math.max(
    0,
    ...labels.map((one) => (one.leftwards ? one.x : one.x + MARKER + one.text.length * CHARACTER)),
  );
}
