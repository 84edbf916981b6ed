import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { architectureOf, architectures, platformNamed } from "../../model/architectures.js";
import { unitCovering } from "../../model/pci/covering.js";
import { busNumbersOf, functionNamed, locatedFunctions } from "../../model/pci/functions.js";
import { isBridge } from "../../model/pci/topology.js";
import { platformScenarioArbitrary } from "./arbitrary.js";
import { defaultPlatformOptions, generatePlatformScenario } from "./generate.js";
import { MOST_BUSES, MOST_UNITS, ownMemory, placesOf, tablePool } from "./places.js";
import { canLeave } from "./platform.js";
import { withoutFunctions } from "./present.js";
import { type PlatformScenario, platformScenarioCodec } from "./scenario.js";

const RUNS = 500;

describe.each(architectures.map((one) => [one.name, one.id] as const))("scenarios of %s", (_, id) => {
  const options = defaultPlatformOptions(id);
  const scenarios = Array.from({ length: RUNS }, (_, seed) => generatePlatformScenario(seed, options));

  it("are the same for the same seed", () => {
    for (let seed = 0; seed < 20; seed++)
      expect(generatePlatformScenario(seed, options)).toEqual(scenarios[seed]);
  });

  it("fit the format", () => {
    for (const one of scenarios) expect(platformScenarioCodec.is(one)).toBe(true);
  });

  it("are on machines in which every name and every place is taken once", () => {
    for (const { platform, absent } of scenarios) {
      const all = locatedFunctions(platform.topology).filter((one) => one.physical === null);
      expect(new Set(all.map((one) => one.name)).size).toBe(all.length);
      const there = locatedFunctions(withoutFunctions(platform.topology, new Set(absent)));
      expect(new Set(there.map((one) => one.requester)).size).toBe(there.length);
    }
  });

  it("have every bus that tables have room for, and no other", () => {
    const buses = scenarios.flatMap(({ platform }) =>
      busNumbersOf(platform.topology).flatMap((one) => [one.secondary, one.subordinate]),
    );
    expect([...new Set(buses)].sort()).toEqual([1, 2, 3, MOST_BUSES - 1]);
  });

  it("name functions that there are", () => {
    for (const { platform, absent } of scenarios) {
      const names = [
        ...absent,
        ...platform.reserved.flatMap((one) => one.functions),
        ...platform.units.flatMap(({ covers }) => (covers === "rest" ? [] : covers)),
      ];
      for (const name of names) expect(functionNamed(platform.topology, name)?.name).toBe(name);
    }
  });

  it("have one unit for most functions, two for some, none for a few", () => {
    const share = (is: (one: PlatformScenario) => boolean) => scenarios.filter(is).length / RUNS;
    const isOutside = ({ platform }: PlatformScenario) =>
      locatedFunctions(platform.topology).some((one) => unitCovering(platform, one.name) === null);
    expect(share(isOutside)).toBeGreaterThan(0.1);
    expect(share(({ platform }) => platform.units.length === 2)).toBeGreaterThan(0.2);
    expect(share(({ platform }) => platform.units.length === 1)).toBeGreaterThan(0.4);
  });

  it("leave behind what the machine can be left behind like", () => {
    for (const { profile, leaves } of scenarios) expect(canLeave(profile, leaves)).toBe(true);
  });

  it("have regions such as the firmware table of the architecture can say", () => {
    const regions = scenarios.flatMap((one) => one.platform.reserved);
    const ordinary = regions.every((one) => one.kind === "unity" && one.access === "rw");
    expect(ordinary).toBe(id === "vtd");
  });

  it("have tables of firmware that its own reader finds nothing wrong with", () => {
    for (const { profile, platform, absent } of scenarios.slice(0, 100)) {
      const { firmwareTables } = architectureOf(platformNamed(profile));
      const topology = withoutFunctions(platform.topology, new Set(absent));
      const table = firmwareTables.read(firmwareTables.bytesOf({ ...platform, topology }));
      const findings = table.findings.map((one) => one.rule.id);
      // A device behind no unit is what that advises against.
      const advised = platform.units.some((one) => one.covers === "rest")
        ? []
        : ["dmar.drhd.include-pci-all"];
      expect(findings.filter((one) => !advised.includes(one))).toEqual([]);
    }
  });

  it("ask for all kinds of steps", () => {
    const kinds = new Set(scenarios.flatMap((one) => one.steps.map((step) => step.do)));
    expect(kinds.size).toBe(13);
  });
});

describe("arbitrary scenarios", () => {
  it("are drawn and shrunk by fast-check", () => {
    const details = fc.check(
      fc.property(platformScenarioArbitrary("amdvi"), (one) => one.steps.length < 3),
      { seed: 1 },
    );
    expect(details.failed).toBe(true);
    expect(details.counterexample?.[0].steps).toHaveLength(3);
  });
});

describe("places", () => {
  it("do not overlap, whatever the machine", () => {
    for (const { id } of architectures) {
      const scenario = generatePlatformScenario(1, defaultPlatformOptions(id));
      const taken = new Set<number>();
      for (let software = 0; software < 4; software++)
        for (let unit = 0; unit < MOST_UNITS; unit++) {
          const { rootPage, rootPages, queuePage, statusPage, logPage } = placesOf(scenario, software, unit);
          const pages = Array.from({ length: rootPages }, (_, index) => rootPage + index);
          for (const page of [...pages, queuePage, statusPage, ...(logPage === null ? [] : [logPage])]) {
            expect(taken.has(page) || tablePool.includes(page)).toBe(false);
            expect(page >= ownMemory.page && page < ownMemory.page + ownMemory.pages).toBe(true);
            taken.add(page);
          }
        }
    }
  });
});

describe("bridges", () => {
  it("have what is below them on their secondary bus", () => {
    const { platform } = generatePlatformScenario(3, defaultPlatformOptions("vtd"));
    for (const { above, bus } of locatedFunctions(platform.topology)) {
      const nearest = above.at(-1);
      if (nearest && isBridge(nearest)) expect(bus).toBe(nearest.secondary);
    }
  });
});
