/** Tests of posted writes that every architecture has to pass: they reach what they could until they are drained. */
import { describe, expect, it } from "vitest";
import { Right } from "../isolation/events.js";
import type { Profile } from "../profile.js";
import type { WindowsOracle } from "./oracle.js";
import { Random } from "./random.testing.js";
import type { FollowedScript, ScriptRun } from "./script-run.testing.js";
import type { Answer } from "./scripts.testing.js";

/** SEED=7 draws other scripts. */
const SEED = Number(process.env.SEED ?? 1);

interface SomeStep {
  readonly do: string;
}

interface Submission<Target> extends SomeStep {
  readonly do: "submit";
  readonly targets: readonly Target[];
  readonly fenceGroup: number;
  /** Of architectures that have a queue and registers: submitted through the queue. */
  readonly queued?: boolean;
}

interface Observation extends SomeStep {
  readonly do: "observe";
  readonly submission: number;
}

interface PostedScript<Step> extends FollowedScript<Step> {
  readonly profile: Profile;
}

type Word = FollowedScript<unknown>["words"][number];

/** Where the scripts come from, what follows them, and what the specification says of draining. */
export interface PostedWritesSubject<Target, Step extends SomeStep, Script extends PostedScript<Step>> {
  /** Number of scripts that the tests are made with. */
  readonly scripts: number;
  /** Pages of memory that scripts use. */
  readonly pageCount: number;
  /** In so much of the scripts at least something is reached by a posted write only. */
  readonly posted: number;
  /** A script with translation enabled throughout. */
  scriptOf(random: Random, index: number): Script;
  /** The word, changed so that it is plain under which domain id the writes of a function are translated. */
  own<At extends Word>(at: At): At;
  /** An invalidation that takes away what requests could reach, though not always what writes under way do. */
  flush(random: Random, script: Script): Target;
  submission(random: Random, target: Target, fenceGroup: number): Step;
  runOf(script: Script): ScriptRun<Step, Script, WindowsOracle>;
  /** Which of the submissions, by number, drain. */
  drains(submission: number): boolean;
  /** What an invalidation that drains does. */
  drainsWrite(target: Target, requester: number, iova: number): boolean;
  machineAnswer(script: Script, pages: readonly number[]): Answer;
}

interface Found {
  /** Reaches now or by a posted write, and how many are by those only. */
  readonly all: Set<string>;
  readonly posted: number;
  /** Some step made something reachable that is not reachable now. */
  readonly lost: boolean;
}

function isSubmission<Target>(step: SomeStep): step is Submission<Target> {
  return step.do === "submit";
}

function isObservation(step: SomeStep): step is Observation {
  return step.do === "observe";
}

/** Every invalidation is a submission of its own, so that each can be seen complete alone. */
function oneByOne<Step extends SomeStep>(steps: readonly Step[]): Step[] {
  const numbers: number[][] = [];
  let count = 0;
  return steps.flatMap((step): Step[] => {
    if (isObservation(step)) return numbers[step.submission]!.map((submission) => ({ ...step, submission }));
    if (!isSubmission(step)) return [step];
    numbers.push(step.targets.map(() => count++));
    return step.targets.map((target) => ({ ...step, targets: [target] }));
  });
}

/** The submissions known to be done after all steps: seen, or ahead of a fence ahead of one that was seen. */
function doneSubmissions(steps: readonly SomeStep[]): Set<number> {
  const submissions = steps.filter(isSubmission);
  const seen = new Set(steps.filter(isObservation).map((step) => step.submission));
  const done = new Set(seen);
  submissions.forEach((one, number) => {
    for (const later of seen) {
      const other = submissions[later]!;
      const queued = one.queued !== false && other.queued !== false;
      if (later > number && queued && one.fenceGroup < other.fenceGroup) done.add(number);
    }
  });
  return done;
}

class PostedWritesTest<Target, Step extends SomeStep, Script extends PostedScript<Step>> {
  constructor(private readonly subject: PostedWritesSubject<Target, Step, Script>) {}

  scriptOf(index: number): Script {
    const { subject } = this;
    const random = new Random(SEED * 1000003 + index * 7919);
    const script = subject.scriptOf(random, index);
    const steps = oneByOne(script.steps.filter((step) => !step.do.endsWith("enabled")));
    return {
      ...script,
      functions: script.functions.slice(0, 2),
      words: script.words.map((one) => subject.own(one)),
      steps: [...steps, ...this.flushes(random, script, steps)].map((step) =>
        step.do === "store" ? subject.own(step as Step & Word) : step,
      ),
    };
  }

  private flushes(random: Random, script: Script, before: readonly Step[]): Step[] {
    const submissions = before.filter((step) => isSubmission(step));
    const fenceGroup = submissions.at(-1)?.fenceGroup ?? 0;
    const steps: SomeStep[] = [];
    for (let number = submissions.length, left = 1 + random.below(3); left > 0; number++, left--) {
      steps.push(this.subject.submission(random, this.subject.flush(random, script), fenceGroup));
      if (random.chance(85)) steps.push(observation(number));
    }
    return steps as Step[];
  }

  /** Every page that a write may still reach after all steps, translated at any moment since it would have been drained. */
  bruteForce(script: Script): Set<string> {
    const { subject } = this;
    const { steps } = script;
    const targets = steps.filter((step) => isSubmission<Target>(step)).map((step) => step.targets[0]!);
    const done = [...doneSubmissions(steps)].filter((one) => subject.drains(one));
    const found = new Set<string>();
    for (const page of script.pages) {
      for (const requester of script.functions) {
        const draining = done.filter((one) => subject.drainsWrite(targets[one]!, requester, page));
        for (let moment = 0; moment <= steps.length; moment++) {
          const before = steps.slice(0, moment);
          const submitted = before.filter(isSubmission).length;
          if (draining.some((one) => one >= submitted)) continue;
          const drained = draining.map(observation) as unknown as Step[];
          const answer = subject.machineAnswer({ ...script, steps: [...before, ...drained] }, [page]);
          for (const { effect } of answer({ requester, page, offset: 0, length: 4, type: "write" }))
            if (effect >= 0 && effect < subject.pageCount) found.add(`${requester} ${page} ${effect}`);
        }
      }
    }
    return found;
  }

  closedForm(script: Script): Found {
    const run = this.subject.runOf(script);
    run.start(script);
    const ever = new Set<string>();
    for (const step of script.steps) {
      for (const one of this.writesOf(run, script).all) ever.add(one);
      run.take(step);
    }
    const { all, now } = this.writesOf(run, script);
    return { all, posted: all.size - now.size, lost: [...ever].some((one) => !now.has(one)) };
  }

  private writesOf(
    { exposure }: ScriptRun<Step, Script, WindowsOracle>,
    script: Script,
  ): { all: Set<string>; now: Set<string> } {
    const all = new Set<string>();
    const now = new Set<string>();
    for (const { requester, iova, page, pages, access, way } of exposure.everything()) {
      if (access !== Right.write) continue;
      for (const one of script.pages) {
        const target = page + (one - iova);
        if (one < iova || one >= iova + pages || target >= this.subject.pageCount) continue;
        all.add(`${requester} ${one} ${target}`);
        if (way === "request") now.add(`${requester} ${one} ${target}`);
      }
    }
    return { all, now };
  }
}

function observation(submission: number): Observation {
  return { do: "observe", submission };
}

/** The tests, for the scripts of an architecture. */
export function describePostedWrites<Target, Step extends SomeStep, Script extends PostedScript<Step>>(
  name: string,
  subject: PostedWritesSubject<Target, Step, Script>,
): void {
  const { scripts } = subject;
  const test = new PostedWritesTest(subject);
  /** For campaigns that are larger than usual. */
  const timeout = 120_000 + scripts * 100;

  describe(name, () => {
    it("reach what they could when they were translated, until they are drained", { timeout }, () => {
      let posted = 0;
      let compared = 0;
      for (let index = 0; index < scripts; index++) {
        const script = test.scriptOf(index);
        const found = test.closedForm(script);
        // Without this most scripts would be about nothing.
        if (!found.lost) continue;
        compared++;
        if (found.posted > 0) posted++;
        const expected = test.bruteForce(script);
        const missing = [...expected].filter((one) => !found.all.has(one));
        const loose = [...found.all].filter((one) => !expected.has(one));
        if (missing.length + loose.length > 0)
          expect.fail(
            `${index}: missing ${missing}; loose ${loose}\n${JSON.stringify({ ...script, profile: script.profile.id })}`,
          );
      }
      expect(compared).toBeGreaterThan(scripts / 40);
      expect(posted / compared).toBeGreaterThanOrEqual(subject.posted);
    });
  });
}
