import { beforeAll, describe, expect, it } from "vitest";
import {
  Cache,
  type CacheTags,
  type Fence,
  type Invalidation,
  InvalidationLog,
} from "../windows/invalidation-log.js";
import { Random } from "../windows/random.testing.js";
import { differences, shrink } from "../windows/scripts.testing.js";
import { type Script, ScriptMaker, walkPlatforms } from "./abstract-machine.scripts.js";
import {
  closedFormOutcomes,
  differencesOf,
  type MakeLog,
  machineOutcomes,
} from "./abstract-machine.testing.js";
import { type InvalidationTarget, invalidations } from "./invalidations.js";
import type { AmdViPlatform } from "./profile.js";

/** SCRIPTS=100000 SEED=7 runs a larger campaign. */
const SCRIPTS = Number(process.env.SCRIPTS ?? 3000);
const SEED = Number(process.env.SEED ?? 1);

interface Compared {
  readonly script: Script;
  readonly platform: AmdViPlatform;
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

type Entry = Invalidation<InvalidationTarget>;

/** Invalidation logs with one mistake each. */
const brokenLogs: Record<string, MakeLog> = {
  "device table entries are never invalidated": () => new Unfenced(Cache.device),
  "page directory entries are never invalidated": () => new Unfenced(Cache.table),
  "I/O TLB entries are never invalidated": () => new Unfenced(Cache.iotlb),
  "flushes of COMPLETION_WAIT are overlooked": () => new Altered((one) => ({ ...one, fenceGroup: 0 })),
  "submitted counts as done": () => new Altered((one) => ({ ...one, observed: one.submitted })),
  "PDE is taken to be set": () => new Altered((one) => ({ ...one, target: withDirectories(one.target) })),
  "a range covers its first page only": () => new Altered((one) => ({ ...one, target: onePage(one.target) })),
};

class Unfenced extends InvalidationLog<InvalidationTarget> {
  constructor(private readonly broken: Cache) {
    super(invalidations);
  }

  override fence(cache: Cache, tags: CacheTags, at: number, known: readonly number[], into: Fence): void {
    super.fence(cache, tags, at, known, into);
    if (cache === this.broken) {
      into.step = 0;
      into.done.length = 0;
    }
  }
}

class Altered extends InvalidationLog<InvalidationTarget> {
  constructor(private readonly alter: (entry: Entry) => Entry) {
    super(invalidations);
  }

  override submit(target: InvalidationTarget, step: number, queued: boolean, fenceGroup: number): Entry {
    const entry = this.alter(super.submit(target, step, queued, fenceGroup));
    this.entries[this.entries.length - 1] = entry;
    return entry;
  }
}

function withDirectories(target: InvalidationTarget): InvalidationTarget {
  return target.command === "invalidate-iommu-pages" ? { ...target, directories: true } : target;
}

function onePage(target: InvalidationTarget): InvalidationTarget {
  return target.command === "invalidate-iommu-pages" ? { ...target, pageCount: 1 } : target;
}

describe("the closed form and the abstract machine", () => {
  let compared: Compared[] = [];

  beforeAll(() => {
    compared = Array.from({ length: SCRIPTS }, (_, index) => comparedScript(index));
  }, SCRIPTS * 100);

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
      return differences(script, machine, closedFormOutcomes(script, platform, brokenLog)).length > 0;
    });
    expect(caught).toBe(true);
  });
});
