/** What generators need to know of a platform to stay near its limits, on both sides. */
import { architectureOf, platformNamed } from "../model/architectures.js";
import { amdViFacts } from "./amdvi/facts.js";
import { vtdFacts } from "./vtd/facts.js";

/** How software can tell a unit what to invalidate: through a queue (or command buffer) in memory, or by registers. */
export type InvalidationInterface = "queue" | "registers";

export interface PlatformFacts {
  /** Numbers of levels of page tables that it supports. */
  readonly levels: readonly number[];
  /** Pages that one entry can map, the fewest first. */
  readonly sizes: readonly number[];
  readonly largestDomainId: number;
  /** Those it has, the usual one first. */
  readonly interfaces: readonly InvalidationInterface[];
  /** First page beyond each width that some platform has, its own twice as likely. */
  readonly pageLimits: readonly number[];
}

const FACTS = { vtd: vtdFacts, amdvi: amdViFacts } as const;

/** The facts of a profile of whatever architecture. @throws RangeError naming the known profiles */
export function factsOf(profile: string): PlatformFacts {
  return FACTS[architectureOf(platformNamed(profile)).id](profile);
}
