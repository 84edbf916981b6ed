/** What the scenarios of a campaign were like: a count for each value, group by group. */
import { Effect, type RequestType } from "../model/trace.js";
import type { AnyScenario, Verdict } from "./subject.js";

/** Counts by group and value. */
export type Distribution = ReadonlyMap<string, ReadonlyMap<string, number>>;

const REQUEST_TYPES: readonly RequestType[] = ["read", "write", "atomic", "zero-length-read"];
/** How a request ended, from the lowest `Effect` on; any page is above them. */
const ENDS = ["done without memory", "to the interrupt unit", "without effect", "blocked", "served"] as const;
const LOWEST = Effect.done;

/** For each type and end its name: to put them together anew for every request would take longer than to count. */
const REQUEST_NAMES = new Map(
  REQUEST_TYPES.map((type) => [type, ENDS.map((end) => `${type}, ${end}`)] as const),
);

type Counts = Map<string, { count: number }>;

/** Counts the scenarios of a campaign. */
export class DistributionCounter {
  private readonly groups = new Map<string, Counts>();
  private readonly kinds: Counts = new Map();
  private readonly requests: Counts = new Map();
  /** By the number itself. */
  private readonly lengths: number[] = [];
  private readonly noteRequest = (type: RequestType, effect: number) =>
    increment(this.requests, REQUEST_NAMES.get(type)![Math.min(effect, 0) - LOWEST]!);

  note(scenario: AnyScenario, judged: Pick<Verdict, "eachRequest">): void {
    this.add("profile", scenario.profile);
    if ("start" in scenario) this.add("start", scenario.start);
    if ("leaves" in scenario) this.add("left by firmware", scenario.leaves);
    if ("invalidation" in scenario) this.add("invalidation through", scenario.invalidation);
    if ("flushing" in scenario) this.add("flushing", scenario.flushing);
    const { length } = scenario.steps;
    this.lengths[length] = (this.lengths[length] ?? 0) + 1;
    for (const step of scenario.steps) increment(this.kinds, step.do);
    judged.eachRequest(this.noteRequest);
  }

  counts(): Distribution {
    const lengths = [...this.lengths.entries()].filter(([, count]) => count > 0);
    const groups: [string, Counts][] = [
      ...this.groups,
      ["number of steps", new Map(lengths.map(([length, count]) => [String(length), { count }] as const))],
      ["kind of step", this.kinds],
      ["request", this.requests],
    ];
    const plain = (counts: Counts) => new Map([...counts].map(([name, { count }]) => [name, count] as const));
    return new Map(groups.map(([group, counts]) => [group, plain(counts)] as const));
  }

  private add(group: string, value: string): void {
    let values = this.groups.get(group);
    if (!values) {
      values = new Map();
      this.groups.set(group, values);
    }
    increment(values, value);
  }
}

function increment(counts: Counts, name: string): void {
  const found = counts.get(name);
  if (found) found.count++;
  else counts.set(name, { count: 1 });
}

/** Counts of several shares, added. */
export function added(counts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const one of counts) for (const [name, count] of one) sums.set(name, (sums.get(name) ?? 0) + count);
  return sums;
}

/** Distributions of several shares as one. */
export function addedDistributions(all: readonly Distribution[]): Distribution {
  const groups = new Set(all.flatMap((one) => [...one.keys()]));
  return new Map(
    [...groups].map((group) => [group, added(all.flatMap((one) => one.get(group) ?? []))] as const),
  );
}
