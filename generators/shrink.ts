/** Smaller scenarios, of whatever architecture. */
import { simplerAmdViScenarios, sizeOfAmdVi } from "./amdvi/shrink.js";
import type { Scenario } from "./scenario.js";
import { isBelow } from "./shrinking.js";
import { simplerVtdScenarios, sizeOfVtd } from "./vtd/shrink.js";

/**
 * How large a scenario is: steps, then devices and domains, then fields away from their simplest value, then addresses.
 * The implementation's timing is no part of it: another timing is another run, not a smaller scenario.
 */
export function sizeOf(scenario: Scenario): readonly number[] {
  return scenario.architecture === "vtd" ? sizeOfVtd(scenario) : sizeOfAmdVi(scenario);
}

/** True when `one` is smaller than `other` in the first measure in which they differ. */
export function isSmaller(one: Scenario, other: Scenario): boolean {
  return isBelow(sizeOf(one), sizeOf(other));
}

/**
 * Scenarios with something taken away, each smaller than the given one: without chunks of steps, without single
 * steps, with things merged or dropped, with simpler fields, with fewer and smaller addresses.
 */
export function* simplerScenarios(scenario: Scenario): Generator<Scenario> {
  if (scenario.architecture === "vtd") yield* simplerVtdScenarios(scenario);
  else yield* simplerAmdViScenarios(scenario);
}
