import { describe, expect, it } from "vitest";
import { Right } from "./events.js";
import { Ownership } from "./ownership.js";

const DEVICE = 0x20;

function ownershipWith(pages: number, page = 100): Ownership {
  const ownership = new Ownership();
  ownership.allocate(page, pages, "d");
  ownership.assign(DEVICE, "d");
  ownership.grant({ domain: "d", iova: 0, page, pages, access: Right.both });
  return ownership;
}

describe("rights of a requester", () => {
  it("are those of its domains", () => {
    const ownership = ownershipWith(2);
    expect(ownership.firstUngranted(DEVICE, 100, 2, Right.both)).toBeNull();
    expect(ownership.firstUngranted(DEVICE, 100, 3, Right.read)).toEqual({ page: 102, access: Right.read });
    expect(ownership.firstUngranted(DEVICE + 1, 100, 1, Right.write)).toEqual({
      page: 100,
      access: Right.write,
    });
  });

  it("last as long as one of two grants of a page", () => {
    const ownership = ownershipWith(1);
    const again = { domain: "d", iova: 7, page: 100, pages: 1, access: Right.read };
    ownership.grant(again);
    ownership.withdraw({ ...again, iova: 0, access: Right.both }, 3);
    expect(ownership.firstUngranted(DEVICE, 100, 1, Right.both)).toEqual({ page: 100, access: Right.write });
    ownership.withdraw(again, 4);
    expect(ownership.firstUngranted(DEVICE, 100, 1, Right.both)).toEqual({ page: 100, access: Right.both });
    expect(ownership.withdrawalOf(100)).toEqual({ domain: "d", action: 4 });
  });

  it("to large runs are kept as well as those to single pages", () => {
    const ownership = ownershipWith(1 << 20, 1 << 20);
    expect(ownership.firstUngranted(DEVICE, (1 << 20) + 5000, 1000, Right.both)).toBeNull();
    ownership.withdraw({ domain: "d", iova: 0, page: 1 << 20, pages: 1 << 20, access: Right.write }, 0);
    expect(ownership.firstUngranted(DEVICE, (1 << 20) + 5000, 1000, Right.both)).toEqual({
      page: (1 << 20) + 5000,
      access: Right.write,
    });
  });

  it("end for pages that are given back or are software's own", () => {
    const ownership = ownershipWith(4);
    ownership.free(100, 1);
    ownership.allocateTable(101);
    ownership.protect(102, 1);
    const missing = [100, 101, 102, 103].map((page) => ownership.firstUngranted(DEVICE, page, 1, Right.read));
    expect(missing.map((one) => one !== null)).toEqual([true, true, true, false]);
  });

  it("are those of both domains while it is switched from one to the other", () => {
    const ownership = ownershipWith(1);
    ownership.assign(DEVICE, "e");
    ownership.unassign(DEVICE, "d");
    expect(ownership.firstUngranted(DEVICE, 100, 1, Right.read)).not.toBeNull();
    expect([ownership.belongedTo(DEVICE, "d"), ownership.belongedTo(DEVICE, "e")]).toEqual([true, false]);
  });
});
