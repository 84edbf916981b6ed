import { describe, expect, it } from "vitest";
import { functionNamed } from "../../model/pci/functions.js";
import { defaultPlatformOptions, generatePlatformScenario } from "./generate.js";
import { canLeave } from "./platform.js";
import { type PlatformScenario, platformScenarioCodec } from "./scenario.js";
import { isSmallerPlatformScenario, simplerPlatformScenarios } from "./shrink.js";

const scenarios = (["vtd", "amdvi"] as const).flatMap((id) =>
  Array.from({ length: 40 }, (_, seed) => generatePlatformScenario(seed, defaultPlatformOptions(id))),
);

/** The smallest scenario that has the property. */
function smallest(scenario: PlatformScenario, holds: (one: PlatformScenario) => boolean): PlatformScenario {
  let best = scenario;
  let next: PlatformScenario | null = best;
  while (next) {
    best = next;
    next = firstOf(simplerPlatformScenarios(best), holds);
  }
  return best;
}

function firstOf<T>(values: Iterable<T>, holds: (one: T) => boolean): T | null {
  for (const one of values) if (holds(one)) return one;
  return null;
}

describe("simpler scenarios", () => {
  it("fit the format, are smaller, and speak of machines that there are", () => {
    for (const scenario of scenarios)
      for (const one of simplerPlatformScenarios(scenario)) {
        expect(platformScenarioCodec.is(one)).toBe(true);
        expect(isSmallerPlatformScenario(one, scenario)).toBe(true);
        expect(canLeave(one.profile, one.leaves)).toBe(true);
        const { units, reserved, topology } = one.platform;
        expect(units.length).toBeGreaterThan(0);
        const named = [
          ...one.absent,
          ...reserved.flatMap(({ functions }) => functions),
          ...units.flatMap(({ covers }) => (covers === "rest" ? [] : covers)),
        ];
        for (const name of named) expect(functionNamed(topology, name)).toBeDefined();
      }
  });

  it("come down to nothing where anything will do", () => {
    const { steps, platform, leaves } = smallest(scenarios[5]!, () => true);
    expect(steps).toEqual([]);
    expect(leaves).toBe("off");
    expect(platform.topology.segments[0]!.roots[0]!.devices).toEqual([]);
    expect(platform.reserved).toEqual([]);
    expect(platform.units).toHaveLength(1);
  });

  it("keep what is asked for, and the device that it is asked of", () => {
    const hasStorm = (one: PlatformScenario) =>
      one.steps.some(
        (step) =>
          step.do === "storm" &&
          step.count >= 3 &&
          functionNamed(one.platform.topology, step.device) !== undefined,
      );
    const scenario = smallest(scenarios.find(hasStorm)!, hasStorm);
    expect(scenario.steps).toEqual([{ do: "storm", device: expect.any(String), count: 3 }]);
    expect(scenario.platform.units).toHaveLength(1);
    expect(
      functionNamed(scenario.platform.topology, (scenario.steps[0] as { device: string }).device),
    ).toBeDefined();
  });
});
