import { describe, expect, it } from "vitest";
import type { InvalidationTarget } from "../../../../model/amdvi/invalidations.js";
import { Cache } from "../../../../model/windows/invalidation-log.js";
import { Chance } from "../../../../model/words/chance.js";
import { Caches, type Mapping } from "../caches.js";
import { removalRules } from "./removal.js";

const pages = (firstPage: number, pageCount = 1, directories = false): InvalidationTarget => ({
  command: "invalidate-iommu-pages",
  domainId: 5,
  firstPage,
  pageCount,
  directories,
});
const ALL: InvalidationTarget = { command: "invalidate-iommu-all" };
const devtabEntry = (deviceId: number): InvalidationTarget => ({
  command: "invalidate-devtab-entry",
  deviceId,
});

/** The piece for page 205h of a page of 512 pages from 200h on. */
const piece: Mapping = {
  cache: Cache.iotlb,
  requester: 0x20,
  domainId: 5,
  firstPage: 0x205,
  pageCount: 1,
  mappedPages: 512,
  page: 0x1005,
  readable: 1,
  writable: 1,
  deviceAccess: 3,
  suppresses: false,
  notPresent: false,
  fault: null,
};

/** How many entries of each cache are left after an invalidation, over many timings. */
function left(target: InvalidationTarget, mapping: Partial<Mapping> = {}): Set<string> {
  const chance = new Chance();
  chance.seed(1);
  const shapes = Array.from({ length: 20 }, () => {
    const caches = new Caches(chance, removalRules);
    caches.devices.push({ requester: 0x20, domainId: 5, low: 1, high: 0, low2: 0, high2: 0 });
    // An entry of level 3 for 40000h pages that skips to a table of level 1 for the first 200h.
    const table = { domainId: 5, level: 1, firstPage: 0, pages: 0x40000, table: 7 };
    caches.tables.push({ ...table, readable: 1, writable: 1 });
    caches.mappings.push({ ...piece, ...mapping });
    caches.invalidate(target);
    return [caches.devices, caches.tables, caches.mappings].map((one) => one.length).join();
  });
  return new Set(shapes);
}

describe("caches of an AMD-Vi unit", () => {
  it("2.4.2: INVALIDATE_DEVTAB_ENTRY takes the entry of its device and nothing else", () => {
    expect(left(devtabEntry(0x20))).toEqual(new Set(["0,1,1"]));
    expect(left(devtabEntry(0x21))).toEqual(new Set(["1,1,1"]));
  });

  it("2.4.3: INVALIDATE_IOMMU_PAGES takes every page that overlaps, and all pieces of it", () => {
    for (const range of [pages(0x200), pages(0x3ff), pages(0x100, 0x200), pages(0, 2 ** 52)])
      expect(left(range)).toEqual(new Set(["1,1,0"]));
    expect(left(pages(0x1ff))).toEqual(new Set(["1,1,1"]));
    expect(left({ ...pages(0x205), domainId: 6 } as InvalidationTarget)).toEqual(new Set(["1,1,1"]));
  });

  it("2.4.3: with PDE = 1 it takes page directory entries by all the pages that they reach", () => {
    expect(left(pages(0x3ffff, 1, true))).toEqual(new Set(["1,0,1"]));
    expect(left(pages(0x40000, 1, true))).toEqual(new Set(["1,1,1"]));
  });

  it("a Mode 0 result goes with all pages, with its own at will, with others never", () => {
    const identity = { mappedPages: 0 };
    expect(left(pages(0, 2 ** 52), identity)).toEqual(new Set(["1,1,0"]));
    expect(left(pages(0x205), identity)).toEqual(new Set(["1,1,0", "1,1,1"]));
    expect(left(pages(0x204), identity)).toEqual(new Set(["1,1,1"]));
  });

  it("a page directory entry that leads nowhere goes with PDE = 1 only", () => {
    const nowhere = { cache: Cache.table, notPresent: true };
    expect(left(pages(0x200), nowhere)).toEqual(new Set(["1,1,1"]));
    expect(left(pages(0x200, 1, true), nowhere)).toEqual(new Set(["1,0,0"]));
  });

  it("2.4.8: INVALIDATE_IOMMU_ALL takes everything", () => {
    expect(left(ALL)).toEqual(new Set(["0,0,0"]));
  });
});
