import { describe, expect, it } from "vitest";
import { Right } from "../isolation/events.js";
import { Random } from "../windows/random.testing.js";
import {
  PAGE_COUNT,
  type Script,
  ScriptMaker,
  type Step,
  walkPlatforms,
} from "./abstract-machine.scripts.js";
import { machineAnswer } from "./abstract-machine.testing.js";
import { type Draining, scriptPlatform, VtdScriptRun } from "./exposure.testing.js";
import type { InvalidationTarget } from "./invalidations.js";

/** SCRIPTS=100000 SEED=7 runs a larger campaign. */
const SCRIPTS = Number(process.env.SCRIPTS ?? 2500);
const SEED = Number(process.env.SEED ?? 1);

type Submission = Extract<Step, { do: "submit" }>;

/** Domain ids stay with their functions, so that it is plain which domain a write was translated for. */
const domainIdOf = (requester: number) => 1 + (requester & 1);

function scriptOf(index: number): Script {
  const random = new Random(SEED * 1000003 + index * 7919);
  const { script } = new ScriptMaker(
    random,
    walkPlatforms[index % walkPlatforms.length]!,
    1 + random.below(5),
  );
  const own = <A extends { page: number; word: number; low: number }>(at: A): A => {
    if ((at.page !== 3 && at.page !== 4) || at.word % 2 === 0) return at;
    return { ...at, low: ((at.low & ~0xffff00) | (domainIdOf(at.word >>> 1) << 8)) >>> 0 };
  };
  const steps = oneByOne(script.steps.filter((step) => !step.do.endsWith("enabled")));
  return {
    ...script,
    functions: script.functions.slice(0, 2),
    enabled: true,
    words: script.words.map(own),
    steps: [...steps, ...flushes(random, script, steps)].map((step) =>
      step.do === "store" ? own(step) : step,
    ),
  };
}

/** Invalidations that take away what requests could reach, though not always what writes under way do. */
function flushes(random: Random, script: Script, before: readonly Step[]): Step[] {
  const steps: Step[] = [];
  let submission = before.filter((step) => step.do === "submit").length;
  for (let left = 1 + random.below(3); left > 0; left--) {
    const target = flush(random, script);
    const fenceGroup = before.reduce((last, step) => (step.do === "submit" ? step.fenceGroup : last), 0);
    steps.push({ do: "submit", queued: random.chance(70), fenceGroup, targets: [target] });
    if (random.chance(85)) steps.push({ do: "observe", submission });
    submission++;
  }
  return steps;
}

function flush(random: Random, { pages, functions }: Script): InvalidationTarget {
  const domainId = domainIdOf(random.of(functions));
  const pageCount = random.weighted([4, 1], [2, 2], [2, 0x200], [2, 0x40000]);
  const page = random.of(pages);
  const firstPage = page - (page % pageCount);
  return random.weighted<InvalidationTarget>(
    [4, { cache: "context", granularity: "global" }],
    [4, { cache: "iotlb", granularity: "global" }],
    [4, { cache: "iotlb", granularity: "domain", domainId }],
    [6, { cache: "iotlb", granularity: "page", domainId, firstPage, pageCount, leafOnly: random.chance(30) }],
  );
}

/** Every invalidation is a submission of its own, so that each can be seen complete alone. */
function oneByOne(steps: readonly Step[]): Step[] {
  const numbers: number[][] = [];
  let count = 0;
  return steps.flatMap((step): Step[] => {
    if (step.do === "observe")
      return numbers[step.submission]!.map((submission) => ({ do: "observe", submission }));
    if (step.do !== "submit") return [step];
    numbers.push(step.targets.map(() => count++));
    return step.targets.map((target) => ({ ...step, targets: [target] }));
  });
}

const drains: Draining = (submission) => submission % 3 === 2;

/** 6.5.4: what a draining invalidation drains. */
function drainsWrite(target: InvalidationTarget, requester: number, iova: number): boolean {
  if (target.cache !== "iotlb") return false;
  if (target.granularity === "global") return true;
  if (target.domainId !== domainIdOf(requester)) return false;
  if (target.granularity === "domain") return true;
  return iova >= target.firstPage && iova < target.firstPage + target.pageCount;
}

/** The submissions known to be done after all steps: seen, or ahead of a fence ahead of one that was seen. */
function doneSubmissions(steps: readonly Step[]): Set<number> {
  const submissions = steps.filter((step): step is Submission => step.do === "submit");
  const seen = new Set(steps.flatMap((step) => (step.do === "observe" ? [step.submission] : [])));
  const done = new Set(seen);
  submissions.forEach((one, number) => {
    for (const later of seen) {
      const other = submissions[later]!;
      if (later > number && one.queued && other.queued && one.fenceGroup < other.fenceGroup) done.add(number);
    }
  });
  return done;
}

/** Every page that a write may still reach after all steps, translated at any moment since it would have been drained. */
function bruteForce(script: Script): Set<string> {
  const platform = scriptPlatform(script);
  const { steps } = script;
  const submissions = steps.filter((step): step is Submission => step.do === "submit");
  const done = doneSubmissions(steps);
  const found = new Set<string>();
  for (const page of script.pages) {
    for (const requester of script.functions) {
      const draining = [...done].filter(
        (one) => drains(one) && drainsWrite(submissions[one]!.targets[0]!, requester, page),
      );
      for (let moment = 0; moment <= steps.length; moment++) {
        const before = steps.slice(0, moment);
        const submitted = before.filter((step) => step.do === "submit").length;
        if (draining.some((one) => one >= submitted)) continue;
        const drained = draining.map((submission): Step => ({ do: "observe", submission }));
        const answer = machineAnswer({ ...script, steps: [...before, ...drained] }, platform, [page]);
        for (const { effect } of answer({ requester, page, offset: 0, length: 4, type: "write" }))
          if (effect >= 0 && effect < PAGE_COUNT) found.add(`${requester} ${page} ${effect}`);
      }
    }
  }
  return found;
}

const runs = new Map(
  walkPlatforms.map((one) => [one.profile, new VtdScriptRun(scriptPlatform(one), drains)]),
);

interface Found {
  /** Reaches now or by a posted write, and how many are by those only. */
  readonly all: Set<string>;
  readonly posted: number;
  /** Some step made something reachable that is not reachable now. */
  readonly lost: boolean;
}

function closedForm(script: Script): Found {
  const run = runs.get(script.profile)!;
  run.start(script);
  const ever = new Set<string>();
  for (const step of script.steps) {
    for (const one of writesOf(run, script).all) ever.add(one);
    run.take(step);
  }
  const { all, now } = writesOf(run, script);
  return { all, posted: all.size - now.size, lost: [...ever].some((one) => !now.has(one)) };
}

function writesOf({ exposure }: VtdScriptRun, script: Script): { all: Set<string>; now: Set<string> } {
  const all = new Set<string>();
  const now = new Set<string>();
  for (const { requester, iova, page, pages, access, way } of exposure.everything()) {
    if (access !== Right.write) continue;
    for (const one of script.pages) {
      const target = page + (one - iova);
      if (one < iova || one >= iova + pages || target >= PAGE_COUNT) continue;
      all.add(`${requester} ${one} ${target}`);
      if (way === "request") now.add(`${requester} ${one} ${target}`);
    }
  }
  return { all, now };
}

/** For campaigns that are larger than usual. */
const timeout = 120_000 + SCRIPTS * 10;

describe("posted writes", () => {
  it("reach what they could when they were translated, until they are drained", { timeout }, () => {
    let posted = 0;
    let compared = 0;
    for (let index = 0; index < SCRIPTS; index++) {
      const script = scriptOf(index);
      const found = closedForm(script);
      // Without this most scripts would be about nothing.
      if (!found.lost) continue;
      compared++;
      if (found.posted > 0) posted++;
      const expected = bruteForce(script);
      const missing = [...expected].filter((one) => !found.all.has(one));
      const loose = [...found.all].filter((one) => !expected.has(one));
      if (missing.length + loose.length > 0)
        expect.fail(
          `${index}: missing ${missing}; loose ${loose}\n${JSON.stringify({ ...script, profile: script.profile.id })}`,
        );
    }
    expect(compared).toBeGreaterThan(SCRIPTS / 40);
    expect(posted).toBeGreaterThan(SCRIPTS / 60);
  });
});
