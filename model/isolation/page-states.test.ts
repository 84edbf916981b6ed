/** What becomes of pages, grants and requester ids, event by event. */
import { beforeEach, describe, expect, it } from "vitest";
import { type Grant, Right } from "./events.js";
import { Ownership } from "./ownership.js";

const DEVICE = 0x20;
let ownership: Ownership;

beforeEach(() => {
  ownership = new Ownership();
});

const grantOf = (page: number, pages = 1, access = 3, iova = 0, domain = "d"): Grant => ({
  domain,
  iova,
  page,
  pages,
  access,
});
const states = (...pages: number[]) =>
  pages.map((page) => {
    const state = ownership.stateOf(page);
    return state.kind === "owned" ? state.owners.join("+") : state.kind;
  });

describe("a page", () => {
  it("is owned by whom it is allocated to, run by run", () => {
    ownership.allocate(10, 2, "d");
    expect(states(9, 10, 11, 12)).toEqual(["free", "d", "d", "free"]);
    ownership.allocate(11, 1, "e");
    expect(states(10, 11)).toEqual(["d", "e"]);
  });

  it("is shared: with a further owner once, with the first where it is free or was a table", () => {
    ownership.allocate(10, 1, "d");
    ownership.allocateTable(12);
    ownership.share(10, 3, "e");
    expect(states(10, 11, 12, 13)).toEqual(["d+e", "e", "e", "free"]);
    ownership.share(10, 1, "d");
    expect(states(10)).toEqual(["e+d"]);
  });

  it("is given back, and that is known as long as nobody has it", () => {
    expect(ownership.isFreed(10)).toBe(false);
    ownership.allocate(10, 2, "d");
    ownership.free(10, 2);
    expect([states(10, 11), ownership.isFreed(10), ownership.isFreed(11), ownership.wasTable(10)]).toEqual([
      ["free", "free"],
      true,
      true,
      false,
    ]);
    ownership.allocate(10, 1, "e");
    expect(ownership.isFreed(10)).toBe(false);
  });

  it("is a table until it is given back, and was one from then on", () => {
    ownership.allocateTable(10);
    expect([states(10), ownership.wasTable(10)]).toEqual([["table"], false]);
    ownership.freeTable(10);
    expect([states(9, 10, 11), ownership.wasTable(10), ownership.wasTable(11)]).toEqual([
      ["free", "free", "free"],
      true,
      false,
    ]);
  });

  it("is software's own, whatever else it is", () => {
    ownership.allocate(10, 4, "d");
    ownership.protect(11, 2);
    expect(states(10, 11, 12, 13)).toEqual(["d", "protected", "protected", "d"]);
  });
});

describe("rights of a domain", () => {
  const rights = (...pages: number[]) => pages.map((page) => ownership.rightsIn(["d"], page));

  it("are those of its grants, by kind", () => {
    ownership.grant(grantOf(10, 2, Right.read));
    ownership.grant(grantOf(11, 2, Right.write));
    expect(rights(9, 10, 11, 12, 13)).toEqual([0, 1, 3, 2, 0]);
    expect(ownership.rightsIn(["e"], 10)).toBe(0);
    expect(ownership.rightsIn([], 10)).toBe(0);
  });

  it("are counted: each grant is withdrawn on its own, and never more than was granted", () => {
    ownership.grant(grantOf(10));
    ownership.grant(grantOf(10, 1, 3, 5));
    ownership.withdraw(grantOf(10, 1, Right.write), 1);
    expect(rights(10)).toEqual([3]);
    ownership.withdraw(grantOf(10, 1, Right.write), 2);
    ownership.withdraw(grantOf(10, 1, Right.write), 3);
    expect(rights(10)).toEqual([1]);
    ownership.grant(grantOf(10, 1, Right.write));
    expect(rights(10)).toEqual([3]);
  });

  it("of runs of more than 4096 pages are kept and withdrawn as runs", () => {
    const run = grantOf(0x10000, 4097, 3, 7);
    ownership.grant(run);
    expect(rights(0xffff, 0x10000, 0x10000 + 4096, 0x10000 + 4097)).toEqual([0, 3, 3, 0]);
    ownership.withdraw({ ...run, iova: 8 }, 1);
    ownership.withdraw({ ...run, page: 0x10001 }, 1);
    ownership.withdraw({ ...run, pages: 4098 }, 1);
    expect(rights(0x10000)).toEqual([3]);
    ownership.withdraw({ ...run, access: Right.read }, 2);
    expect(rights(0x10000)).toEqual([2]);
    ownership.withdraw({ ...run, access: Right.write }, 3);
    expect(rights(0x10000)).toEqual([0]);
  });

  it("are seen from the page", () => {
    ownership.grant(grantOf(10));
    ownership.grant(grantOf(10, 1, Right.read, 0, "e"));
    ownership.grant(grantOf(11, 1, Right.read, 0, "f"));
    expect(ownership.domainsWith(10)).toEqual(["d", "e"]);
    ownership.withdraw(grantOf(10), 4);
    expect(ownership.domainsWith(10)).toEqual(["e"]);
    expect([ownership.withdrawalOf(10), ownership.withdrawalOf(11)]).toEqual([
      { domain: "d", action: 4 },
      undefined,
    ]);
  });

  it("withdrawn from a large run are remembered for its first 4096 pages", () => {
    ownership.withdraw(grantOf(0x10000, 8192), 4);
    expect(ownership.withdrawalOf(0x10000 + 4095)).toEqual({ domain: "d", action: 4 });
    expect(ownership.withdrawalOf(0x10000 + 4096)).toBeUndefined();
  });
});

describe("a reserved region", () => {
  it("owns its pages, and has them once however many devices share it", () => {
    const region = grantOf(10, 2, 3, 10, "region");
    ownership.reserve(region);
    ownership.reserve(region);
    expect([ownership.isRegion("region"), ownership.isRegion("d")]).toEqual([true, false]);
    expect([9, 10, 11, 12].map((page) => ownership.regionOf(page))).toEqual([
      undefined,
      "region",
      "region",
      undefined,
    ]);
    ownership.allocate(20, 1, "d");
    expect(ownership.regionOf(20)).toBeUndefined();
    ownership.withdraw(region, 1);
    expect(ownership.rightsIn(["region"], 10)).toBe(0);
  });
});

describe("a requester id", () => {
  it("belongs to the domains it is assigned to, and remembers those it has left", () => {
    expect(ownership.domainsOf(DEVICE)).toEqual([]);
    ownership.assign(DEVICE, "d");
    ownership.assign(DEVICE, "e");
    expect(ownership.domainsOf(DEVICE)).toEqual(["d", "e"]);
    ownership.unassign(DEVICE, "f");
    expect(ownership.belongedTo(DEVICE, "f")).toBe(false);
    ownership.unassign(DEVICE, "d");
    ownership.unassign(DEVICE, "e");
    expect(ownership.domainsOf(DEVICE)).toEqual([]);
    expect(["d", "e", "f"].map((one) => ownership.belongedTo(DEVICE, one))).toEqual([true, true, false]);
    expect(ownership.belongedTo(DEVICE + 1, "d")).toBe(false);
  });

  it("is vacant until something is assigned, and forgets what was", () => {
    ownership.assign(DEVICE, "d");
    ownership.unassign(DEVICE, "d");
    ownership.assign(DEVICE, "e");
    expect(ownership.isVacant(DEVICE)).toBe(false);
    ownership.vacate(DEVICE);
    expect([ownership.isVacant(DEVICE), ownership.isVacant(DEVICE + 1)]).toEqual([true, false]);
    expect([ownership.domainsOf(DEVICE), ownership.belongedTo(DEVICE, "d")]).toEqual([[], false]);
    ownership.assign(DEVICE, "f");
    expect(ownership.isVacant(DEVICE)).toBe(false);
  });

  it("may be that of a virtual function", () => {
    ownership.markVirtual(DEVICE);
    expect([ownership.isVirtual(DEVICE), ownership.isVirtual(DEVICE + 1)]).toEqual([true, false]);
  });
});
