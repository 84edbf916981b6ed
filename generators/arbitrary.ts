/** Random scenarios for fast-check: one draw gives the seed of a whole scenario, shrinking works on the scenario itself. */
import type fc from "fast-check";
import type { ArchitectureId } from "../model/profile.js";
import { defaultOptions, type GeneratorOptions, generateScenario } from "./generate.js";
import { type Scenario, scenarioCodec } from "./scenario.js";
import { SeededArbitrary } from "./seeded-arbitrary.js";
import { simplerScenarios } from "./shrink.js";

export { isSmaller, simplerScenarios, sizeOf } from "./shrink.js";

/**
 * Scenarios that {@link generateScenario} draws, shrunk by {@link simplerScenarios}.
 *
 * @example
 * fc.assert(fc.property(scenarioArbitrary("vtd"), (scenario) => judge.judge(scenario, iommu).findings.length === 0));
 */
export function scenarioArbitrary(
  architecture: ArchitectureId,
  options: Partial<GeneratorOptions> = {},
): fc.Arbitrary<Scenario> {
  const all = { ...defaultOptions(architecture), ...options };
  return new SeededArbitrary({
    draw: (seed) => generateScenario(seed, all),
    is: (value): value is Scenario => scenarioCodec.is(value),
    simpler: simplerScenarios,
  });
}
