import { describe, expect, it } from "vitest";
import { Random, type Script, ScriptMaker, walkPlatforms } from "./abstract-machine.scripts.js";
import {
  closedFormOutcomes,
  differences,
  differencesOf,
  machineOutcomes,
  shrink,
} from "./abstract-machine.testing.js";
import {
  Cache,
  type CacheTags,
  type Fence,
  type Invalidation,
  InvalidationLog,
  type InvalidationTarget,
} from "./invalidation-log.js";

/** SCRIPTS=100000 SEED=7 runs a larger campaign. */
const SCRIPTS = Number(process.env.SCRIPTS ?? 3000);
const SEED = Number(process.env.SEED ?? 1);

interface Compared {
  readonly script: Script;
  readonly platform: (typeof walkPlatforms)[number];
  readonly machine: Set<string>[];
  readonly closedForm: Set<string>[];
}

function comparedScript(index: number): Compared {
  const random = new Random(SEED * 1000003 + index * 7919);
  const platform = walkPlatforms[index % walkPlatforms.length]!;
  const { script } = new ScriptMaker(random, platform, 3 + random.below(6));
  return {
    script,
    platform,
    machine: machineOutcomes(script, platform),
    closedForm: closedFormOutcomes(script, platform),
  };
}

/** Invalidation logs with one mistake each. */
const brokenLogs: Record<string, () => InvalidationLog> = {
  "root entries are never invalidated": () => new Unfenced(Cache.root),
  "context entries are never invalidated": () => new Unfenced(Cache.context),
  "paging-structure entries are never invalidated": () => new Unfenced(Cache.pagingStructure),
  "IOTLB entries are never invalidated": () => new Unfenced(Cache.iotlb),
  "the queue keeps no order": () => new Altered((entry) => ({ ...entry, queued: false })),
  "fence flags are overlooked": () => new Altered((entry) => ({ ...entry, fenceGroup: 0 })),
  "submitted counts as done": () => new Altered((entry) => ({ ...entry, observed: entry.submitted })),
  "the hint is overlooked": () => new Altered((entry) => ({ ...entry, target: withoutHint(entry.target) })),
  "each fence stands alone": () => new Forgetful(),
};

class Unfenced extends InvalidationLog {
  constructor(private readonly broken: Cache) {
    super();
  }

  override fence(cache: Cache, tags: CacheTags, at: number, known: readonly number[], into: Fence): void {
    super.fence(cache, tags, at, known, into);
    if (cache === this.broken) {
      into.step = 0;
      into.done.length = 0;
    }
  }
}

class Altered extends InvalidationLog {
  constructor(private readonly alter: (entry: Invalidation) => Invalidation) {
    super();
  }

  override submit(
    target: InvalidationTarget,
    step: number,
    queued: boolean,
    fenceGroup: number,
  ): Invalidation {
    const entry = this.alter(super.submit(target, step, queued, fenceGroup));
    this.entries[this.entries.length - 1] = entry;
    return entry;
  }
}

class Forgetful extends InvalidationLog {
  override fence(cache: Cache, tags: CacheTags, at: number, _known: readonly number[], into: Fence): void {
    super.fence(cache, tags, at, [], into);
  }
}

function withoutHint(target: InvalidationTarget): InvalidationTarget {
  return "leafOnly" in target ? { ...target, leafOnly: false } : target;
}

describe("the closed form and the abstract machine", () => {
  const compared = Array.from({ length: SCRIPTS }, (_, index) => comparedScript(index));

  it("admit the same outcomes", () => {
    for (const { script, machine, closedForm } of compared) {
      if (differences(script, machine, closedForm).length === 0) continue;
      const smallest = shrink(script, (one) => differencesOf(one).length > 0);
      expect.fail(`${differencesOf(smallest).join("\n")}\n${JSON.stringify(smallest)}`);
    }
  });

  it("are compared where stale entries leave several outcomes open", () => {
    const open = compared.filter(({ machine }) => machine.some((outcomes) => outcomes.size > 1));
    expect(open.length / compared.length).toBeGreaterThan(0.5);
  });

  it.each(Object.entries(brokenLogs))("are told apart when %s", (_, brokenLog) => {
    const caught = compared.some(({ script, platform, machine }) => {
      return differences(script, machine, closedFormOutcomes(script, platform, brokenLog())).length > 0;
    });
    expect(caught).toBe(true);
  });
});
