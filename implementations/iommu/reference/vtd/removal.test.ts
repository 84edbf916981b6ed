import { describe, expect, it } from "vitest";
import type { InvalidationTarget } from "../../../../model/vtd/invalidations.js";
import type { VtdFaultRule } from "../../../../model/vtd/rules.js";
import { Cache } from "../../../../model/windows/invalidation-log.js";
import { Translation } from "../../../../model/windows/walk.js";
import { Chance } from "../../../../model/words/chance.js";
import { Caches, type Mapping } from "../caches.js";
import { removalRules } from "./removal.js";

const page = (firstPage: number, pageCount = 1, leafOnly = false): InvalidationTarget => ({
  cache: "iotlb",
  granularity: "page",
  domainId: 5,
  firstPage,
  pageCount,
  leafOnly,
});

function fresh(seed = 1): Caches<InvalidationTarget> {
  const chance = new Chance();
  chance.seed(seed);
  return new Caches(chance, removalRules);
}

/** A walk that ended at `level` for a page, under domain id 5. */
function walked(input: number, level: number, hostPage: number): Translation {
  const walk = new Translation<VtdFaultRule>();
  walk.start(input);
  return Object.assign(walk, { domainId: 5, level, page: hostPage, table: 0x77 });
}

describe("caches of a VT-d unit", () => {
  /** How many of an entry's copies are left after an invalidation, over many timings. */
  function left(entry: Partial<Mapping>, target: InvalidationTarget): Set<number> {
    const copy = { requester: 0x20, domainId: 5, firstPage: 0x200, pageCount: 512, page: 0x1000 };
    const rights = { readable: 1, writable: 1, deviceAccess: 3, suppresses: false };
    const kind = { cache: Cache.iotlb, mappedPages: 512, notPresent: false, fault: null };
    const caches = fresh();
    const counts = Array.from({ length: 20 }, () => {
      caches.clear();
      caches.mappings.push({ ...copy, ...rights, ...kind, ...entry });
      caches.invalidate(target);
      return caches.mappings.length;
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
    const passThrough = { pageCount: 1, mappedPages: 0 };
    expect([page(0x200), page(0, 1024)].map((one) => left(passThrough, one))).toEqual([either, either]);
    expect(left(passThrough, page(0x201))).toEqual(stays);
    expect(left(passThrough, { cache: "iotlb", granularity: "domain", domainId: 5 })).toEqual(goes);
  });

  it("spare paging-structure entries with the hint, and context entries in any IOTLB flush", () => {
    const caches = fresh();
    caches.addTable(walked(0x205, 1, 0), 2);
    caches.addDevice({ requester: 0x20, domainId: 5, low: 1, high: 0, low2: 0, high2: 0 });
    expect(caches.tables).toMatchObject([{ level: 1, firstPage: 0x200, table: 0x77 }]);
    caches.invalidate(page(0x205, 1, true));
    expect([caches.tables.length, caches.devices.length]).toEqual([1, 1]);
    caches.invalidate(page(0x3ff));
    expect([caches.tables.length, caches.devices.length]).toEqual([0, 1]);
    caches.invalidate({ cache: "context", granularity: "domain", domainId: 6 });
    expect(caches.devices.length).toBe(1);
    caches.invalidate({ cache: "all" });
    expect(caches.devices.length).toBe(0);
  });
});
