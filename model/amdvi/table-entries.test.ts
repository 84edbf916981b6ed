/** Where entries of host page tables lead, as exposure asks for it, entry by entry (AMD-Vi 2.2.3). */
import { describe, expect, it } from "vitest";
import { LeadsTo } from "../windows/unit.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { AmdViUnit } from "./unit.js";

const { entries, shape } = new AmdViUnit(platformOf(profileNamed("zen1")));
const { nowhere, pages } = LeadsTo;
/** Low half of an entry of a page below 2^20, with a next level. */
const low = (page: number, next: number) => ((page << 12) | (next << 9) | 1) >>> 0;

describe("entries of host page tables", () => {
  it("lead to a table of a lower level, to pages, or nowhere", () => {
    expect([0, 1, 2, 3, 6].map((next) => entries.next(3, low(5, next), 0))).toEqual([
      pages,
      1,
      2,
      nowhere,
      nowhere,
    ]);
    expect(entries.next(3, low(5, 2) & ~1, 0)).toBe(nowhere);
    expect(entries.next(1, low(5, 0) & ~1, 0)).toBe(nowhere);
    expect(entries.next(6, low(5, 0), 0)).toBe(nowhere);
  });

  it("code a size that is larger than the level's and smaller than the next level's", () => {
    expect(entries.next(1, low(0x10, 7), 0)).toBe(pages);
    expect(entries.next(2, low(0x10, 7), 0)).toBe(nowhere);
    expect(entries.pages(1, low(0x10, 7), 0)).toBe(2);
    expect(entries.pages(1, low(0x13, 7), 0)).toBe(8);
    expect([1, 2, 3].map((level) => entries.pages(level, low(5, 0), 0))).toEqual([1, 512, 512 ** 2]);
  });

  it("say the level of their table themselves", () => {
    expect([1, 2, 6].map((next) => entries.nextByItself(low(5, next), 0))).toEqual([1, 2, 6]);
    expect([0, 7].map((next) => entries.nextByItself(low(5, next), 0))).toEqual([nowhere, nowhere]);
    expect(entries.nextByItself(low(5, 1) & ~1, 0)).toBe(nowhere);
  });

  it("begin at a multiple of their size", () => {
    expect(entries.first(1, low(0x13, 0), 0)).toBe(0x13);
    expect(entries.first(1, low(0x13, 7), 0)).toBe(0x10);
    expect(entries.first(2, low(0x213, 0), 0)).toBe(0x200);
    expect(entries.table(low(0x13, 1), 0)).toBe(0x13);
    expect(entries.table(low(0x13, 1), 0xfffff)).toBe(0xfffff00013);
  });

  it("point to a table, or to what they map in a table of some level", () => {
    expect(entries.targets(low(0x13, 7), 0)).toEqual([0x10]);
    expect(entries.targets(low(0x13, 1), 0)).toEqual([0x13]);
    expect(entries.targets(low(0x40213, 0), 0)).toEqual([0x40213, 0x40200, 0x40000, 0]);
    expect(entries.targets(low(0x40000, 0), 0)).toEqual([0x40000, 0]);
  });

  it("give rights in bits 61 and 62", () => {
    expect([0x20000000, 0x40000000, 0x60000000, 0x9fffffff].map((high) => entries.access(0, high))).toEqual([
      1, 2, 3, 0,
    ]);
    expect(entries.presentMask).toBe(1);
    expect([1, 2, 3].map((level) => entries.span(level))).toEqual([1, 512, 512 ** 2]);
    expect([entries.sizes[0], entries.sizes.at(-1), entries.sizes.length]).toEqual([1, 2 ** 40, 41]);
  });

  it("stand below a device table entry, in up to six levels", () => {
    expect(shape).toEqual({ device: 2, lastDevice: 2, firstTable: 3, levels: 6 });
    const halves = new AmdViUnit(platformOf(profileNamed("family-15h")));
    expect(halves.shape).toEqual({ device: 2, lastDevice: 3, firstTable: 4, levels: 6 });
  });
});
