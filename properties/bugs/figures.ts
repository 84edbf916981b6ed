/** What searches for bugs come to, for one bug and for many. */
import type { Bug } from "../../implementations/bugs.js";
import type { BugSearch } from "./measure.js";

export interface Spread {
  readonly median: number;
  readonly p95: number;
  readonly worst: number;
}

/** All searches for one bug. */
export interface BugFigures {
  readonly bug: Bug;
  readonly searches: number;
  readonly found: number;
  /** Until the first finding, or the end of a search in vain. */
  readonly scenarios: Spread;
  readonly seconds: Spread;
  /** Of shrinking, and the steps it came to; null where nothing was found. */
  readonly shrinking: Spread | null;
  readonly steps: Spread | null;
  /** Counterexamples with as many steps as the argued minimum or fewer. */
  readonly minimal: number;
  /** Counterexamples that are more than a step longer. */
  readonly tooLong: number;
  /** Searches that found it within a second, and within ten. */
  readonly withinOne: number;
  readonly withinTen: number;
  /** Ids of the invariants that counterexamples break. */
  readonly invariants: readonly string[];
}

const SOON = 1;
const IN_TIME = 10;

export function figuresOf(bug: Bug, searches: readonly BugSearch[]): BugFigures {
  const shrunk = searches.flatMap((one) => one.found ?? []);
  const inTime = (limit: number) => searches.filter((one) => one.found && one.seconds <= limit).length;
  const { steps: least } = bug.minimum;
  return {
    bug,
    searches: searches.length,
    found: shrunk.length,
    scenarios: spread(searches.map((one) => one.scenarios)),
    seconds: spread(searches.map((one) => one.seconds)),
    shrinking: shrunk.length > 0 ? spread(shrunk.map((one) => one.seconds)) : null,
    steps: shrunk.length > 0 ? spread(shrunk.map((one) => one.steps)) : null,
    minimal: shrunk.filter((one) => one.steps <= least).length,
    tooLong: shrunk.filter((one) => one.steps > least + 1).length,
    withinOne: inTime(SOON),
    withinTen: inTime(IN_TIME),
    invariants: [...new Set(shrunk.flatMap((one) => one.invariants))],
  };
}

/** The same of many bugs together. */
export interface BugTotals {
  readonly bugs: number;
  readonly searches: number;
  readonly found: number;
  readonly minimal: number;
  readonly tooLong: number;
  readonly withinOne: number;
  readonly withinTen: number;
}

export function totalsOf(figures: readonly BugFigures[]): BugTotals {
  const sum = (of: (one: BugFigures) => number) => figures.reduce((total, one) => total + of(one), 0);
  return {
    bugs: figures.length,
    searches: sum((one) => one.searches),
    found: sum((one) => one.found),
    minimal: sum((one) => one.minimal),
    tooLong: sum((one) => one.tooLong),
    withinOne: sum((one) => one.withinOne),
    withinTen: sum((one) => one.withinTen),
  };
}

/** Every search found its bug, with at most a step more than it takes. */
export function isComplete({ searches, found, tooLong }: BugTotals): boolean {
  return found === searches && tooLong === 0;
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { median: at(0.5), p95: at(0.95), worst: sorted.at(-1)! };
}
