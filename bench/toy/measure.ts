/** What a way of writing the test costs, and what it finds. */
import fc from "fast-check";
import { sink } from "../measure.js";
import { medianOf } from "../row.js";
import type { Way } from "./way.js";

/** Scenarios after which a search gives up. */
export const MOST_RUNS = 20_000;

const ROUNDS = 7;
/** Rounds before, for the engine to compile. */
const WARM_UP = 3;
/** Scenarios of a round. */
export const SCENARIOS = 8000;

/** Milliseconds that this process has computed for: a machine that is busy with something else changes no figure. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * How many of something a second.
 * @param round does it for a while, differently for each seed; returns how many it did
 */
export function perSecond(round: (seed: number) => number): number {
  const rate = (seed: number) => {
    const start = processorTime();
    const count = round(seed);
    sink.value += count;
    return (count * 1000) / (processorTime() - start);
  };
  const rates = Array.from({ length: WARM_UP + ROUNDS }, (_, seed) => rate(seed));
  return medianOf(rates.slice(WARM_UP));
}

/**
 * Steps a second that the runner of fast-check hands to a property which does nothing with them.
 * @param drawn the steps of a scenario
 */
export function stepsPerSecond<T>(arbitrary: fc.Arbitrary<T>, drawn: (scenario: T) => number): number {
  return perSecond((seed) => {
    let steps = 0;
    const property = fc.property(arbitrary, (scenario) => {
      steps += drawn(scenario);
    });
    fc.check(property, { seed, numRuns: SCENARIOS });
    return steps;
  });
}

/** The search of one seed for the fault. */
export interface Search {
  readonly found: boolean;
  /** Scenarios up to the first that shows it, or all. */
  readonly runs: number;
  /** Milliseconds of processor time until then. */
  readonly toFind: number;
  /** Milliseconds from then until it is as short as it gets. */
  readonly toShrink: number;
  /** Steps of the counterexample; 0 when there is none. */
  readonly length: number;
}

/** Looks for the fault from a seed, and shrinks what it finds. */
export function search<T>(way: Way<T>, seed: number): Search {
  const start = processorTime();
  let runs = 0;
  let foundAt: number | null = null;
  const property = fc.property(way.arbitrary(), (scenario) => {
    if (foundAt === null) runs++;
    if (way.check(scenario, "after-submission") === null) return true;
    foundAt ??= processorTime();
    return false;
  });
  const { counterexample } = fc.check(property, { seed, numRuns: MOST_RUNS });
  const end = processorTime();
  const toFind = (foundAt ?? end) - start;
  if (counterexample === null) return { found: false, runs, toFind, toShrink: 0, length: 0 };
  const length = way.shown(counterexample[0]);
  return { found: true, runs, toFind, toShrink: end - start - toFind, length };
}
