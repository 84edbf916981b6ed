/** Random platform scenarios for fast-check. */
import type fc from "fast-check";
import type { ArchitectureId } from "../../model/profile.js";
import { SeededArbitrary } from "../seeded-arbitrary.js";
import {
  defaultPlatformOptions,
  generatePlatformScenario,
  type PlatformGeneratorOptions,
} from "./generate.js";
import { type PlatformScenario, platformScenarioCodec } from "./scenario.js";
import { simplerPlatformScenarios } from "./shrink.js";

/**
 * Scenarios that {@link generatePlatformScenario} draws, shrunk by {@link simplerPlatformScenarios}.
 *
 * @example
 * fc.assert(fc.property(platformScenarioArbitrary("amdvi"), (scenario) => isSafe(scenario)));
 */
export function platformScenarioArbitrary(
  architecture: ArchitectureId,
  options: Partial<PlatformGeneratorOptions> = {},
): fc.Arbitrary<PlatformScenario> {
  const all = { ...defaultPlatformOptions(architecture), ...options };
  return new SeededArbitrary({
    draw: (seed) => generatePlatformScenario(seed, all),
    is: (value): value is PlatformScenario => platformScenarioCodec.is(value),
    simpler: simplerPlatformScenarios,
  });
}
