import { describe, expect, it } from "vitest";
import type { ReservedRegion } from "../../../model/pci/platform.js";
import { profileNamed } from "../../../model/vtd/profiles.js";
import type { PlatformFaults } from "./faults.js";
import { identityOf, Survey } from "./survey.js";
import { REGISTERS, setupOf, topology } from "./topology.testing.js";

function survey(faults: PlatformFaults = {}): Survey {
  return new Survey(setupOf(profileNamed("qemu-48")), topology, faults);
}

describe("a survey", () => {
  it("finds the unit of each function, and none for one that is behind none", () => {
    const found = survey();
    expect(found.functionNamed("disk")?.unit).toBe(REGISTERS.others);
    expect(found.functionNamed("pf.vf2")?.unit).toBe(REGISTERS.port);
    expect(found.functionNamed("outsider")).toBeUndefined();
    expect(found.functionNamed("nobody")).toBeUndefined();
  });

  it("finds every requester id, its own first", () => {
    expect(survey().functionNamed("old")?.requesters).toEqual([0x208, 0x200]);
    expect(survey().functionNamed("pf.vf1")?.requesters).toEqual([0x108]);
  });

  it("keeps groups together, and says where firmware has one use memory", () => {
    const found = survey();
    expect(found.groupOf("multi.0")).toEqual(["multi.0", "multi.1"]);
    expect(found.isReserved(found.groupOf("multi.0"))).toBe(true);
    expect(found.isReserved(found.groupOf("disk"))).toBe(false);
  });

  it("finds the regions of each requester id of a unit", () => {
    const regions = survey().reservedOf(REGISTERS.others);
    expect([...regions.keys()]).toEqual([0x08, 0x19]);
    expect(survey().reservedOf(REGISTERS.port).size).toBe(0);
  });

  it("knows the largest requester id, of virtual functions and of what may be plugged in too", () => {
    expect(survey().largestRequester).toBe(0x2ff);
  });
});

describe("identity mappings of regions", () => {
  const region: ReservedRegion = { functions: [], page: 0x10, pages: 3, kind: "unity", access: "r" };

  it("are at the addresses of the pages, with their rights", () => {
    expect(identityOf([region])).toEqual([{ iova: 0x10, page: 0x10, pages: 3, access: 1 }]);
  });

  it("have the rights of both where regions overlap", () => {
    const other = { ...region, page: 0x12, pages: 2, access: "w" } as const;
    expect(identityOf([region, other]).map(({ page, pages, access }) => [page, pages, access])).toEqual([
      [0x10, 2, 1],
      [0x12, 1, 3],
      [0x13, 1, 2],
    ]);
  });

  it("have both rights for an exclusion, whatever its flags say", () => {
    expect(identityOf([{ ...region, kind: "exclusion" }])[0]?.access).toBe(3);
  });
});
