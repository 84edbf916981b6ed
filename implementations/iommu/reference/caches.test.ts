import { describe, expect, it } from "vitest";
import type { InvalidationTarget } from "../../../model/vtd/invalidation-log.js";
import { Translation } from "../../../model/vtd/walk.js";
import { Chance } from "../../../model/words/chance.js";
import { Caches, requiredRemoval } from "./caches.js";

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

  it("6.5.2.3: drop a superpage when any of its pages is flushed", () => {
    const caches = fresh();
    const superpage = { sourceId: 0x20, domainId: 5, firstPage: 0x200, pageCount: 512, page: 0x1000 };
    const rest = { readable: 1, writable: 1, faultProcessingDisabled: false, notPresent: false };
    const left = (target: InvalidationTarget) => {
      caches.clear();
      caches.iotlb.push({ ...superpage, ...rest });
      caches.invalidate(target);
      return caches.iotlb.length;
    };
    expect([page(0x1ff), page(0x200), page(0x3ff), page(0x400), page(0, 1024)].map(left)).toEqual([
      1, 0, 0, 1, 0,
    ]);
    expect(left({ ...page(0x200), domainId: 6 } as InvalidationTarget)).toBe(1);
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
