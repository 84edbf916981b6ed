/** One way of writing a test of the protocol. */
import type fc from "fast-check";
import type { Freeing, Step, Violation } from "./protocol.js";

/** Steps of a scenario, at most. */
export const MOST_STEPS = 50;

/** What the ways have in common, so that they are measured by the same code. */
export interface Way<T> {
  readonly name: string;
  /** Of up to {@link MOST_STEPS} steps. */
  arbitrary(): fc.Arbitrary<T>;
  /** The scenario of given steps. */
  from(steps: readonly Step[]): T;
  /** What the property looks for: the first violation, or null. */
  check(scenario: T, freeing: Freeing): Violation | null;
  /** Steps that were drawn. */
  drawn(scenario: T): number;
  /** Steps that a reader of the counterexample is shown. */
  shown(scenario: T): number;
}
