/** Where second-stage entries lead, as exposure asks for it, entry by entry (VT-d 9.8). */
import { describe, expect, it } from "vitest";
import { LeadsTo, ONE_BELOW } from "../windows/unit.js";
import { profileNamed } from "./profiles.js";
import { VtdUnit } from "./unit.js";
import { walkPlatformOf } from "./walk.js";

const { entries, shape } = new VtdUnit(walkPlatformOf(profileNamed("skylake-sp")));
const { nowhere, pages } = LeadsTo;
const LARGE = 0x80;

describe("second-stage entries", () => {
  it("lead to the table below, to pages, or nowhere", () => {
    expect([1, 2, 3, 4].map((level) => entries.next(level, 0x5003, 0))).toEqual([pages, 1, 2, 3]);
    expect([1, 2, 3].map((level) => entries.next(level, 0x5003 | LARGE, 0))).toEqual([pages, pages, pages]);
    expect([1, 2].map((access) => entries.next(2, 0x5000 | access, 0))).toEqual([1, 1]);
    expect([entries.next(2, 0x5000, 0), entries.next(1, 0x5004, 0)]).toEqual([nowhere, nowhere]);
  });

  it("do not say the level of their table, and none with bit 7 points to one", () => {
    expect([1, 2, 3].map((access) => entries.nextByItself(0x5000 | access, 0))).toEqual([
      ONE_BELOW,
      ONE_BELOW,
      ONE_BELOW,
    ]);
    expect([entries.nextByItself(0x5003 | LARGE, 0), entries.nextByItself(0x5000, 0)]).toEqual([
      nowhere,
      nowhere,
    ]);
  });

  it("map pages of the size of their level, from a multiple of it on", () => {
    expect([1, 2, 3].map((level) => entries.pages(level, 0, 0))).toEqual([1, 0x200, 0x40000]);
    expect([1, 2, 3].map((level) => entries.first(level, 0x40213000, 0))).toEqual([
      0x40213, 0x40200, 0x40000,
    ]);
    expect([1, 2, 3].map((level) => entries.span(level))).toEqual([1, 0x200, 0x40000]);
    expect(entries.sizes).toEqual([1, 0x200, 0x40000]);
  });

  it("give rights in bits 0 and 1, and point to one page", () => {
    expect([0, 1, 2, 3, 0xfc].map((low) => entries.access(low, 0xffffffff))).toEqual([0, 1, 2, 3, 0]);
    expect(entries.presentMask).toBe(3);
    expect(entries.targets(0x5003, 1)).toEqual([0x100005]);
    expect(entries.table(0x5003, 1)).toBe(0x100005);
  });

  it("stand below a root and a context entry, in up to five levels", () => {
    expect(shape).toEqual({ device: 3, lastDevice: 3, firstTable: 4, levels: 5 });
  });
});
