/** What VT-d's invalidations are called, and what is said of one that misses an entry. */
import { describe, expect, it } from "vitest";
import { Cache, type CacheTags, NO_PAGE_SIZE } from "../windows/invalidation-log.js";
import type { InvalidationTarget } from "./invalidations.js";
import { wording } from "./wording.js";

const A = 0x20;
const all: InvalidationTarget = { cache: "all" };
const contextGlobal: InvalidationTarget = { cache: "context", granularity: "global" };
const contextDomain = (domainId: number): InvalidationTarget => ({
  cache: "context",
  granularity: "domain",
  domainId,
});
const contextDevice = (sourceId: number, domainId: number, ignoredSourceBits = 0): InvalidationTarget => ({
  cache: "context",
  granularity: "device",
  domainId,
  sourceId,
  ignoredSourceBits,
});
const iotlbGlobal: InvalidationTarget = { cache: "iotlb", granularity: "global" };
const iotlbDomain = (domainId: number): InvalidationTarget => ({
  cache: "iotlb",
  granularity: "domain",
  domainId,
});
const pages = (firstPage: number, pageCount: number, domainId = 5, leafOnly = false): InvalidationTarget => ({
  cache: "iotlb",
  granularity: "page",
  domainId,
  firstPage,
  pageCount,
  leafOnly,
});
/** Of the 2 MiB page at 400h unless told otherwise. */
const tags = (changed: Partial<CacheTags> = {}): CacheTags => ({
  requester: A,
  domainId: 5,
  page: 0x412,
  pages: 0x200,
  ...changed,
});

describe("an invalidation in words", () => {
  it.each([
    [all, "set-root-table-pointer operation"],
    [contextGlobal, "global context-cache invalidation"],
    [contextDomain(5), "context-cache invalidation of domain 5"],
    [contextDevice(A, 5), "context-cache invalidation of 00:04.0 in domain 5"],
    [iotlbGlobal, "global IOTLB invalidation"],
    [iotlbDomain(6), "IOTLB invalidation of domain 6"],
    [pages(0x10, 1), "IOTLB invalidation of 1 page at 0x10000 in domain 5"],
    [pages(0x10, 8, 5, true), "IOTLB invalidation of 8 pages at 0x10000 in domain 5, leaf entries only"],
  ])("%j", (target, text) => {
    expect(wording.describe(target)).toBe(text);
  });

  it("that an entry would have taken", () => {
    expect(wording.wanted(Cache.device, tags())).toBe("context-cache invalidation for 00:04.0 in domain 5");
    for (const cache of [Cache.table, Cache.iotlb])
      expect(wording.wanted(cache, tags())).toBe("IOTLB invalidation for 0x412000 in domain 5");
  });

  it("is about the context cache, or about the two others, or all", () => {
    const caches = [Cache.device, Cache.table, Cache.iotlb];
    const concerned = (target: InvalidationTarget) => caches.map((cache) => wording.concerns(target, cache));
    expect(concerned(all)).toEqual([true, true, true]);
    expect(concerned(contextGlobal)).toEqual([true, false, false]);
    expect(concerned(iotlbGlobal)).toEqual([false, true, true]);
  });

  it("entries and the root-table pointer", () => {
    expect(wording.tableEntry(3)).toBe("level-3 entry");
    expect(wording.pointerWord(0x12345678)).toEqual({ low: 0x45678000, high: 0x123 });
    expect(wording.pointerWord(0xfffff)).toEqual({ low: 0xfffff000, high: 0 });
  });
});

describe("an invalidation of the context cache misses an entry", () => {
  const missed = (target: InvalidationTarget, changed: Partial<CacheTags> = {}) => {
    const miss = wording.missOf(target, Cache.device, tags(changed));
    return miss && `${miss.kind} ${miss.near}: ${miss.text}`;
  };

  it("never when it is for everything", () => {
    expect([missed(all), missed(contextGlobal)]).toEqual([null, null]);
  });

  it("of another domain: near when it is for the device, far when for the domain, not at all when for neither", () => {
    const text = "misses it: it was filled under domain 5 (VT-d 6.2.1)";
    expect(missed(contextDevice(A, 6))).toBe(`wrong-domain 3: ${text}`);
    expect(missed(contextDevice(A + 1, 6, 1))).toBe(`wrong-domain 3: ${text}`);
    expect(missed(contextDomain(6))).toBe(`wrong-domain 1: ${text}`);
    expect(missed(contextDevice(A + 1, 6))).toBeNull();
  });

  it("of another device", () => {
    expect(missed(contextDevice(0x28, 5))).toBe(
      "wrong-device 2: misses it: the entry is that of 00:04.0 (VT-d 6.5.2.1)",
    );
  });
});

describe("an invalidation of the IOTLB misses an entry", () => {
  const missed = (
    target: InvalidationTarget,
    changed: Partial<CacheTags> = {},
    cache: Cache = Cache.iotlb,
  ) => {
    const miss = wording.missOf(target, cache, tags(changed));
    return miss && `${miss.kind} ${miss.near}: ${miss.text}`;
  };
  const filled = "misses it: it was filled under domain 5 (VT-d 6.2.1)";
  const small = "has too small a mask: the entry maps 512 pages at 0x400000 (VT-d 6.5.2.3)";

  it("never when it is global", () => {
    expect(missed(iotlbGlobal)).toBeNull();
  });

  it("of another domain", () => {
    expect(missed(iotlbDomain(6))).toBe(`wrong-domain 3: ${filled}`);
    expect(missed(pages(0x400, 1, 6))).toBe(`wrong-domain 4: ${filled}`);
    expect(missed(pages(0x5ff, 1, 6))).toBe(`wrong-domain 4: ${filled}`);
    expect(missed(pages(0x600, 1, 6))).toBeNull();
    expect(missed(pages(0x3ff, 1, 6))).toBeNull();
  });

  it("of other pages, or too few of its own", () => {
    expect(missed(pages(0x412, 1))).toBe(`wrong-range 5: ${small}`);
    expect(missed(pages(0x3ff, 2))).toBe(`wrong-range 5: ${small}`);
    expect(missed(pages(0x600, 1))).toBe(
      "wrong-range 2: misses it: the entry maps 512 pages at 0x400000 (VT-d 6.5.2.3)",
    );
    expect(missed(pages(0x600, 1), { pages: 1 })).toBe(
      "wrong-range 2: misses it: the entry maps 0x412000 (VT-d 6.5.2.3)",
    );
  });

  it("that points to a table", () => {
    expect(missed(pages(0x600, 1), {}, Cache.table)).toBe(
      "wrong-range 2: misses it: the entry is for the 512 pages at 0x400000 (VT-d 6.5.2.3)",
    );
    expect(missed(pages(0x400, 1, 5, true), {}, Cache.table)).toBe(
      "leaf-only 6: spares it: with IH = 1 entries that point to tables may stay (VT-d 6.5.2.3)",
    );
    expect(missed(pages(0x600, 1, 5, true), {}, Cache.table)).toMatch(/^wrong-range 2/);
    expect(missed(pages(0x400, 1, 5, true))).toBe(`wrong-range 5: ${small}`);
  });

  it("without a page size", () => {
    const text = "may spare it: a pass-through result has no page size and takes a domain-selective one";
    expect(missed(pages(0x412, 1), { pages: NO_PAGE_SIZE })).toBe(`wrong-range 5: ${text}`);
    expect(missed(pages(0x413, 1), { pages: NO_PAGE_SIZE })).toBe(`wrong-range 2: ${text}`);
  });
});
