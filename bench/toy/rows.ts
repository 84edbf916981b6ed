/** The same small protocol, with the same fault, tested in three ways: what each costs and finds, against `fc.commands`. */
import { medianOf, type Row, rounded } from "../row.js";
import { commands } from "./commands.js";
import { guided } from "./guided.js";
import { MOST_RUNS, type Search, search, stepsPerSecond } from "./measure.js";
import { SHORTEST } from "./protocol.js";
import { records } from "./records.js";
import { MOST_STEPS, type Way } from "./way.js";

/** What was measured of a way. */
export interface Measured {
  readonly name: string;
  /** Scenarios of fifty steps a second. */
  readonly rate: number;
  readonly searches: readonly Search[];
}

function measured<T>(way: Way<T>, seeds: number): Measured {
  const rate = stepsPerSecond(way.arbitrary(), way.drawn) / MOST_STEPS;
  // The first searches are for the engine to compile.
  for (let seed = 0; seed < 5; seed++) search(way, -1 - seed);
  return {
    name: way.name,
    rate,
    searches: Array.from({ length: seeds }, (_, seed) => search(way, seed + 1)),
  };
}

/** How many times better something is, the other being the baseline. */
const times = (better: number) => `${rounded(better)}x`;

/** The median of the searches; those that found nothing count as if they had at their end. */
function middle(searches: readonly Search[], of: "runs" | "toFind"): { value: number; sign: string } {
  const half = searches.filter((one) => one.found).length * 2 > searches.length;
  return { value: medianOf(searches.map((one) => one[of])), sign: half ? "" : "> " };
}

function toFault(base: Measured, of: "runs" | "toFind", unit: string): (way: Measured) => Row {
  return ({ name, searches }) => {
    const { value, sign } = middle(searches, of);
    const other = middle(base.searches, of);
    const ratio = sign === "" ? `${other.sign}${times(other.value / value)}` : "";
    return [`to the fault, median: ${name}`, `${sign}${rounded(value)} ${unit}`, ratio, ""];
  };
}

function shrinking(base: Measured): (way: Measured) => Row {
  const time = ({ searches }: Measured) =>
    medianOf(searches.filter((one) => one.found).map((one) => one.toShrink));
  return (way) => {
    if (!way.searches.some((one) => one.found)) return [`shrinking, median: ${way.name}`, "", "", ""];
    const ratio = base.searches.some((one) => one.found) ? times(time(base) / time(way)) : "";
    return [`shrinking, median: ${way.name}`, `${time(way).toFixed(2)} ms`, ratio, ""];
  };
}

function lengths({ name, searches }: Measured): Row {
  const all = searches.filter((one) => one.found).map((one) => one.length);
  const shortest = all.filter((one) => one === SHORTEST).length;
  const longest = all.length === 0 ? "" : `longest ${Math.max(...all)}`;
  return [`of ${SHORTEST} steps, the fewest possible: ${name}`, `${shortest} of ${all.length}`, longest, ""];
}

function found({ name, searches }: Measured): Row {
  const count = searches.filter((one) => one.found).length;
  return [`found within ${rounded(MOST_RUNS)} runs: ${name}`, `${count} of ${searches.length}`, "", ""];
}

/** Rows for every way and measure, over seeds 1 and up; ratios say how many times better than `fc.commands`. */
export function toyRows(seeds: number): Row[] {
  return rowsOf([measured(commands, seeds), measured(records, seeds), measured(guided, seeds)]);
}

/** The rows of what was measured; the first way is the one that the others are compared with. */
export function rowsOf(ways: readonly [Measured, ...Measured[]]): Row[] {
  const [base] = ways;
  const generation = ({ name, rate }: Measured): Row => [
    `generating fifty steps: ${name}`,
    `${rounded(rate)}/s`,
    times(rate / base.rate),
    "",
  ];
  const measures = [
    generation,
    found,
    toFault(base, "runs", "runs"),
    toFault(base, "toFind", "ms"),
    shrinking(base),
    lengths,
  ];
  return measures.flatMap((row) => ways.map(row));
}
