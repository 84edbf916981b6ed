/** What invalidations have removed for good: never more than they have, whatever was asked before. */
import { beforeEach, describe, expect, it } from "vitest";
import { OPEN } from "../words/memory.js";
import { Cache, InvalidationLog } from "./invalidation-log.js";
import { Removals, Removed } from "./removals.js";
import { type SimpleTarget, simpleRules } from "./simple-invalidations.testing.js";
import type { Top } from "./tops.js";
import type { TableEntries } from "./unit.js";

const { nothing, requests, everything } = Removed;
/** Tables of 512 entries. */
const entries = { span: (level: number) => 512 ** (level - 1) } as TableEntries;

let log: InvalidationLog<SimpleTarget>;
let removals: Removals;

beforeEach(() => {
  log = new InvalidationLog(simpleRules);
  removals = new Removals(entries, log);
});

/** Submitted at a step, and seen complete two steps later. */
function flush(step: number, target: Partial<SimpleTarget> = {}, drains = true) {
  const entry = log.submit({ cache: Cache.iotlb, ...target }, step, true, 0, drains);
  entry.observed = step + 2;
  return entry;
}

function top(domainId: number, until = OPEN): Top {
  const devices = [{ requester: 8, until }] as unknown as Top["devices"];
  return { domainId, passThrough: false, table: 3, levels: 3, devices, since: 0, until };
}

/** One page at 200h, superseded at step 10 unless told otherwise. */
function leaf({ since = 0, until = 10, upperUntil = OPEN, size = 1, iova = 0x200 } = {}) {
  return { since, until, upperUntil, level: 1, iova, size };
}

describe("a leaf that was superseded", () => {
  it("is there as long as no invalidation was seen complete", () => {
    expect(removals.on(top(5), leaf(), 20)).toBe(nothing);
    flush(10);
    expect(removals.on(top(5), leaf(), 11)).toBe(nothing);
    expect(removals.on(top(5), leaf(), 12)).toBe(everything);
  });

  it("is there while nothing was superseded by then", () => {
    flush(10);
    expect(removals.on(top(5), leaf({ until: OPEN }), 20)).toBe(nothing);
    expect(removals.on(top(5), leaf({ until: 21 }), 20)).toBe(nothing);
  });

  it("is not removed by an invalidation that was submitted before", () => {
    flush(9);
    expect(removals.on(top(5), leaf(), 20)).toBe(nothing);
  });

  it("is gone for requests, and for writes where they are drained", () => {
    flush(10, {}, false);
    expect(removals.on(top(5), leaf(), 20)).toBe(requests);
    flush(14);
    expect(removals.on(top(5), leaf(), 20)).toBe(everything);
  });

  it("is removed for its own domain, whatever domain was asked about before", () => {
    flush(10, { domain: 5 });
    for (const [domainId, removed] of [
      [5, everything],
      [6, nothing],
      [5, everything],
    ] as const)
      expect(removals.on(top(domainId), leaf(), 20)).toBe(removed);
  });

  it("is removed where its pages are in the range, whatever pages were asked about before", () => {
    flush(10, { range: { firstPage: 0x200, pageCount: 2 } });
    expect(removals.on(top(5), leaf(), 20)).toBe(everything);
    expect(removals.on(top(5), leaf({ iova: 0x202 }), 20)).toBe(nothing);
    expect(removals.on(top(5), leaf({ iova: 0x201 }), 20)).toBe(everything);
    expect(removals.on(top(5), leaf({ size: 4 }), 20)).toBe(nothing);
    expect(removals.on(top(5), leaf({ size: 2 }), 20)).toBe(everything);
  });

  it("without a size is drained with all pages only", () => {
    const target = log.submit(
      { cache: Cache.iotlb, range: { firstPage: 0, pageCount: 2 ** 52 } },
      10,
      true,
      0,
    );
    target.observed = 12;
    expect(removals.on(top(5), leaf({ size: 0 }), 20)).toBe(everything);
    log.reset();
    flush(10, { range: { firstPage: 0, pageCount: 2 ** 51 } });
    expect(removals.on(top(5), leaf({ size: 0 }), 20)).toBe(requests);
  });
});

describe("a leaf below an entry that was superseded", () => {
  it("is removed by an invalidation that takes entries that point to tables", () => {
    flush(10, { sparing: true });
    expect(removals.on(top(5), leaf({ until: OPEN, upperUntil: 8 }), 20)).toBe(nothing);
    flush(13);
    expect(removals.on(top(5), leaf({ until: OPEN, upperUntil: 8 }), 20)).toBe(everything);
    expect(removals.on(top(5), leaf({ until: OPEN, upperUntil: 14 }), 20)).toBe(nothing);
  });

  it("was never reached when they were gone before it was there", () => {
    flush(10);
    expect(removals.on(top(5), leaf({ since: 12, until: OPEN, upperUntil: 8 }), 20)).toBe(everything);
  });
});

describe("a device entry that was superseded", () => {
  it("takes what it led to with it once it was removed before or with the rest", () => {
    const changed = top(5, 6);
    flush(10);
    expect(removals.on(changed, leaf({ until: OPEN }), 20)).toBe(nothing);
    log.reset();
    flush(7, { cache: Cache.device });
    flush(10);
    expect(removals.on(changed, leaf({ until: OPEN }), 20)).toBe(everything);
  });

  it("does not when it was removed before it was changed, or of another domain", () => {
    flush(3, { cache: Cache.device });
    flush(7, { cache: Cache.device, domain: 6 });
    flush(10);
    expect(removals.on(top(5, 6), leaf({ until: OPEN }), 20)).toBe(nothing);
  });
});

describe("a table to which an entry pointed", () => {
  it("is out of reach after an invalidation of all that led to it", () => {
    flush(10);
    expect(removals.ofTable(top(5), 8, 1, 0x200, 11)).toBe(false);
    expect(removals.ofTable(top(5), 8, 1, 0x200, 12)).toBe(true);
    expect(removals.ofTable(top(5), 11, 1, 0x200, 12)).toBe(false);
    expect(removals.ofTable(top(5), OPEN, 1, 0x200, 12)).toBe(false);
  });

  it("is not when its entries are spared, or only some of its pages are in the range", () => {
    flush(10, { sparing: true });
    flush(10, { domain: 6 });
    flush(10, { range: { firstPage: 0x200, pageCount: 511 } });
    expect(removals.ofTable(top(5), 8, 1, 0x200, 20)).toBe(false);
    flush(10, { range: { firstPage: 0x200, pageCount: 512 } });
    expect(removals.ofTable(top(5), 8, 1, 0x200, 20)).toBe(true);
  });

  it("of the first level of a root is as large as the root says at most", () => {
    flush(10, { range: { firstPage: 0, pageCount: 512 ** 2 } });
    expect(removals.ofTable(top(5), 8, 3, 0, 20)).toBe(true);
    expect(removals.ofTable(top(5), 8, 2, 0, 20)).toBe(true);
  });
});
