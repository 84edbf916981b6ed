/** What entries of guest tables mean bit by bit, level by level (SDM volume 3, 28.3.2; APM volume 2, 15.25). */
import { describe, expect, it } from "vitest";
import type { Layout } from "../words/layout.js";
import { PhysicalMemory } from "../words/memory.js";
import { eptPageLayout, eptTableLayout } from "./ept.js";
import { guestTablesOf } from "./guest-tables.js";
import { nestedPageLayout, nestedTableLayout } from "./nested.js";

const ROOT = 0x10;
const PAGE = 0x40000;

/** Page 0 through tables at 10h, 11h, ..., each entry with its bits; the last one maps a page. */
function walk(architecture: "vtd" | "amdvi", bits: readonly number[]) {
  const memory = new PhysicalMemory(0x1000);
  bits.forEach((low, depth) => {
    const page = depth === bits.length - 1 ? PAGE : ROOT + depth + 1;
    memory.fill(ROOT + depth, 0, ((page << 12) | low) >>> 0, 0);
  });
  return guestTablesOf(architecture).walk(memory, ROOT, 0);
}

/** Rights at each level, with further bits at one depth from the root. */
function withBits(rights: number, levels: number, depth: number, bits: number): number[] {
  return Array.from({ length: levels }, (_, at) => rights | (at === depth ? bits : 0));
}

describe("extended page tables", () => {
  const RWX = 7;
  const passes = (levels: number, depth: number, bits: number) =>
    walk("vtd", withBits(RWX, levels, depth, bits)) !== null;

  it("have no reserved bit set in an entry that references a table: 6:3, and 7 at level 4", () => {
    for (const depth of [0, 1, 2])
      for (const bit of [3, 4, 5, 6]) expect(passes(4, depth, 1 << bit)).toBe(false);
    expect(passes(4, 0, 0x80)).toBe(false);
  });

  it("may have others set there, and every one in an entry that maps a page", () => {
    for (const depth of [0, 1, 2])
      for (const bit of [8, 9, 10, 11]) expect(passes(4, depth, 1 << bit)).toBe(true);
    for (const bit of [3, 4, 5, 6, 7, 8, 9, 10, 11]) expect(passes(4, 3, 1 << bit)).toBe(true);
    for (const bit of [3, 4, 5, 6]) expect(passes(3, 2, 0x80 | (1 << bit))).toBe(true);
  });

  it("are present with any right, but not with writes and no reads", () => {
    const access = (rights: number) => walk("vtd", [RWX, RWX, RWX, rights])?.access ?? null;
    expect([0, 1, 2, 3, 5, 6, 7].map(access)).toEqual([null, 1, null, 3, 1, null, 3]);
    expect(walk("vtd", [RWX, RWX, RWX, 4])).toBeNull();
  });
});

describe("nested page tables", () => {
  const PRESENT = 7;
  const passes = (levels: number, depth: number, bits: number) =>
    walk("amdvi", withBits(PRESENT, levels, depth, bits)) !== null;

  it("map no page at level 4, and pages at levels 3 and 2", () => {
    expect([1, 2, 3].map((levels) => passes(levels, levels - 1, 0x80))).toEqual([false, true, true]);
  });

  it("ignore the bits that are not of presence, rights and size", () => {
    for (const depth of [0, 1, 2, 3])
      for (const bit of [3, 4, 5, 6, 8, 9, 10, 11]) expect(passes(4, depth, 1 << bit)).toBe(true);
  });

  it("are read where they are present for users, and written where RW is set", () => {
    const access = (bits: number) => walk("amdvi", [PRESENT, PRESENT, PRESENT, bits])?.access ?? null;
    expect([0, 1, 2, 3, 4, 5, 6, 7].map(access)).toEqual([null, null, null, null, null, 1, null, 3]);
  });
});

describe("the layouts", () => {
  const fieldsOf = (layout: Layout) =>
    layout.fields
      .filter((one) => one.kind !== "ignored")
      .sort((a, b) => a.low - b.low)
      .map(({ name, high, low, kind }) => `${kind === "reserved" ? "-" : name} ${high}:${low}`);

  it("are those of the manuals", () => {
    const rights = ["R 0:0", "W 1:1", "X 2:2"];
    expect(fieldsOf(eptTableLayout)).toEqual([...rights, "- 6:3", "PS 7:7", "A 8:8", "ADDR 51:12"]);
    expect(fieldsOf(eptPageLayout)).toEqual([
      ...rights,
      ...["MT 5:3", "IPAT 6:6", "PS 7:7", "A 8:8", "D 9:9", "ADDR 51:12"],
    ]);
    const common = ["P 0:0", "RW 1:1", "US 2:2", "PWT 3:3", "PCD 4:4", "A 5:5"];
    expect(fieldsOf(nestedTableLayout)).toEqual([...common, "PS 7:7", "ADDR 51:12", "NX 63:63"]);
    expect(fieldsOf(nestedPageLayout)).toEqual([...common, "D 6:6", "PS 7:7", "ADDR 51:12", "NX 63:63"]);
  });
});

describe("addresses", () => {
  it("have 40 bits of a page number", () => {
    const memory = new PhysicalMemory(0x1000);
    for (const [depth, page] of [0x11, 0x12, 0x13].entries())
      memory.fill(ROOT + depth, 511, page * 4096 + 7, 0);
    memory.fill(0x13, 511, 0x12345007, 0xfff00000 | 0xabcde);
    const last = 512 ** 4 - 1;
    expect(guestTablesOf("vtd").walk(memory, ROOT, last)).toEqual({ page: 0xabcde12345, access: 3 });
    expect(guestTablesOf("vtd").walk(memory, ROOT, last - 1)).toBeNull();
    expect(guestTablesOf("vtd").walk(memory, 0x1000, last)).toBeNull();
  });
});
