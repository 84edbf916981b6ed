/** Host page tables over what memory says now: each fault with the least that triggers it. */
import { describe, expect, it } from "vitest";
import { pageOf, tableIndex } from "./walk.js";
import {
  answer,
  DATA,
  DEVICE,
  DEVICE_TABLE,
  DTE,
  IR,
  IW,
  mapped,
  NO_MEMORY,
  outcome,
  RW,
  read,
  request,
  write,
} from "./walk.testing.js";

const HERE = `page ${DATA.toString(16)}`;
/** With four levels the tables of level 4, 3, 2 and 1 are these. */
const [L4, L3, L2, L1] = [3, 4, 5, 6];

describe("2.2.3 from table to table", () => {
  it.each([1, 2, 3, 4, 5, 6])("%i levels lead from the first table to the page", (levels) => {
    const tables = mapped(levels);
    const out = answer(tables, request("write"));
    expect(out).toMatchObject({ effect: DATA, domainId: 5, pages: 1, level: 1, firstLevel: levels });
    expect(tables.reached).toEqual([5, 4, 3, 2, 1].slice(6 - levels));
  });

  it.each([
    [1, 9],
    [2, 18],
    [3, 27],
    [4, 36],
    [5, 45],
  ])("with %i levels pages have %i bits", (levels, bits) => {
    const last = 2 ** bits - 1;
    expect(read(mapped(levels), last)).toBe("page-table.present");
    expect(read(mapped(levels), last + 1)).toBe("page-table.address-width");
  });

  it("with six levels every address has a page", () => {
    expect(read(mapped(6), 2 ** 52 - 1)).toBe("page-table.present");
  });

  it("a table that is not memory is an error", () => {
    expect(read(mapped(4).entry(L3, 0, 2, NO_MEMORY))).toBe("page-table.fetch");
    expect(read(mapped(4).set(DEVICE_TABLE, DTE, 0x20000803, RW))).toBe("page-table.fetch");
  });

  it("PR = 0: not present, whatever else it says", () => {
    const out = answer(mapped(4).set(L2, 0, 0xfffffffe, 0xffffffff), request("read"));
    expect(out).toMatchObject({ rule: { id: "amdvi.page-table.present" }, notPresent: true, level: 2 });
  });

  it("reserved bits: 60:52 of an entry that points on, 58:52 of a leaf", () => {
    for (const bit of [20, 24, 25, 27, 28]) {
      const inTable = mapped(4).entry(L2, 0, 1, L1, RW | (1 << bit));
      expect(read(inTable)).toBe("page-table.reserved-bits");
      const inLeaf = mapped(4).entry(L1, 0, 0, DATA, RW | (1 << bit));
      expect(read(inLeaf)).toBe(bit < 27 ? "page-table.reserved-bits" : HERE);
    }
  });

  it("ignored bits: 8:1 and 63", () => {
    expect(read(mapped(4).set(L2, 0, (L1 << 12) | 0x3ff, RW | 0x80000000))).toBe(HERE);
    expect(read(mapped(4).set(L1, 0, (DATA << 12) | 0x1ff, RW | 0x80000000))).toBe(HERE);
  });

  it("NextLevel must be below the level of the table", () => {
    for (const next of [2, 3, 4, 5, 6])
      expect(read(mapped(4).entry(L2, 0, next, L1))).toBe("page-table.level-illegal");
    expect(read(mapped(4).entry(L1, 0, 1, L1))).toBe("page-table.level-illegal");
  });

  it("levels may be skipped where the address has no bits in them", () => {
    const skipping = (next: number) => mapped(4).entry(L4, 0, next, L1).entry(L4, 1, next, L1);
    expect(read(skipping(1))).toBe(HERE);
    expect(read(skipping(1), 2 ** 27)).toBe(HERE);
    expect(read(skipping(1), 512)).toBe("page-table.skipped-bits");
    expect(read(skipping(1), 2 ** 27 - 512)).toBe("page-table.skipped-bits");
    expect(read(skipping(1), 511)).toBe("page-table.present");
    const two = mapped(4).entry(L4, 0, 2, L2);
    expect(read(two)).toBe(HERE);
    expect(read(two, 0x40000)).toBe("page-table.skipped-bits");
    expect(read(two, 0x3ffff)).toBe("page-table.present");
    expect(two.reached).toEqual([2, 1, 2]);
  });

  it("every level takes nine bits of the address", () => {
    const page = 0x7fabcdef1234;
    expect([1, 2, 3, 4, 5].map((level) => tableIndex(page, level))).toEqual(
      [0n, 9n, 18n, 27n, 36n].map((shift) => Number((BigInt(page) >> shift) & 511n)),
    );
    expect(tableIndex(2 ** 52 - 1, 6)).toBe(0x7f);
    expect(pageOf(0xfffff000, 0xffffffff)).toBe(2 ** 40 - 1);
  });
});

describe("2.2.3 leaves", () => {
  const G = 2 ** 18;

  it.each([
    [2, 0x200],
    [3, G],
    [4, 512 * G],
    [5, 2 ** 36],
  ])("NextLevel 0 at level %i maps %i pages; address bits below are not looked at", (level, pages) => {
    const input = pages - 3;
    const leafAt = (target: number) => mapped(5).entry(3 + 5 - level, 0, 0, target);
    expect(answer(leafAt(0), request("read", input))).toMatchObject({ effect: input, pages });
    expect(read(leafAt(pages + 5), input)).toBe(`page ${(2 * pages - 3).toString(16)}`);
  });

  it.each([
    [1, 2],
    [1, 0x100],
    [2, 0x400],
    [2, G / 2],
    [3, 2 * G],
    [3, 256 * G],
    [4, 2 ** 28],
    [5, 2 ** 37],
  ])("NextLevel 7 at level %i maps %i pages", (level, pages) => {
    const address = 4 * pages + pages / 2 - 1;
    const tables = mapped(5).entry(3 + 5 - level, level === 1 ? 1 : 0, 7, address);
    expect(answer(tables, request("write", 1))).toMatchObject({ effect: 4 * pages + 1, pages, level });
  });

  it.each([
    [1, 0x200],
    [1, 0x400],
    [2, 0x100],
    [2, 0x200],
    [2, G],
    [3, G],
    [3, 512 * G],
    [4, 2],
  ])("at level %i a size of %i pages is not between the defaults", (level, pages) => {
    const tables = mapped(5).entry(3 + 5 - level, 0, 7, pages / 2 - 1);
    expect(read(tables)).toBe("page-table.page-size");
  });

  it("an address of ones only codes no size; level 6 has no leaves", () => {
    expect(read(mapped(5).entry(3, 0, 7, 2 ** 40 - 1))).toBe("page-table.page-size");
    expect(read(mapped(6).entry(3, 0, 0, 0))).toBe("page-table.page-size");
    expect(read(mapped(6).entry(3, 0, 7, 0))).toBe("page-table.page-size");
  });

  it("a slot of a large page whose other slots differ maps by its own entry", () => {
    const tables = mapped(1).entry(3, 0, 7, 0x81).entry(3, 1, 0, 0x99).entry(3, 2, 7, 0x81);
    expect([0, 1, 2].map((page) => read(tables, page))).toEqual(["page 80", "page 99", "page 82"]);
  });

  it("a page beyond memory is where the request goes", () => {
    expect(read(mapped(4).entry(L1, 0, 0, 2 ** 40 - 1))).toBe("page ffffffffff");
  });
});

describe("2.2.3 rights", () => {
  it.each([L4, L3, L2, L1])("every entry must give the right, that of table %i too", (table) => {
    const withRights = (rights: number) => {
      const next = table === L1 ? 0 : L1 - table;
      return mapped(4).entry(table, 0, next, table === L1 ? DATA : table + 1, rights);
    };
    expect(read(withRights(IR))).toBe(HERE);
    expect(write(withRights(IR))).toBe("page-table.permission");
    expect(read(withRights(IW))).toBe("page-table.permission");
    expect(write(withRights(IW))).toBe(HERE);
    expect(outcome(withRights(IW), request("atomic"))).toBe("page-table.permission");
    expect(outcome(withRights(IW), request("zero-length-read"))).toBe("done");
  });

  it("a zero-length read needs one right that every entry gives, the device table entry included", () => {
    const split = mapped(4).set(DEVICE_TABLE, DTE, 0x3803, IR).entry(L1, 0, 0, DATA, IW);
    expect(outcome(split, request("zero-length-read"))).toBe("page-table.permission");
  });

  it("a missing right and a fault of the same or a lower entry: either", () => {
    const readOnly = (next: number) => mapped(4).entry(L4, 0, next, L3, IR);
    expect(write(readOnly(3).set(L2, 0, 0))).toBe("page-table.present or page-table.permission");
    expect(write(readOnly(5))).toBe("page-table.level-illegal or page-table.permission");
    expect(read(readOnly(3).set(L2, 0, 0))).toBe("page-table.present");
    const reserved = mapped(4).entry(L4, 0, 3, L3, IR | (1 << 20));
    expect(write(reserved)).toBe("page-table.reserved-bits or page-table.permission");
  });

  it("the requester decides nothing but the entry", () => {
    const tables = mapped(4);
    expect(outcome(tables, { ...request("read"), requester: DEVICE + 1 })).toBe("page 0");
  });
});
