/** What the entries of the abstract unit say and which invalidations remove them, case by case (VT-d 6.5, 9.1 to 9.8). */
import { describe, expect, it } from "vitest";
import {
  type ContextEntry,
  contextsOf,
  type Entry,
  type IotlbEntry,
  identity,
  iotlbTags,
  isFaulty,
  nameOf,
  type PagingEntry,
  removes,
  rootOf,
  secondStageOf,
} from "./abstract-entries.js";
import type { InvalidationTarget } from "./invalidations.js";
import { profileNamed } from "./profiles.js";
import { walkPlatformOf } from "./walk.js";

const skylake = walkPlatformOf(profileNamed("skylake-sp"));
const qemu48 = walkPlatformOf(profileNamed("qemu-48"));

const context: ContextEntry = {
  cache: "context",
  sourceId: 0x20,
  domainId: 5,
  fault: null,
  faultProcessingDisabled: false,
  passThrough: false,
  levels: 4,
  table: 3,
};
/** Of level 2: for the pages from 400h to 5FFh. */
const paging: PagingEntry = {
  cache: "paging",
  domainId: 5,
  level: 2,
  firstPage: 0x400,
  end: "table",
  page: 7,
  readable: 1,
  writable: 1,
};
/** Of a 2 MiB page, kept for the pages from 400h on. */
const iotlb: IotlbEntry = {
  cache: "iotlb",
  sourceId: 0x20,
  domainId: 5,
  input: 0x400,
  span: 0x200,
  faultProcessingDisabled: false,
  end: "page",
  page: 0x10,
  readable: 1,
  writable: 1,
};
const entries: readonly Entry[] = [context, paging, iotlb];

const removed = (target: InvalidationTarget) => entries.map((entry) => removes(target, entry));
const pages = (firstPage: number, pageCount: number, leafOnly = false, domainId = 5): InvalidationTarget => ({
  cache: "iotlb",
  granularity: "page",
  domainId,
  firstPage,
  pageCount,
  leafOnly,
});
const device = (sourceId: number, ignoredSourceBits = 0, domainId = 5): InvalidationTarget => ({
  cache: "context",
  granularity: "device",
  domainId,
  sourceId,
  ignoredSourceBits,
});

describe("what an invalidation removes: context, paging-structure and IOTLB entries", () => {
  it("all, with a new root", () => {
    expect(removed({ cache: "all" })).toEqual([true, true, true]);
  });

  it("of the context cache: globally, of a domain, of functions", () => {
    expect(removed({ cache: "context", granularity: "global" })).toEqual([true, false, false]);
    expect(removed({ cache: "context", granularity: "domain", domainId: 5 })).toEqual([true, false, false]);
    expect(removed({ cache: "context", granularity: "domain", domainId: 6 })).toEqual([false, false, false]);
    expect(removed(device(0x20))).toEqual([true, false, false]);
    expect(removed(device(0x21))).toEqual([false, false, false]);
    expect(removed(device(0x21, 7))).toEqual([true, false, false]);
    expect(removed(device(0x28, 7))).toEqual([false, false, false]);
    expect(removed(device(0x20, 0, 6))).toEqual([false, false, false]);
  });

  it("of the IOTLB and the paging structures: globally, of a domain", () => {
    expect(removed({ cache: "iotlb", granularity: "global" })).toEqual([false, true, true]);
    expect(removed({ cache: "iotlb", granularity: "domain", domainId: 5 })).toEqual([false, true, true]);
    expect(removed({ cache: "iotlb", granularity: "domain", domainId: 6 })).toEqual([false, false, false]);
  });

  it("of pages: an IOTLB entry that the range holds, a paging-structure entry that it touches", () => {
    expect(removed(pages(0x400, 0x200))).toEqual([false, true, true]);
    expect(removed(pages(0, 0x800))).toEqual([false, true, true]);
    expect(removed(pages(0x400, 1))).toEqual([false, true, false]);
    expect(removed(pages(0x5ff, 1))).toEqual([false, true, false]);
    expect(removed(pages(0x600, 0x200))).toEqual([false, false, false]);
    expect(removed(pages(0x3ff, 1))).toEqual([false, false, false]);
    expect(removed(pages(0, 0x400))).toEqual([false, false, false]);
    expect(removed(pages(0x800, 0x400))).toEqual([false, false, false]);
    expect(removed(pages(0x400, 0x200, false, 6))).toEqual([false, false, false]);
  });

  it("of pages with the hint: no paging-structure entry", () => {
    expect(removed(pages(0x400, 0x200, true))).toEqual([false, false, true]);
  });
});

describe("root and context entries", () => {
  it("faults of a root entry, and its table", () => {
    expect(rootOf(skylake, [0x5001, 0, 0, 0])).toEqual({ fault: null, table: 5 });
    expect(rootOf(skylake, [0x5000, 0, 0, 0])).toMatchObject({ fault: { condition: "LRT.2" }, table: 0 });
    for (const value of [
      [0x5003, 0, 0, 0],
      [0x5001, 0x4000, 0, 0],
      [0x5001, 0, 1, 0],
      [0x5001, 0, 0, 1],
    ])
      expect(rootOf(skylake, value)).toMatchObject({ fault: { condition: "LRT.3" }, table: 0 });
  });

  /** The conditions of the faults of a context entry; an accepted one in short. */
  const read = (low: number, low2: number, { platform = skylake, high = 0, high2 = 0 } = {}) =>
    contextsOf(platform, 0x20, [low, high, low2, high2]).map(
      (one) => one.fault?.condition ?? `${one.domainId} ${one.levels} ${one.table} ${one.passThrough}`,
    );

  it("an entry that is accepted, under its domain id", () => {
    expect(read(0x3001, 0x502)).toEqual(["5 4 3 false"]);
    expect(read(0x3005, 0x502)).toEqual(["5 4 3 false"]);
    expect(contextsOf(skylake, 0x20, [0x3003, 0, 0xffff02, 0])[0]).toMatchObject({
      sourceId: 0x20,
      domainId: 0xffff,
      faultProcessingDisabled: true,
    });
  });

  it("faults, under domain id 0", () => {
    expect(read(0x3000, 0x502)).toEqual(["LCT.2"]);
    expect(read(0x3011, 0x502)).toEqual(["LCT.3"]);
    expect(read(0x3001, 0x502, { high2: 1 })).toEqual(["LCT.3"]);
    expect(read(0x3001, 0x501)).toEqual(["LCT.4.1"]);
    expect(read(0x300d, 0x502)).toEqual(["LCT.4.2"]);
    expect(read(0x3005, 0x502, { platform: qemu48 })).toEqual(["LCT.4.2"]);
    expect(contextsOf(skylake, 0x20, [0x3012, 0, 0x502, 0])[0]).toMatchObject({
      domainId: 0,
      faultProcessingDisabled: true,
      passThrough: false,
      table: 0,
    });
  });

  it("pass-through: a width that is not the largest, and an address beyond HAW, are disputed", () => {
    expect(read(9, 0x502)).toEqual(["5 4 0 true"]);
    expect(read(9, 0x501, { platform: qemu48 })).toEqual(["5 3 0 true", "LCT.4.1"]);
    expect(read(9, 0x502, { high: 0x4000 })).toEqual(["5 4 17179869184 true", "LCT.3"]);
    expect(read(0x19, 0x502)).toEqual(["LCT.3"]);
    expect(read(8, 0x502)).toEqual(["LCT.2"]);
    expect(read(9, 0x501)).toEqual(["LCT.4.1"]);
  });
});

describe("second-stage entries", () => {
  const start = (level: number, readable = 1, writable = 1) => ({
    table: 3,
    level,
    readable,
    writable,
    first: true,
  });
  const at = (level: number, low: number, high = 0, input = 0) =>
    secondStageOf(skylake, start(level), input, [low, high]);

  it("lead to a table, or to a page with the rest of the address", () => {
    expect(at(4, 0x5003)).toEqual({ end: "table", page: 5, readable: 1, writable: 1 });
    expect(at(1, 0x5003, 0, 0x1234)).toEqual({ end: "page", page: 5, readable: 1, writable: 1 });
    expect(at(2, 0x200083, 0, 0x1234)).toMatchObject({ end: "page", page: 0x200 + 0x34 });
    expect(at(3, 0x40000083, 0, 0x41234)).toMatchObject({ end: "page", page: 0x40000 + 0x1234 });
  });

  it("take rights away, one by one", () => {
    expect(at(4, 0x5001)).toMatchObject({ readable: 1, writable: 0 });
    expect(at(4, 0x5002)).toMatchObject({ readable: 0, writable: 1 });
    expect(secondStageOf(skylake, start(4, 0, 1), 0, [0x5003, 0])).toMatchObject({
      readable: 0,
      writable: 1,
    });
    expect(secondStageOf(skylake, start(4, 1, 0), 0, [0x5003, 0])).toMatchObject({
      readable: 1,
      writable: 0,
    });
  });

  it("are not present without any right, and fault for reserved bits", () => {
    expect(at(1, 0x5000)).toEqual({ end: "not present", page: 0, readable: 0, writable: 0 });
    expect(at(1, 0x5003, 0x40000000)).toMatchObject({ end: "fault", page: 0 });
    expect(at(4, 0x5083)).toMatchObject({ end: "fault" });
    expect(at(2, 0x201083)).toMatchObject({ end: "fault" });
  });
});

describe("entries in the caches", () => {
  it("fault, or do not", () => {
    expect(entries.map(isFaulty)).toEqual([false, false, false]);
    const [faulty] = contextsOf(skylake, 0x20, [0x3000, 0, 0x502, 0]);
    expect(isFaulty(faulty!)).toBe(true);
    for (const end of ["fault", "not present"] as const) {
      expect(isFaulty({ ...paging, end })).toBe(true);
      expect(isFaulty({ ...iotlb, end })).toBe(true);
    }
  });

  it("carry the tags of the context entry that they were filled through", () => {
    expect(iotlbTags({ ...context, faultProcessingDisabled: true }, 0x400, 0x200)).toEqual({
      cache: "iotlb",
      sourceId: 0x20,
      domainId: 5,
      input: 0x400,
      span: 0x200,
      faultProcessingDisabled: true,
    });
    expect(identity(0x77)).toEqual({
      end: "page",
      page: 0x77,
      readable: 1,
      writable: 1,
      passedThrough: true,
    });
  });

  it("have names that tell all of them apart", () => {
    const [faulty] = contextsOf(skylake, 0x20, [0x3000, 0, 0x502, 0]);
    const variants: Entry[] = [
      ...entries,
      faulty!,
      ...Object.entries({ sourceId: 1, domainId: 1, passThrough: true, levels: 3, table: 9 }).map(
        ([key, value]) => ({ ...context, [key]: value }),
      ),
      ...Object.entries({ domainId: 1, level: 3, firstPage: 0, page: 1, readable: 0, writable: 0 }).map(
        ([key, value]) => ({ ...paging, [key]: value }),
      ),
      ...Object.entries({
        sourceId: 1,
        domainId: 1,
        input: 0,
        span: 1,
        page: 1,
        readable: 0,
        writable: 0,
      }).map(([key, value]) => ({ ...iotlb, [key]: value })),
    ];
    expect(new Set(variants.map(nameOf)).size).toBe(variants.length);
  });
});
