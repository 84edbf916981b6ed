import { describe, expect, it } from "vitest";
import { type InvalidationTarget, NO_PAGE_SIZE } from "../../../model/vtd/invalidation-log.js";
import { Translation } from "../../../model/vtd/walk.js";
import { Chance } from "../../../model/words/chance.js";
import { Caches, type IotlbEntry, requiredRemoval } from "./caches.js";

const page = (firstPage: number, pageCount = 1, leafOnly = false): InvalidationTarget => ({
  cache: "iotlb",
  granularity: "page",
  domainId: 5,
  firstPage,
  pageCount,
  leafOnly,
});

function fresh(seed = 1): Caches {
  const chance = new Chance();
  chance.seed(seed);
  return new Caches(chance, requiredRemoval);
}

/** A walk that ended at `level` for a page, under domain id 5. */
function walked(input: number, level: number, hostPage: number): Translation {
  const walk = new Translation();
  walk.start(input);
  return Object.assign(walk, { domainId: 5, level, page: hostPage, table: 0x77 });
}

describe("caches of the reference IOMMU", () => {
  it("keep a superpage whole or as the piece that was asked for, and answer alike", () => {
    const shapes = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      const caches = fresh(seed);
      caches.addIotlb(0x20, walked(0x205, 2, 0x1005));
      const [entry] = caches.iotlb;
      shapes.add(entry!.pageCount);
      expect(entry!.page + (0x205 - entry!.firstPage)).toBe(0x1005);
      expect(entry!.firstPage).toBe(entry!.pageCount === 1 ? 0x205 : 0x200);
    }
    expect(shapes).toEqual(new Set([1, 512]));
  });

  /** How many of an entry's copies are left after an invalidation, over many timings. */
  function left(entry: Partial<IotlbEntry>, target: InvalidationTarget): Set<number> {
    const copy = { sourceId: 0x20, domainId: 5, firstPage: 0x200, pageCount: 512, level: 2, page: 0x1000 };
    const rest = { readable: 1, writable: 1, faultProcessingDisabled: false, notPresent: false };
    const caches = fresh();
    const counts = Array.from({ length: 20 }, () => {
      caches.clear();
      caches.iotlb.push({ ...copy, ...rest, ...entry });
      caches.invalidate(target);
      return caches.iotlb.length;
    });
    return new Set(counts);
  }
  const [stays, goes, either] = [new Set([1]), new Set([0]), new Set([0, 1])];

  it("6.5.2.3: drop a superpage when all of it is flushed; when a part is, at will", () => {
    expect([page(0x1ff), page(0x400), page(0x400, 512)].map((one) => left({}, one))).toEqual([
      stays,
      stays,
      stays,
    ]);
    expect([page(0x200), page(0x3ff), page(0x200, 256)].map((one) => left({}, one))).toEqual([
      either,
      either,
      either,
    ]);
    expect([page(0x200, 512), page(0, 1024)].map((one) => left({}, one))).toEqual([goes, goes]);
    expect(left({}, { ...page(0x200, 512), domainId: 6 } as InvalidationTarget)).toEqual(stays);
  });

  it("drop a pass-through result at will when its page is flushed, and always with its domain", () => {
    const passThrough = { pageCount: 1, level: NO_PAGE_SIZE };
    expect([page(0x200), page(0, 1024)].map((one) => left(passThrough, one))).toEqual([either, either]);
    expect(left(passThrough, page(0x201))).toEqual(stays);
    expect(left(passThrough, { cache: "iotlb", granularity: "domain", domainId: 5 })).toEqual(goes);
  });

  it("spare paging-structure entries with the hint, and context entries in any IOTLB flush", () => {
    const caches = fresh();
    caches.addPagingStructure(walked(0x205, 1, 0));
    caches.addContext({ sourceId: 0x20, domainId: 5, low: 1, high: 0, low2: 0, high2: 0 });
    expect(caches.pagingStructure).toMatchObject([{ level: 2, firstPage: 0x200, table: 0x77 }]);
    caches.invalidate(page(0x205, 1, true));
    expect([caches.pagingStructure.length, caches.context.length]).toEqual([1, 1]);
    caches.invalidate(page(0x3ff));
    expect([caches.pagingStructure.length, caches.context.length]).toEqual([0, 1]);
    caches.invalidate({ cache: "context", granularity: "domain", domainId: 6 });
    expect(caches.context.length).toBe(1);
    caches.invalidate({ cache: "all" });
    expect(caches.context.length).toBe(0);
  });

  it("are finite: the newest entry is always kept", () => {
    const caches = fresh();
    for (let index = 0; index < 100; index++) {
      caches.addIotlb(0x20, walked(index, 1, index));
      expect(caches.iotlb.some((one) => one.firstPage === index)).toBe(true);
    }
    expect(caches.iotlb.length).toBeLessThan(10);
  });
});
