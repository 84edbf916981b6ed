/** How soon a bug is found, and how small a counterexample shrinking makes of what was found first. */
import { type Bug, bugNamed } from "../../implementations/bugs.js";
import type { Finding } from "../../model/finding.js";
import { brokenBy } from "../invariants.js";
import { minimise } from "../minimise.js";
import type { AnyScenario, Subject } from "../subject.js";
import { subjectOf } from "./subject.js";

/** One search for one bug. */
export interface BugTask {
  readonly bug: string;
  /** Of the campaign: with the same seed the same scenarios are drawn. */
  readonly seed: number;
  /** Milliseconds after which no further scenario is drawn. */
  readonly milliseconds: number;
}

/** What came of a search. */
export interface BugSearch {
  /** Scenarios up to the first finding, or to the end of a search in vain. */
  readonly scenarios: number;
  /** Until then, generating and judging; without shrinking. */
  readonly seconds: number;
  /** Null for a search in vain. */
  readonly found: Shrunk | null;
}

export interface Shrunk {
  /** Steps of the smallest scenario that shrinking the first finding led to. */
  readonly steps: number;
  /** Scenarios run to shrink it, and how long that took. */
  readonly runs: number;
  readonly seconds: number;
  /** Ids of the invariants that it breaks. */
  readonly invariants: readonly string[];
}

interface Detection {
  readonly scenario: AnyScenario;
  readonly finding: Finding;
}

const subjects = new Map<string, Subject<AnyScenario>>();

/** Subjects are kept, for building units costs more than many runs; but only the last one, for they are large. */
function keptSubject(bug: Bug): Subject<AnyScenario> {
  const kept = subjects.get(bug.name);
  if (kept) return kept;
  subjects.clear();
  const subject = subjectOf(bug);
  subjects.set(bug.name, subject);
  return subject;
}

/** What a worker does with a task. */
export function run(task: BugTask): BugSearch {
  return searched(task, () => performance.now());
}

/** Searches for a bug and shrinks what is found first. `now` gives milliseconds. */
export function searched({ bug, seed, milliseconds }: BugTask, now: () => number): BugSearch {
  const subject = keptSubject(bugNamed(bug));
  const start = now();
  for (let index = 0; ; index++) {
    const detection = detect(subject, scenarioSeed(seed, index));
    const elapsed = now() - start;
    const effort = { scenarios: index + 1, seconds: elapsed / 1000 };
    if (detection) return { ...effort, found: shrunk(subject, detection, now) };
    if (elapsed > milliseconds) return { ...effort, found: null };
  }
}

/** Campaigns of different seeds draw different scenarios. */
function scenarioSeed(seed: number, index: number): number {
  return (Math.imul(seed, 0x85ebca6b) + index) >>> 0;
}

function detect(subject: Subject<AnyScenario>, seed: number): Detection | null {
  const scenario = subject.generate(seed);
  const finding = subject.judge(scenario, []).findings.find((one) => brokenBy(one).length > 0);
  return finding ? { scenario, finding } : null;
}

function shrunk(subject: Subject<AnyScenario>, { scenario, finding }: Detection, now: () => number): Shrunk {
  const start = now();
  const small = minimise(subject, scenario, finding);
  return {
    steps: small.scenario.steps.length,
    runs: small.runs,
    seconds: (now() - start) / 1000,
    invariants: brokenBy(small.finding),
  };
}
