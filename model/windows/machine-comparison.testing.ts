/** Compares the closed form with an abstract machine, whatever the architecture, and shows that mistakes would be seen. */
import { beforeAll, describe, expect, it } from "vitest";
import {
  type Cache,
  type CacheTags,
  type Fence,
  type Invalidation,
  InvalidationLog,
  type InvalidationRules,
} from "./invalidation-log.js";
import { Random } from "./random.testing.js";
import { type AnyScript, differences, shrink } from "./scripts.testing.js";

/** SCRIPTS=100000 SEED=7 runs a larger campaign. */
const SCRIPTS = Number(process.env.SCRIPTS ?? 3000);
const SEED = Number(process.env.SEED ?? 1);

/** What an architecture compares. */
export interface MachineSubject<Script extends AnyScript, Platform, Log> {
  readonly platforms: readonly Platform[];
  script(random: Random, platform: Platform, steps: number): Script;
  /** What the machine shows, and what the closed form admits, request by request. */
  machine(script: Script, platform: Platform): Set<string>[];
  closedForm(script: Script, platform: Platform, makeLog?: () => Log): Set<string>[];
  differencesOf(script: Script): string[];
  /** Invalidation logs with one mistake each. */
  readonly brokenLogs: Readonly<Record<string, () => Log>>;
}

/** Registers the tests. */
export function describeMachine<Script extends AnyScript, Platform, Log>(
  subject: MachineSubject<Script, Platform, Log>,
): void {
  interface Compared {
    readonly script: Script;
    readonly platform: Platform;
    readonly machine: Set<string>[];
    readonly closedForm: Set<string>[];
  }

  function comparedScript(index: number): Compared {
    const random = new Random(SEED * 1000003 + index * 7919);
    const platform = subject.platforms[index % subject.platforms.length]!;
    const script = subject.script(random, platform, 3 + random.below(6));
    const machine = subject.machine(script, platform);
    return { script, platform, machine, closedForm: subject.closedForm(script, platform) };
  }

  describe("the closed form and the abstract machine", () => {
    let compared: Compared[] = [];

    beforeAll(() => {
      compared = Array.from({ length: SCRIPTS }, (_, index) => comparedScript(index));
    }, SCRIPTS * 100);

    it("admit the same outcomes", () => {
      for (const { script, machine, closedForm } of compared) {
        if (differences(script, machine, closedForm).length === 0) continue;
        const smallest = shrink(script, (one) => subject.differencesOf(one).length > 0);
        expect.fail(`${subject.differencesOf(smallest).join("\n")}\n${JSON.stringify(smallest)}`);
      }
    });

    it("are compared where stale entries leave several outcomes open", () => {
      const open = compared.filter(({ machine }) => machine.some((outcomes) => outcomes.size > 1));
      expect(open.length / compared.length).toBeGreaterThan(0.5);
    });

    it.each(Object.entries(subject.brokenLogs))("are told apart when %s", (_, brokenLog) => {
      const caught = compared.some(({ script, platform, machine }) => {
        return differences(script, machine, subject.closedForm(script, platform, brokenLog)).length > 0;
      });
      expect(caught).toBe(true);
    });
  });
}

/** A log whose invalidations never reach one cache. */
export class Unfenced<Target> extends InvalidationLog<Target> {
  constructor(
    rules: InvalidationRules<Target>,
    private readonly broken: Cache,
  ) {
    super(rules);
  }

  override fence(cache: Cache, tags: CacheTags, at: number, known: readonly number[], into: Fence): void {
    super.fence(cache, tags, at, known, into);
    if (cache === this.broken) {
      into.step = 0;
      into.done.length = 0;
    }
  }
}

/** A log that takes every invalidation for another one. */
export class Altered<Target> extends InvalidationLog<Target> {
  constructor(
    rules: InvalidationRules<Target>,
    private readonly alter: (entry: Invalidation<Target>) => Invalidation<Target>,
  ) {
    super(rules);
  }

  override submit(target: Target, step: number, queued: boolean, fenceGroup: number): Invalidation<Target> {
    const entry = this.alter(super.submit(target, step, queued, fenceGroup));
    this.entries[this.entries.length - 1] = entry;
    return entry;
  }
}
