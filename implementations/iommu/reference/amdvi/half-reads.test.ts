import { describe, expect, it } from "vitest";
import { Chance } from "../../../../model/words/chance.js";
import { HalfReads } from "./half-reads.js";

const OLD = { low: 1, high: 2, low2: 3, high2: 4 };
const NEW = { low: 11, high: 12, low2: 13, high2: 14 };

/** What a second read gives over many timings, when `between` happened since the first. */
function second(between: (reads: HalfReads) => void, page = 1, requester = 0x20): Set<string> {
  const chance = new Chance();
  const results = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    chance.seed(seed);
    const reads = new HalfReads(chance);
    reads.complete(0x20, 1, 0x80, { ...OLD });
    between(reads);
    const entry = { ...NEW };
    reads.complete(requester, page, 0x80, entry);
    results.add(Object.values(entry).join());
  }
  return results;
}

const [whole, first, last] = ["11,12,13,14", "1,2,13,14", "11,12,3,4"] as const;

describe("device table entries that are read word by word", () => {
  it("may have either word of an earlier moment", () => {
    expect(second(() => undefined)).toEqual(new Set([whole, first, last]));
  });

  it("are read anew after an invalidation that covers them, and elsewhere", () => {
    expect(second((reads) => reads.forget((requester) => requester === 0x20))).toEqual(new Set([whole]));
    expect(second((reads) => reads.forget((requester) => requester === 0x28)).size).toBe(3);
    expect(second((reads) => reads.clear())).toEqual(new Set([whole]));
    expect(second(() => undefined, 2)).toEqual(new Set([whole]));
    expect(second(() => undefined, 1, 0x28)).toEqual(new Set([whole]));
  });
});
