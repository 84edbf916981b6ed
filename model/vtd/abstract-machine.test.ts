import { describe, expect, it } from "vitest";
import {
  Cache,
  type CacheTags,
  type Fence,
  InvalidationLog,
  NO_PAGE_SIZE,
} from "../windows/invalidation-log.js";
import { Altered, describeMachine, Unfenced } from "../windows/machine-comparison.testing.js";
import { requestsOf } from "../windows/scripts.testing.js";
import {
  type Script,
  ScriptMaker,
  type Step,
  switchedOften,
  walkPlatforms,
  withProtection,
} from "./abstract-machine.scripts.js";
import { closedFormOutcomes, differencesOf, machineOutcomes } from "./abstract-machine.testing.js";
import { type InvalidationTarget, invalidations } from "./invalidations.js";
import type { PlatformProfile } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { walkPlatformOf } from "./walk.js";

/** Invalidation logs with one mistake each. */
const brokenLogs: Record<string, () => InvalidationLog<InvalidationTarget>> = {
  "context entries are never invalidated": () => new Unfenced(invalidations, Cache.device),
  "paging-structure entries are never invalidated": () => new Unfenced(invalidations, Cache.table),
  "IOTLB entries are never invalidated": () => new Unfenced(invalidations, Cache.iotlb),
  "the queue keeps no order": () => new Altered(invalidations, (entry) => ({ ...entry, queued: false })),
  "fence flags are overlooked": () => new Altered(invalidations, (entry) => ({ ...entry, fenceGroup: 0 })),
  "submitted counts as done": () =>
    new Altered(invalidations, (entry) => ({ ...entry, observed: entry.submitted })),
  "the hint is overlooked": () =>
    new Altered(invalidations, (entry) => ({ ...entry, target: withoutHint(entry.target) })),
  "each fence stands alone": () => new Forgetful(invalidations),
  "any page of a large one removes it": () => new AsSmallPages((pages) => pages > 1),
  "a pass-through result has the size of a page": () => new AsSmallPages((pages) => pages === NO_PAGE_SIZE),
};

class Forgetful extends InvalidationLog<InvalidationTarget> {
  override fence(cache: Cache, tags: CacheTags, at: number, _known: readonly number[], into: Fence): void {
    super.fence(cache, tags, at, [], into);
  }
}

/** IOTLB entries of some sizes are removed like those of one page. */
class AsSmallPages extends InvalidationLog<InvalidationTarget> {
  constructor(private readonly concerned: (pages: number) => boolean) {
    super(invalidations);
  }

  override fence(cache: Cache, tags: CacheTags, at: number, known: readonly number[], into: Fence): void {
    const altered = cache === Cache.iotlb && this.concerned(tags.pages);
    super.fence(cache, altered ? { ...tags, pages: 1 } : tags, at, known, into);
  }
}

function withoutHint(target: InvalidationTarget): InvalidationTarget {
  return "leafOnly" in target ? { ...target, leafOnly: false } : target;
}

/** Functions 8 and 9 of bus 0 with context entries that lead to table 14 and 15 of level 3; context table 3, root table 1. */
function scriptWith(profile: PlatformProfile, entries: ScriptEntry[], steps: Step[]): Script {
  const words = entries.map(([page, word, low, high = 0]) => ({ page, word, low, high }));
  return {
    profile,
    functions: [8, 9],
    pages: [0],
    words: [{ page: 1, word: 0, low: 0x3001, high: 0 }, ...words],
    enabled: true,
    steps,
  };
}

type ScriptEntry = [page: number, word: number, low: number, high?: number];

function outcomesOf(script: Script, requester: number): string[] {
  expect(differencesOf(script)).toEqual([]);
  const read = requestsOf(script).findIndex((one) => one.requester === requester && one.type === "read");
  return [...closedFormOutcomes(script, walkPlatformOf(script.profile))[read]!].sort();
}

describe("both sides say that", () => {
  const coherentQemu = walkPlatforms[4]!.profile;
  const domain1: ScriptEntry[] = [
    [3, 16, 0xe001],
    [3, 17, 0x101],
    [14, 0, 0x83],
  ];
  const notPresent = "-1 vtd.context.present";
  const firstPages = (pageCount: number): InvalidationTarget => ({
    cache: "iotlb",
    granularity: "page",
    domainId: 1,
    firstPage: 0,
    pageCount,
    leafOnly: true,
  });

  it("an IOTLB invalidation seen to complete tells that earlier context invalidations of the queue did", () => {
    const detach: Step[] = [
      { do: "store", page: 3, word: 16, low: 0, high: 0 },
      { do: "submit", queued: true, fenceGroup: 0, targets: [{ cache: "context", granularity: "global" }] },
      { do: "submit", queued: true, fenceGroup: 0, targets: [{ cache: "iotlb", granularity: "global" }] },
    ];
    expect(outcomesOf(scriptWith(coherentQemu, domain1, detach), 8)).toEqual([notPresent, "0"]);
    const seen: Step[] = [...detach, { do: "observe", submission: 1 }];
    expect(outcomesOf(scriptWith(coherentQemu, domain1, seen), 8)).toEqual([notPresent]);
  });

  it("nothing of the old tables is left once ESRTPS hardware has set a new root pointer", () => {
    const withEsrtps = walkPlatforms.find(({ setRootInvalidates }) => setRootInvalidates)!.profile;
    const replaced: Step[] = [{ do: "set-root", page: 2 }, { do: "observe-root" }];
    expect(outcomesOf(scriptWith(withEsrtps, domain1, replaced), 8)).toEqual(["-1 vtd.root.present"]);
    expect(outcomesOf(scriptWith(coherentQemu, domain1, replaced), 8)).toContain("0");
  });

  it("the FPD of a fault is that of the context entry in use, not of the one that filled the caches", () => {
    const shared: ScriptEntry[] = [...domain1, [3, 18, 0xf003], [3, 19, 0x101]];
    const readOnly = "-1 vtd.second-stage.read-permission";
    expect(outcomesOf(scriptWith(coherentQemu, [...shared, [14, 0, 0x82]], []), 9)).toContain(
      `${readOnly}, not recorded`,
    );
    expect(outcomesOf(scriptWith(coherentQemu, [...shared, [14, 0, 0x82]], []), 9)).not.toContain(readOnly);
  });

  it("a range that is smaller than a large page may spare its entry, and the page's own size may not", () => {
    const unmapped = (pageCount: number): Step[] => [
      { do: "store", page: 14, word: 0, low: 0, high: 0 },
      { do: "submit", queued: true, fenceGroup: 0, targets: [firstPages(pageCount)] },
      { do: "observe", submission: 0 },
    ];
    const outcomesAfter = (pageCount: number) =>
      outcomesOf(scriptWith(coherentQemu, domain1, unmapped(pageCount)), 8);
    const readOnly = "-1 vtd.second-stage.read-permission";
    expect([1, 0x200, 0x40000].map(outcomesAfter)).toEqual([[readOnly, "0"], [readOnly, "0"], [readOnly]]);
  });

  it("a pass-through result may stay until its domain is flushed, whatever the range", () => {
    const passThrough: ScriptEntry[] = [
      [3, 16, 9],
      [3, 17, 0x102],
    ];
    const detached = (iotlb: InvalidationTarget): Step[] => [
      { do: "store", page: 3, word: 16, low: 0, high: 0 },
      {
        do: "submit",
        queued: true,
        fenceGroup: 0,
        targets: [{ cache: "context", granularity: "global" }, iotlb],
      },
      { do: "observe", submission: 0 },
    ];
    const outcomesAfter = (iotlb: InvalidationTarget) =>
      outcomesOf(scriptWith(coherentQemu, passThrough, detached(iotlb)), 8);
    expect([1, 0x40000].map((pageCount) => outcomesAfter(firstPages(pageCount)))).toEqual([
      [notPresent, "0"],
      [notPresent, "0"],
    ]);
    expect(outcomesAfter({ cache: "iotlb", granularity: "domain", domainId: 1 })).toEqual([notPresent]);
  });

  it("an invalidation has flushed what was in the write buffer when it was submitted, and covers no more for that", () => {
    const buffered = walkPlatforms[14]!.profile;
    const entries: ScriptEntry[] = [
      [3, 16, 0xf001],
      [3, 17, 0x101],
      [15, 0, 0xd003],
      [13, 0, 0xb003],
      [11, 0, 0x20003],
    ];
    const unmap: Step = { do: "store", page: 11, word: 0, low: 0, high: 0 };
    const submit = { do: "submit", queued: true, fenceGroup: 0 } as const;
    const flush: Step = { ...submit, targets: [firstPages(1)] };
    const otherDomain: Step = {
      ...submit,
      targets: [{ cache: "iotlb", granularity: "domain", domainId: 2 }],
    };
    const seen: Step = { do: "observe", submission: 0 };
    const unmapTable: Step = { do: "store", page: 13, word: 0, low: 0, high: 0 };
    const outcomesAfter = (...steps: Step[]) => outcomesOf(scriptWith(buffered, entries, steps), 8);
    const gone = "-1 vtd.second-stage.read-permission";
    expect(outcomesAfter(unmap, flush, seen)).toEqual([gone]);
    expect(outcomesAfter(unmap, flush)).toEqual([gone, "32"]);
    expect(outcomesAfter(flush, unmap, seen)).toEqual([gone, "32"]);
    expect(outcomesAfter(unmap, otherDomain, seen)).toEqual([gone, "32"]);
    // The entry above is kept in a cache that the hint spares, and was read before the buffer was flushed.
    expect(outcomesAfter(unmapTable, flush, seen)).toEqual([gone, "32"]);
  });

  it("functions with one domain id share the faulting paging-structure entries of Caching Mode", () => {
    const cachingMode = walkPlatforms.find((one) => one.cachingMode && one.coherentWalks)!.profile;
    const shared: ScriptEntry[] = [...domain1, [3, 18, 0xf001], [3, 19, 0x101], [15, 0, 0x83, 0x40000000]];
    expect(outcomesOf(scriptWith(cachingMode, shared, []), 8)).toEqual([
      "-1 vtd.second-stage.reserved-bits",
      "0",
    ]);
    expect(outcomesOf(scriptWith(coherentQemu, shared, []), 8)).toEqual(["0"]);
  });
});

describe("named exception: the closed form admits more", () => {
  it("when the look-up needs an invalidation to have executed early and the cached entry needs it late", () => {
    const profile: PlatformProfile = { ...profileNamed("skylake-sp"), iotlbLookup: "domain-id" };
    const entries: ScriptEntry[] = [
      [3, 16, 0x10001],
      [3, 17, 0x102],
      [13, 0, 0x83],
      [15, 0, 0xd003],
      [17, 0, 0xf003],
    ];
    const steps: Step[] = [
      { do: "store", page: 3, word: 16, low: 0x11007, high: 0 },
      {
        do: "submit",
        queued: true,
        fenceGroup: 0,
        targets: [{ cache: "context", granularity: "domain", domainId: 1 }],
      },
      { do: "store", page: 3, word: 16, low: 0x11001, high: 0x10000000 },
      { do: "store", page: 16, word: 0, low: 0xe003, high: 0 },
      { do: "observe", submission: 0 },
    ];
    const found = differencesOf(scriptWith(profile, entries, steps));
    expect(found).not.toEqual([]);
    for (const one of found) expect(one).toContain("only the closed form admits");
  });
});

describeMachine({
  platforms: walkPlatforms,
  script(random, platform, steps) {
    const { script } = new ScriptMaker(random, platform, steps);
    const steered = random.chance(10) ? switchedOften(script, random) : script;
    return random.chance(30) ? withProtection(steered, platform, random) : steered;
  },
  machine: machineOutcomes,
  closedForm: (script, platform, makeLog) => closedFormOutcomes(script, platform, makeLog?.()),
  differencesOf,
  brokenLogs,
});
