/** Random driver scenarios for fast-check. */
import type fc from "fast-check";
import type { ArchitectureId } from "../../model/profile.js";
import { SeededArbitrary } from "../seeded-arbitrary.js";
import { defaultIntentOptions, generateIntentScenario, type IntentGeneratorOptions } from "./generate.js";
import { type IntentScenario, intentScenarioCodec } from "./scenario.js";
import { simplerIntentScenarios } from "./shrink.js";

/**
 * Scenarios that {@link generateIntentScenario} draws, shrunk by {@link simplerIntentScenarios}.
 *
 * @example
 * fc.assert(fc.property(intentScenarioArbitrary("vtd", { flushing: "strict" }), (scenario) => isSafe(scenario)));
 */
export function intentScenarioArbitrary(
  architecture: ArchitectureId,
  options: Partial<IntentGeneratorOptions> = {},
): fc.Arbitrary<IntentScenario> {
  const all = { ...defaultIntentOptions(architecture), ...options };
  return new SeededArbitrary({
    draw: (seed) => generateIntentScenario(seed, all),
    is: (value): value is IntentScenario => intentScenarioCodec.is(value),
    simpler: simplerIntentScenarios,
  });
}
