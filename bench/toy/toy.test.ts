import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commands } from "./commands.js";
import { guided } from "./guided.js";
import { type Search, search } from "./measure.js";
import { Protocol, SHORTEST, type Step, violationOf } from "./protocol.js";
import { records } from "./records.js";
import { type Measured, rowsOf } from "./rows.js";
import type { Way } from "./way.js";

/** Page 2 is freed when its flush is submitted; a cached entry still leads there. */
const FREED_EARLY: readonly Step[] = [
  { do: "attach", requester: 1, domain: 0 },
  { do: "map", domain: 0, iova: 3, page: 2 },
  { do: "request", requester: 1, iova: 3 },
  { do: "unmap", domain: 0, iova: 3 },
  { do: "submit", domain: 0 },
  { do: "free", page: 2 },
  { do: "request", requester: 1, iova: 3 },
];
const COMPLETED: readonly Step[] = FREED_EARLY.toSpliced(5, 0, { do: "complete" });

describe("the protocol", () => {
  const violation = (steps: readonly Step[]) => violationOf(new Protocol("after-submission"), steps);

  it("is broken by a request that is answered from the cache once its page is free", () => {
    expect(violation(FREED_EARLY)).toEqual({ at: 6, page: 2 });
    expect(FREED_EARLY.length).toBe(SHORTEST);
  });

  it("needs each of those steps for that", () => {
    for (const at of FREED_EARLY.keys()) expect(violation(FREED_EARLY.toSpliced(at, 1))).toBeNull();
  });

  it("is not broken when the flush was complete, of another domain, or submitted before the page was unmapped", () => {
    expect(violation(COMPLETED)).toBeNull();
    expect(violation(FREED_EARLY.with(4, { do: "submit", domain: 1 }))).toBeNull();
    const [attach, map, request, unmap, submit, ...rest] = FREED_EARLY as [
      Step,
      Step,
      Step,
      Step,
      Step,
      Step,
    ];
    expect(violation([attach, map, request, submit, unmap, ...rest])).toBeNull();
  });

  it("is not broken while nothing of the page was cached, or once it has a new use", () => {
    expect(violation(FREED_EARLY.toSpliced(2, 1))).toBeNull();
    const used: Step = { do: "map", domain: 1, iova: 0, page: 2 };
    expect(violation(FREED_EARLY.toSpliced(6, 0, used))).toBeNull();
  });

  it("starts each run anew", () => {
    const protocol = new Protocol("after-submission");
    expect(violationOf(protocol, FREED_EARLY)).toEqual(violationOf(protocol, FREED_EARLY));
    expect(violationOf(protocol, FREED_EARLY.slice(6))).toBeNull();
  });
});

function describeWay<T>(way: Way<T>): void {
  describe(way.name, () => {
    it("sees the violation of a scenario written by hand, and none where software waits", () => {
      expect(way.check(way.from(FREED_EARLY), "after-submission")).toEqual({ at: 6, page: 2 });
      expect(way.check(way.from(FREED_EARLY), "after-completion")).toBeNull();
      expect(way.check(way.from(COMPLETED), "after-submission")).toBeNull();
    });

    it("sees it behind steps that software does not do", () => {
      const refused: readonly Step[] = [
        { do: "unmap", domain: 1, iova: 0 },
        { do: "free", page: 0 },
      ];
      const violation = way.check(way.from([...refused, ...FREED_EARLY]), "after-submission");
      expect(violation?.page).toBe(2);
    });

    it("draws up to fifty steps, and nothing that breaks software that waits", () => {
      let most = 0;
      const property = fc.property(way.arbitrary(), (scenario) => {
        most = Math.max(most, way.drawn(scenario));
        return way.check(scenario, "after-completion") === null;
      });
      fc.assert(property, { seed: 1, numRuns: 2000 });
      expect(most).toBe(50);
    });
  });
}

describeWay(commands);
describeWay(records);
describeWay(guided);

describe("a seed expanded by the model", () => {
  it("finds the fault from every seed, the same for equal seeds, with as few steps as there can be", () => {
    const result = (seed: number) => {
      const { found, runs, length } = search(guided, seed);
      return { found, runs, length };
    };
    for (let seed = 1; seed <= 20; seed++) {
      const { found, length } = result(seed);
      expect({ seed, found, length }).toEqual({ seed, found: true, length: SHORTEST });
    }
    expect(result(1)).toEqual(result(1));
  });

  it("shrinks to fewer steps, or to one requester in the place of two, and only what is a scenario", () => {
    const arbitrary = guided.arbitrary();
    const scenario = guided.from(FREED_EARLY);
    const shrunk = [...arbitrary.shrink(scenario, undefined)].map((one) => one.value);
    const { length } = FREED_EARLY;
    expect(shrunk.slice(0, -1).every((one) => one.steps.length < length)).toBe(true);
    const requesters = shrunk.at(-1)!.steps.map((step) => ("requester" in step ? step.requester : null));
    expect(requesters).toEqual([0, null, 0, null, null, null, 0]);
    expect(arbitrary.canShrinkWithoutContext(JSON.parse(JSON.stringify(scenario)))).toBe(true);
    for (const other of [null, {}, { steps: 1 }, { steps: [{ do: "free", page: 4 }] }])
      expect(arbitrary.canShrinkWithoutContext(other)).toBe(false);
  });
});

describe("rows", () => {
  const seen = (runs: number, found = true): Search => ({
    found,
    runs,
    toFind: runs / 10,
    toShrink: found ? 2 : 0,
    length: found ? 7 : 0,
  });
  const way = (name: string, rate: number, searches: readonly Search[]): Measured => ({
    name,
    rate,
    searches,
  });

  it("compare with the first way, by medians, where a search that found nothing counts with all its runs", () => {
    const base = way("base", 100, [seen(20_000, false), seen(20_000, false), seen(400)]);
    const other = way("other", 300, [seen(100), seen(20_000, false), seen(200)]);
    expect(rowsOf([base, other])).toEqual([
      ["generating fifty steps: base", "100/s", "1x", ""],
      ["generating fifty steps: other", "300/s", "3x", ""],
      ["found within 20,000 runs: base", "1 of 3", "", ""],
      ["found within 20,000 runs: other", "2 of 3", "", ""],
      ["to the fault, median: base", "> 20,000 runs", "", ""],
      ["to the fault, median: other", "200 runs", "> 100x", ""],
      ["to the fault, median: base", "> 2,000 ms", "", ""],
      ["to the fault, median: other", "20 ms", "> 100x", ""],
      ["shrinking, median: base", "2.00 ms", "1x", ""],
      ["shrinking, median: other", "2.00 ms", "1x", ""],
      ["of 7 steps, the fewest possible: base", "1 of 1", "longest 7", ""],
      ["of 7 steps, the fewest possible: other", "2 of 2", "longest 7", ""],
    ]);
  });

  it("leave empty what there is nothing to say of", () => {
    const rows = rowsOf([way("base", 1, [seen(20_000, false)]), way("other", 1, [seen(5)])]);
    expect(rows.slice(8)).toEqual([
      ["shrinking, median: base", "", "", ""],
      ["shrinking, median: other", "2.00 ms", "", ""],
      ["of 7 steps, the fewest possible: base", "0 of 0", "", ""],
      ["of 7 steps, the fewest possible: other", "1 of 1", "longest 7", ""],
    ]);
  });
});
