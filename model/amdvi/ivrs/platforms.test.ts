import { describe, expect, it } from "vitest";
import { generatePlatform } from "../../../generators/pci/platform.js";
import { type Structure, writeStructure } from "../../acpi/structure.js";
import { readTable } from "../../acpi/table.js";
import { unitCovering } from "../../pci/covering.js";
import { busNumbersOf, functionNamed, locatedFunctions } from "../../pci/functions.js";
import type { FirmwarePlatform } from "../../pci/platform.js";
import { isBridge } from "../../pci/topology.js";
import { ivrsTables } from "./index.js";
import { ivrsLayout } from "./layouts.js";

const SAMPLES = 10_000;

/**
 * The platform as a table can tell it: units by their places in it, functions in the order of the topology, and regions
 * that are for further functions merged.
 */
function canonical(platform: FirmwarePlatform) {
  const { topology, units, reserved, atsPorts, interruptSources, ...more } = platform;
  const order = new Map(locatedFunctions(topology).map(({ name }, index) => [name, index]));
  const sorted = (names: readonly string[]) =>
    [...new Set(names)].sort((a, b) => order.get(a)! - order.get(b)!);
  return {
    ...more,
    units: units.map(({ name, covers, ...unit }) => ({
      ...unit,
      covers: covers === "rest" ? covers : sorted(covers),
    })),
    reserved: reserved.map((one) => ({ ...one, functions: sorted(one.functions) })),
    atsPorts: sorted(atsPorts),
    interruptSources: interruptSources.map((one) => JSON.stringify(one)).sort(),
  };
}

describe("the IVRS of a platform", () => {
  it("is correct, the same bytes when written again, and gives the platform back", () => {
    for (let seed = 0; seed < SAMPLES; seed++) {
      const platform = generatePlatform(seed, "amdvi");
      const bytes = ivrsTables.bytesOf(platform);
      const table = ivrsTables.read(bytes);
      const findings = [...table.findings, ...table.findingsIn(platform.topology)];
      if (findings.length > 0) expect(findings, `seed ${seed}`).toEqual([]);
      if (Buffer.compare(writeStructure(readTable(ivrsLayout, bytes)), bytes) !== 0)
        expect.fail(`seed ${seed} is written differently`);
      const [given, read] = [platform, table.platformIn(platform.topology)].map(canonical);
      if (JSON.stringify(read) !== JSON.stringify(given)) expect(read, `seed ${seed}`).toEqual(given);
    }
  });

  it("has entries of every kind that a platform needs", () => {
    const seen = new Map<number, number>();
    for (let seed = 0; seed < 300; seed++) {
      const table: Structure = readTable(ivrsLayout, ivrsTables.bytesOf(generatePlatform(seed, "amdvi")));
      for (const { values } of table.parts.flatMap((block) => [block, ...block.parts]))
        seen.set(Number(values.type), (seen.get(Number(values.type)) ?? 0) + 1);
    }
    const types = [1, 2, 3, 4, 0x10, 0x11, 0x21, 0x22, 67, 70, 71, 72];
    expect([...seen.keys()].sort((a, b) => a - b)).toEqual(types);
  });

  it("gives a skeleton with every function that it names, where it is", () => {
    for (let seed = 0; seed < 300; seed++) {
      const platform = generatePlatform(seed, "amdvi");
      const skeleton = ivrsTables
        .read(ivrsTables.bytesOf(platform))
        .skeleton(busNumbersOf(platform.topology));
      const found = new Set(locatedFunctions(skeleton).map((one) => `${one.segment} ${one.requester}`));
      for (const { segment, itself } of platform.units) expect(found).toContain(`${segment} ${itself}`);
      for (const name of platform.reserved.flatMap((one) =>
        one.functions.length === 1 ? one.functions : [],
      )) {
        const { segment, requester } = functionNamed(platform.topology, name)!;
        expect(found, `seed ${seed}`).toContain(`${segment} ${requester}`);
      }
    }
  });
});

describe("a function that no unit covers", () => {
  it("is the only thing that is found", () => {
    const platform = generatePlatform(3, "amdvi");
    const units = platform.units.filter(({ covers }) => covers !== "rest");
    const some = { ...platform, units, reserved: [], interruptSources: [], atsPorts: [] };
    const found = ivrsTables.read(ivrsTables.bytesOf(some)).findingsIn(some.topology);
    const without = locatedFunctions(some.topology).filter(
      ({ name, self }) => !isBridge(self) && unitCovering(some, name) === null,
    );
    expect(without.length).toBeGreaterThan(0);
    expect(found.map((one) => one.rule.id)).toEqual(without.map(() => "ivrs.topology.unclaimed"));
  });
});
