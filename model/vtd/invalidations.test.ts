/** Which cached entries a request must remove: table 17 of VT-d 6.2.1 and 6.5.2.1, 6.5.2.3. */

import { describe, expect, it } from "vitest";
import { Cache, InvalidationLog, NO_PAGE_SIZE } from "../windows/invalidation-log.js";
import { covers, type InvalidationTarget, invalidations } from "./invalidations.js";
import { PAGES_BY_LEVEL } from "./tables.js";

const tags = (part: { requester?: number; domainId?: number; page?: number; pages?: number } = {}) => ({
  requester: 0x20,
  domainId: 5,
  page: 0x1234,
  pages: 0x200,
  ...part,
});
const ALL = [Cache.device, Cache.table, Cache.iotlb];
/** For context, paging-structure and IOTLB entries with these tags. */
const removed = (target: InvalidationTarget, part = {}) =>
  ALL.map((cache) => covers(target, cache, tags(part)));

describe("6.5.2.1 context-cache invalidation", () => {
  it("global: every context entry; nothing of the IOTLB", () => {
    expect(removed({ cache: "context", granularity: "global" })).toEqual([true, false, false]);
  });

  it("domain: entries filled under that domain id", () => {
    const target: InvalidationTarget = { cache: "context", granularity: "domain", domainId: 5 };
    expect(removed(target)).toEqual([true, false, false]);
    expect(removed(target, { domainId: 6 })).toEqual([false, false, false]);
    expect(removed(target, { requester: 0x999 })[0]).toBe(true);
  });

  it("device: of that domain id the source ids that the function mask leaves equal", () => {
    const target = (ignoredSourceBits: number): InvalidationTarget => ({
      cache: "context",
      granularity: "device",
      domainId: 5,
      sourceId: 0x20,
      ignoredSourceBits,
    });
    const goes = (ignoredSourceBits: number, requester: number) =>
      removed(target(ignoredSourceBits), { requester })[0];
    expect([0x20, 0x21, 0x24].map((id) => goes(0, id))).toEqual([true, false, false]);
    expect([0x20, 0x24, 0x22, 0x21].map((id) => goes(0b100, id))).toEqual([true, true, false, false]);
    expect([0x26, 0x22, 0x21].map((id) => goes(0b110, id))).toEqual([true, true, false]);
    expect([0x27, 0x28].map((id) => goes(0b111, id))).toEqual([true, false]);
    expect(removed(target(0), { domainId: 6 })[0]).toBe(false);
  });
});

describe("6.5.2.3 IOTLB invalidation", () => {
  it("global: the IOTLB and the paging-structure caches, not the context cache", () => {
    expect(removed({ cache: "iotlb", granularity: "global" })).toEqual([false, true, true]);
  });

  it("domain: entries filled under that domain id, whoever asked", () => {
    const target: InvalidationTarget = { cache: "iotlb", granularity: "domain", domainId: 5 };
    expect(removed(target, { requester: 0x999 })).toEqual([false, true, true]);
    expect(removed(target, { domainId: 6 })).toEqual([false, false, false]);
  });

  const pages = (firstPage: number, pageCount = 1, leafOnly = false): InvalidationTarget => ({
    cache: "iotlb",
    granularity: "page",
    domainId: 5,
    firstPage,
    pageCount,
    leafOnly,
  });

  it("page: what answers for the pages", () => {
    const goes = (target: InvalidationTarget, page: number) =>
      covers(target, Cache.iotlb, tags({ page, pages: 1 }));
    expect([0x1233, 0x1234, 0x1235].map((page) => goes(pages(0x1234), page))).toEqual([false, true, false]);
    expect([0x11ff, 0x1200, 0x13ff, 0x1400].map((page) => goes(pages(0x1200, 512), page))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(covers(pages(0x1234), Cache.iotlb, tags({ domainId: 6, pages: 1 }))).toBe(false);
  });

  it("page: a large page goes when the range has all of it", () => {
    const goes = (target: InvalidationTarget, level: number) =>
      covers(target, Cache.iotlb, tags({ page: 0x41234, pages: PAGES_BY_LEVEL[level]! }));
    const ranges = [pages(0x41234), pages(0x41200, 512), pages(0x41200, 1024), pages(0x40000, 0x40000)];
    expect(ranges.map((range) => goes(range, 1))).toEqual([true, true, true, true]);
    expect(ranges.map((range) => goes(range, 2))).toEqual([false, true, true, true]);
    expect(ranges.map((range) => goes(range, 3))).toEqual([false, false, false, true]);
    expect([pages(0x41000, 512), pages(0x41400, 512)].map((range) => goes(range, 2))).toEqual([false, false]);
  });

  it("page: a pass-through result may stay, whatever the range", () => {
    const goes = (target: InvalidationTarget) => covers(target, Cache.iotlb, tags({ pages: NO_PAGE_SIZE }));
    expect([pages(0x1234), pages(0, 2 ** 52)].map(goes)).toEqual([false, false]);
    expect(goes({ cache: "iotlb", granularity: "domain", domainId: 5 })).toBe(true);
    expect(goes({ cache: "iotlb", granularity: "global" })).toBe(true);
  });

  it("page: paging-structure entries on the way to the pages, at every level", () => {
    const goes = (level: number, page: number) =>
      covers(pages(0x1234), Cache.table, tags({ pages: PAGES_BY_LEVEL[level]!, page }));
    expect([0x1200, 0x13ff, 0x11ff, 0x1400].map((page) => goes(2, page))).toEqual([true, true, false, false]);
    expect([0x3ffff, 0x40000].map((page) => goes(3, page))).toEqual([true, false]);
    expect([0x7ffffff, 0x8000000].map((page) => goes(4, page))).toEqual([true, false]);
    expect([0xfffffffff, 0x1000000000].map((page) => goes(5, page))).toEqual([true, false]);
  });

  it("IH = 1: paging-structure entries may stay", () => {
    expect(removed(pages(0x1234, 1, true), { pages: 1 })).toEqual([false, false, true]);
  });
});

describe("6.6 set root-table pointer with ESRTPS", () => {
  it("everything goes", () => {
    expect(removed({ cache: "all" })).toEqual([true, true, true]);
  });
});

describe("fences", () => {
  it("are the submission of the last covering invalidation that was seen complete by then", () => {
    const log = new InvalidationLog(invalidations);
    const target: InvalidationTarget = { cache: "iotlb", granularity: "global" };
    const first = log.submit(target, 3, false, 0);
    const second = log.submit(target, 7, false, 0);
    log.submit({ cache: "context", granularity: "global" }, 8, false, 0).observed = 9;
    const fence = (at: number) => {
      const into = { step: -1, done: [99] };
      log.fence(Cache.iotlb, tags(), at, [], into);
      return into;
    };
    expect(fence(10)).toEqual({ step: 0, done: [] });
    first.observed = 5;
    expect([fence(4), fence(5), fence(10)]).toEqual([
      { step: 0, done: [] },
      { step: 3, done: [0] },
      { step: 3, done: [0] },
    ]);
    second.observed = 9;
    expect([fence(8), fence(9)]).toEqual([
      { step: 3, done: [0] },
      { step: 7, done: [0, 1] },
    ]);
    log.reset();
    expect(fence(10)).toEqual({ step: 0, done: [] });
  });
});
