import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unitCovering } from "../../model/pci/covering.js";
import { locatedFunctions } from "../../model/pci/functions.js";
import { isolationGroups } from "../../model/pci/groups.js";
import type { FirmwarePlatform } from "../../model/pci/platform.js";
import type { Topology } from "../../model/pci/topology.js";
import { platformArbitrary, topologyArbitrary } from "./arbitrary.js";
import { generatePlatform } from "./platform.js";
import { simplerPlatforms, simplerTopologies } from "./shrink.js";
import { generateTopology } from "./topology.js";

/** What is left of a value when nothing simpler is bad any more. */
function smallest<T>(value: T, simpler: (one: T) => Iterable<T>, isBad: (one: T) => boolean): T {
  for (const one of simpler(value)) if (isBad(one)) return smallest(one, simpler, isBad);
  return value;
}

const sharesGroup = (topology: Topology) =>
  isolationGroups(topology).some(({ functions }) => functions.length > 1);

describe("shrinking", () => {
  it("leaves of a topology what a property needs", () => {
    const found = fc.check(
      fc.property(topologyArbitrary(), (topology) => !sharesGroup(topology)),
      { seed: 1 },
    );
    const [topology] = found.counterexample!;
    expect(sharesGroup(topology)).toBe(true);
    expect(locatedFunctions(topology)).toHaveLength(2);
  });

  it("ends with nothing when everything is bad", () => {
    for (let seed = 0; seed < 50; seed++) {
      const topology = smallest(generateTopology(seed), simplerTopologies, () => true);
      expect(topology.segments.map(({ roots }) => roots.map(({ devices }) => devices))).toEqual([[[]]]);
      const platform = smallest(generatePlatform(seed, "amdvi"), simplerPlatforms, () => true);
      expect(platform).toMatchObject({
        reserved: [],
        interruptSources: [],
        atsPorts: [],
        units: [{}],
        optIn: false,
      });
    }
  });

  it("leaves of a platform one region, its device and its unit", () => {
    const isBad = (one: FirmwarePlatform) => one.reserved.some(({ functions }) => functions.length === 1);
    const found = fc.check(
      fc.property(platformArbitrary("vtd"), (one) => !isBad(one)),
      { seed: 2 },
    );
    const [platform] = found.counterexample!;
    expect(platform.reserved).toHaveLength(1);
    expect(platform.units).toHaveLength(1);
  });

  it("keeps platforms consistent", () => {
    for (let seed = 0; seed < 40; seed++)
      for (const platform of simplerPlatforms(generatePlatform(seed, seed % 2 === 0 ? "vtd" : "amdvi")))
        for (const { name } of locatedFunctions(platform.topology))
          expect(unitCovering(platform, name), `seed ${seed}`).not.toBeNull();
  });
});
