/** What AMD-Vi's commands are called, and what is said of one that misses an entry. */
import { describe, expect, it } from "vitest";
import { Cache, type CacheTags, NO_PAGE_SIZE } from "../windows/invalidation-log.js";
import type { ChainShape } from "../windows/unit.js";
import type { InvalidationTarget } from "./invalidations.js";
import { wordingOf } from "./wording.js";

const SHAPE = { device: 2, lastDevice: 2 } as ChainShape;
const wording = wordingOf(SHAPE);
const all: InvalidationTarget = { command: "invalidate-iommu-all" };
const device: InvalidationTarget = { command: "invalidate-devtab-entry", deviceId: 0x28 };
const pages = (
  firstPage: number,
  pageCount: number,
  domainId = 5,
  directories = true,
): InvalidationTarget => ({
  command: "invalidate-iommu-pages",
  domainId,
  firstPage,
  pageCount,
  directories,
});
/** Of the 2 MiB page at 400h unless told otherwise. */
const tags = (changed: Partial<CacheTags> = {}): CacheTags => ({
  requester: 0x20,
  domainId: 5,
  page: 0x412,
  pages: 0x200,
  ...changed,
});

describe("a command in words", () => {
  it.each([
    [all, "INVALIDATE_IOMMU_ALL"],
    [device, "INVALIDATE_DEVTAB_ENTRY of 00:05.0"],
    [pages(0x10, 1), "INVALIDATE_IOMMU_PAGES of 1 page at 0x10000 in domain 5"],
    [pages(0x10, 8, 6, false), "INVALIDATE_IOMMU_PAGES of 8 pages at 0x10000 in domain 6, PDE = 0"],
    [pages(0, 2 ** 52), "INVALIDATE_IOMMU_PAGES of all pages in domain 5"],
  ])("%j", (target, text) => {
    expect(wording.describe(target)).toBe(text);
  });

  it("that an entry would have taken", () => {
    expect(wording.wanted(Cache.device, tags())).toBe("INVALIDATE_DEVTAB_ENTRY for 00:04.0");
    expect(wording.wanted(Cache.table, tags())).toBe(
      "INVALIDATE_IOMMU_PAGES with PDE = 1 for 0x412000 in domain 5",
    );
    expect(wording.wanted(Cache.iotlb, tags())).toBe("INVALIDATE_IOMMU_PAGES for 0x412000 in domain 5");
  });

  it("is about the device table cache, or about the two others, or all", () => {
    const caches = [Cache.device, Cache.table, Cache.iotlb];
    const concerned = (target: InvalidationTarget) => caches.map((cache) => wording.concerns(target, cache));
    expect(concerned(all)).toEqual([true, true, true]);
    expect(concerned(device)).toEqual([true, false, false]);
    expect(concerned(pages(0, 1))).toEqual([false, true, true]);
  });

  it("entries, the device table base, and the parts of a chain", () => {
    expect(wording.tableEntry(3)).toBe("level-3 page table entry");
    expect(wording.pointerWord(0x12345678 * 512 + 3)).toEqual({ low: 0x45678003, high: 0x123 });
    expect(wording.links).toEqual(["IommuEn", "device table base address", "device table entry"]);
    const halves = wordingOf({ ...SHAPE, lastDevice: 3 } as ChainShape);
    expect(halves.links.slice(2)).toEqual([
      "device table entry, bits 63:0,",
      "device table entry, bits 127:64,",
    ]);
  });
});

describe("a command misses an entry", () => {
  const missed = (target: InvalidationTarget, cache: Cache, changed: Partial<CacheTags> = {}) => {
    const miss = wording.missOf(target, cache, tags(changed));
    return miss && `${miss.kind} ${miss.near}: ${miss.text}`;
  };
  const { device: ofDevices, table, iotlb } = Cache;

  it("never when it is for everything, nor one of a cache that it is not about", () => {
    expect([missed(all, ofDevices), missed(all, iotlb)]).toEqual([null, null]);
    expect([missed(device, iotlb), missed(device, table), missed(pages(0x400, 1), ofDevices)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it("of another device", () => {
    expect(missed(device, ofDevices)).toBe(
      "wrong-device 2: misses it: the entry is that of 00:04.0 (AMD-Vi 2.4.2)",
    );
  });

  it("of another domain, when it is for its pages", () => {
    const text = "wrong-domain 4: misses it: it was filled under domain 5 (AMD-Vi 2.4.3)";
    expect([0x400, 0x5ff].map((page) => missed(pages(page, 1, 6), iotlb))).toEqual([text, text]);
    expect([0x3ff, 0x600].map((page) => missed(pages(page, 1, 6), iotlb))).toEqual([null, null]);
  });

  it("of other pages", () => {
    expect(missed(pages(0x600, 1), iotlb)).toBe(
      "wrong-range 2: misses it: the entry maps 512 pages at 0x400000 (AMD-Vi 2.4.3)",
    );
    expect(missed(pages(0x600, 1), table)).toBe(
      "wrong-range 2: misses it: the entry is for the 512 pages at 0x400000 (AMD-Vi 2.4.3)",
    );
    expect(missed(pages(0x600, 1), iotlb, { pages: 1 })).toBe(
      "wrong-range 2: misses it: the entry maps 0x412000 (AMD-Vi 2.4.3)",
    );
  });

  it("that points to a table", () => {
    const text = "spares it: with PDE = 0 entries of the page directory cache may stay (AMD-Vi 2.4.3)";
    expect(missed(pages(0x400, 1, 5, false), table)).toBe(`leaf-only 6: ${text}`);
    expect(missed(pages(0x600, 1, 5, false), table)).toMatch(/^wrong-range 2/);
    expect(missed(pages(0x400, 1, 5, false), iotlb)).toMatch(/^wrong-range 5/);
  });

  it("without a page size", () => {
    const text =
      "may spare it: a Mode 0 result has no page size and takes all pages of its domain (AMD-Vi 2.4.3)";
    expect(missed(pages(0x412, 1), iotlb, { pages: NO_PAGE_SIZE })).toBe(`wrong-range 5: ${text}`);
    expect(missed(pages(0x413, 1), iotlb, { pages: NO_PAGE_SIZE })).toBe(`wrong-range 2: ${text}`);
  });
});
