/** Judging software: what it costs beside following the unit alone, and what asking for the whole exposure costs. */
import { defaultIntentOptions, generateIntentScenario } from "../generators/intents/generate.js";
import type { IntentScenario } from "../generators/intents/scenario.js";
import { vtdDriver } from "../implementations/driver/vtd/index.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { TraceRecord } from "../model/isolation/events.js";
import { IsolationJudge } from "../model/isolation/judge.js";
import type { RunStart } from "../model/run-start.js";
import { VtdOracle } from "../model/vtd/oracle.js";
import { profileNamed } from "../model/vtd/profiles.js";
import { VtdSoftware } from "../model/vtd/software.js";
import { type WalkPlatform, walkPlatformOf } from "../model/vtd/walk.js";
import { driveScenario, setupOf } from "../properties/driver-run.js";
import { nanosecondsOf, sink } from "./measure.js";

const INTENTS = 50;
/** Runs that are gone through in a circle. */
const PREPARED = 64;
const FEWEST_ACTIONS = 300;
const MOST_ACTIONS = 600;

const options = { ...defaultIntentOptions, fewestSteps: INTENTS, mostSteps: INTENTS, requests: false };

/** What the correct driver did in a scenario. */
interface Run {
  readonly platform: WalkPlatform;
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

export function judgingTimes(): JudgingTimes {
  const runs = preparedRuns();
  const models = new Map<WalkPlatform, VtdSoftware>();
  const oracles = new Map<WalkPlatform, VtdOracle>();
  for (const { platform } of runs) {
    if (models.has(platform)) continue;
    models.set(platform, new VtdSoftware(platform));
    oracles.set(platform, new VtdOracle(platform));
  }
  let next = 0;
  const overRuns = (work: (run: Run) => number) =>
    nanosecondsOf((count) => {
      for (let each = 0; each < count; each++) sink.value += work(runs[next++ % runs.length]!);
    });
  const oracle = overRuns((run) => follow(run, oracles.get(run.platform)!));
  const withJudge = overRuns((run) => judge(run, models.get(run.platform)!, false));
  spentOnWithdrawals = 0;
  for (const run of runs) judge(run, models.get(run.platform)!, false);
  const withdraw = (spentOnWithdrawals * 1e6) / runs.length;
  const survey = overRuns((run) => judge(run, models.get(run.platform)!, true));
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

function preparedRuns(): Run[] {
  const unit = new ReferenceIommu();
  const platforms = new Map<string, WalkPlatform>();
  const runs: Run[] = [];
  for (let seed = 0; runs.length < PREPARED; seed++) {
    const scenario = generateIntentScenario(seed, options);
    let platform = platforms.get(scenario.profile);
    if (!platform) {
      platform = walkPlatformOf(profileNamed(scenario.profile));
      platforms.set(scenario.profile, platform);
    }
    const run = made(scenario, platform, unit);
    if (run.actions >= FEWEST_ACTIONS && run.actions <= MOST_ACTIONS) runs.push(run);
  }
  return runs;
}

function made(scenario: IntentScenario, platform: WalkPlatform, unit: ReferenceIommu): Run {
  const oracle = new VtdOracle(platform);
  const setup = setupOf(scenario);
  oracle.reset(setup);
  let actions = 0;
  const { records } = driveScenario(scenario, vtdDriver, unit, {
    memory: oracle.memory,
    hear: () => null,
    perform: (action, seen) => oracle.perform(action, seen, actions++),
  });
  return { platform, setup, records, actions };
}

function follow({ setup, records }: Run, oracle: VtdOracle): number {
  oracle.reset(setup);
  let index = 0;
  for (const one of records) if (!("event" in one)) oracle.perform(one.action, one.seen, index++);
  return index;
}

function judge({ setup, records }: Run, model: VtdSoftware, surveys: boolean): number {
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
