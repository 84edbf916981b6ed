/** Judging software: what it costs beside following the unit alone, and what asking for the whole exposure costs. */
import { defaultIntentOptions, generateIntentScenario } from "../generators/intents/generate.js";
import type { IntentScenario } from "../generators/intents/scenario.js";
import { builtInDriverOf } from "../implementations/driver/built-in.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { Oracle, SoftwareModel } from "../model/architecture.js";
import { architectureOf, platformNamed } from "../model/architectures.js";
import type { TraceRecord } from "../model/isolation/events.js";
import { IsolationJudge } from "../model/isolation/judge.js";
import type { ArchitectureId, Profile } from "../model/profile.js";
import type { RunStart } from "../model/run-start.js";
import { driveScenario, setupOf } from "../properties/driver-run.js";
import { nanosecondsOf, sink } from "./measure.js";

const INTENTS = 50;
/** Runs that are gone through in a circle. */
const PREPARED = 64;
const FEWEST_ACTIONS = 300;
const MOST_ACTIONS = 600;

/** What the correct driver did in a scenario. */
interface Run {
  readonly profile: Profile;
  readonly setup: RunStart;
  readonly records: readonly TraceRecord[];
  readonly actions: number;
}

/** Nanoseconds for one run of fifty intents, and how many actions and withdrawals it has on average. */
export interface JudgingTimes {
  readonly actions: number;
  readonly withdrawals: number;
  /** Following the unit, without a judge. */
  readonly oracle: number;
  readonly judge: number;
  /** The events in which rights are withdrawn, as a part of {@link judge}. */
  readonly withdraw: number;
  /** The judge, with the whole exposure after every action. */
  readonly survey: number;
}

export function judgingTimes(architecture: ArchitectureId): JudgingTimes {
  const runs = preparedRuns(architecture);
  const models = new Map<Profile, SoftwareModel>();
  const oracles = new Map<Profile, Oracle>();
  for (const { profile } of runs) {
    if (models.has(profile)) continue;
    models.set(profile, architectureOf(profile).createSoftware(profile));
    oracles.set(profile, architectureOf(profile).createOracle(profile));
  }
  let next = 0;
  const overRuns = (work: (run: Run) => number) =>
    nanosecondsOf((count) => {
      for (let each = 0; each < count; each++) sink.value += work(runs[next++ % runs.length]!);
    });
  const oracle = overRuns((run) => follow(run, oracles.get(run.profile)!));
  const withJudge = overRuns((run) => judge(run, models.get(run.profile)!, false));
  spentOnWithdrawals = 0;
  for (const run of runs) judge(run, models.get(run.profile)!, false);
  const withdraw = (spentOnWithdrawals * 1e6) / runs.length;
  const survey = overRuns((run) => judge(run, models.get(run.profile)!, true));
  const mean = (of: (run: Run) => number) => runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  return {
    actions: mean((run) => run.actions),
    withdrawals: mean((run) => run.records.filter(isWithdrawal).length),
    oracle,
    judge: withJudge,
    withdraw,
    survey,
  };
}

/** Milliseconds, since it was set to zero. */
let spentOnWithdrawals = 0;

const isWithdrawal = (one: TraceRecord) => "event" in one && one.event === "withdraw";

function preparedRuns(architecture: ArchitectureId): Run[] {
  const defaults = defaultIntentOptions(architecture);
  const options = { ...defaults, fewestSteps: INTENTS, mostSteps: INTENTS, requests: false };
  const unit = new ReferenceIommu();
  const runs: Run[] = [];
  for (let seed = 0; runs.length < PREPARED; seed++) {
    const run = made(generateIntentScenario(seed, options), unit);
    if (run.actions >= FEWEST_ACTIONS && run.actions <= MOST_ACTIONS) runs.push(run);
  }
  return runs;
}

function made(scenario: IntentScenario, unit: ReferenceIommu): Run {
  const profile = platformNamed(scenario.profile);
  const oracle = architectureOf(profile).createOracle(profile);
  const setup = setupOf(scenario);
  oracle.reset(setup);
  let actions = 0;
  const { records } = driveScenario(scenario, builtInDriverOf(scenario.architecture).create, unit, {
    memory: oracle.memory,
    hear: () => null,
    perform: (action, seen) => oracle.perform(action, seen, actions++),
  });
  return { profile, setup, records, actions };
}

function follow({ setup, records }: Run, oracle: Oracle): number {
  oracle.reset(setup);
  let index = 0;
  for (const one of records) if (!("event" in one)) oracle.perform(one.action, one.seen, index++);
  return index;
}

function judge({ setup, records }: Run, model: SoftwareModel, surveys: boolean): number {
  model.reset(setup);
  const judge = new IsolationJudge(model);
  let seen = 0;
  for (const one of records) {
    const start = isWithdrawal(one) ? performance.now() : 0;
    if (judge.take(one)) throw new Error("the correct driver was found to be wrong");
    if (start > 0) spentOnWithdrawals += performance.now() - start;
    if (surveys && !("event" in one)) seen += model.exposure().length;
  }
  return seen;
}
