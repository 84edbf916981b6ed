import { describe, expect, it } from "vitest";
import { architectures } from "../../model/architectures.js";
import { unitCovering } from "../../model/pci/covering.js";
import { functionNamed, locatedFunctions } from "../../model/pci/functions.js";
import type { FirmwarePlatform, RemappingUnit } from "../../model/pci/platform.js";
import { requesterIdsOf } from "../../model/pci/requester-ids.js";
import { platformCodec } from "../platform/platform-codec.js";
import { generatePlatform } from "./platform.js";

const COUNT = 300;

describe.each(architectures)("generated platforms of $id", ({ id, firmwareTables }) => {
  const platforms = Array.from({ length: COUNT }, (_, seed) => generatePlatform(seed, id));

  it("are the same for the same seed, and data", () => {
    expect(generatePlatform(7, id)).toEqual(platforms[7]);
    expect(platforms.every((one) => platformCodec.is(JSON.parse(JSON.stringify(one))))).toBe(true);
  });

  it("have every function behind a unit", () => {
    const uncovered = platforms.flatMap((platform) =>
      locatedFunctions(platform.topology).filter(({ name }) => unitCovering(platform, name) === null),
    );
    expect(uncovered).toEqual([]);
  });

  it("have every id of a function's requests at the unit of the function", () => {
    const shared = platforms.filter((platform) => [...unitsById(platform)].some((units) => units.size > 1));
    expect(shared).toEqual([]);
  });

  it("have units for the rest last, one in a segment", () => {
    for (const { units } of platforms) {
      const rest = units.filter(({ covers }) => covers === "rest");
      expect(units.slice(units.length - rest.length)).toEqual(rest);
      expect(new Set(rest.map(({ segment }) => segment)).size).toBe(rest.length);
    }
  });

  it("have reserved regions that do not overlap, for functions that are there", () => {
    for (const { reserved, topology } of platforms) {
      let end = 0;
      for (const { page, pages, functions, kind } of reserved) {
        expect(page).toBeGreaterThanOrEqual(end);
        end = page + pages;
        expect(functions.every((name) => functionNamed(topology, name) !== undefined)).toBe(true);
        if (id === "vtd") expect(kind).toBe("unity");
      }
    }
  });

  it("give firmware tables in which nothing is wrong, and which say the same", () => {
    for (const [seed, platform] of platforms.entries()) {
      const table = firmwareTables.read(firmwareTables.bytesOf(platform));
      const findings = [...table.findings, ...table.findingsIn(platform.topology)];
      expect(
        findings.map(({ rule, message }) => `${rule.id}: ${message}`),
        `seed ${seed}`,
      ).toEqual([]);
      expect(meaningOf(table.platformIn(platform.topology)), `seed ${seed}`).toEqual(meaningOf(platform));
    }
  });

  it("have several units, reserved regions, interrupt sources and ATS ports in a reasonable share", () => {
    const share = (has: (one: FirmwarePlatform) => boolean) => platforms.filter(has).length / COUNT;
    expect(share(({ units }) => units.length > 1)).toBeGreaterThan(0.3);
    expect(share(({ units }) => units.every(({ covers }) => covers !== "rest"))).toBeGreaterThan(
      id === "vtd" ? -1 : 0.1,
    );
    expect(share(({ reserved }) => reserved.length > 0)).toBeGreaterThan(0.3);
    expect(share(({ reserved }) => reserved.some(({ functions }) => functions.length > 1))).toBeGreaterThan(
      0.04,
    );
    expect(
      share(({ interruptSources }) => interruptSources.some(({ kind }) => kind === "hpet")),
    ).toBeGreaterThan(0.3);
    expect(share(({ atsPorts }) => atsPorts.length > 0)).toBeGreaterThan(0.2);
    expect(share(({ reserved }) => reserved.some(({ kind }) => kind === "exclusion"))).toBeGreaterThan(
      id === "vtd" ? -1 : 0.05,
    );
  });
});

/** For each requester id, the units that translate for functions with that id. */
function unitsById(platform: FirmwarePlatform): Iterable<ReadonlySet<string>> {
  const units = new Map<string, Set<string>>();
  for (const { name, segment } of locatedFunctions(platform.topology))
    for (const id of requesterIdsOf(platform.topology, name)) {
      const of = units.get(`${segment} ${id}`) ?? new Set();
      units.set(`${segment} ${id}`, of.add(unitCovering(platform, name)!.name));
    }
  return units.values();
}

/** Without what tables do not tell: names of units, and the order of names and interrupt sources. */
function meaningOf({ units, reserved, interruptSources, ...platform }: FirmwarePlatform) {
  const sorted = (names: RemappingUnit["covers"]) => (names === "rest" ? names : names.toSorted());
  return {
    ...platform,
    interruptSources: new Set(interruptSources),
    units: units.map(({ name: _, covers, ...one }) => ({ ...one, covers: sorted(covers) })),
    reserved: reserved.map(({ functions, ...one }) => ({ ...one, functions: functions.toSorted() })),
  };
}
