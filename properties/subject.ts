/** What a campaign is about: something that scenarios are run on and judged, be it an IOMMU or a driver. */
import { type GeneratorOptions, generateScenario } from "../generators/generate.js";
import type { IntentScenario } from "../generators/intents/scenario.js";
import type { PlatformScenario } from "../generators/platform/scenario.js";
import type { Scenario } from "../generators/scenario.js";
import { simplerScenarios } from "../generators/shrink.js";
import type { Iommu } from "../implementations/iommu/interface.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { Architecture } from "../model/architecture.js";
import { architectureOf, platformNamed } from "../model/architectures.js";
import type { Finding } from "../model/finding.js";
import type { TraceRecord } from "../model/isolation/events.js";
import type { Action, Observation, RequestType } from "../model/trace.js";

import { Judge, type JudgedRun, withoutAvoided } from "./judge.js";
import type { KnownDeviation } from "./known-deviation.js";

export type AnyScenario = Scenario | IntentScenario | PlatformScenario;

/** What came of a run. */
export interface Verdict {
  readonly findings: readonly Finding[];
  /** Why there is no verdict from some action on: the specification does not say what follows. */
  readonly unknown: string | null;
  /** What was under test died, hung or talked nonsense; there is no verdict at all. */
  readonly failure: string | null;
  /** Requests that were answered. */
  readonly requests: number;
  /** For each action the index of its step in the scenario; -1 for what precedes the first. */
  readonly stepOf: readonly number[];
  /** What was done, and what it showed; empty after a failure. */
  records(): readonly TraceRecord[];
  /** Tells every request that was made, and how it ended: a page number, or an `Effect`. */
  eachRequest(tell: RequestListener): void;
}

export type RequestListener = (type: RequestType, effect: number) => void;

/** Of a run that came to no verdict at all. */
export function noVerdict(why: Pick<Verdict, "unknown" | "failure">): Verdict {
  return { ...why, findings: [], requests: 0, stepOf: [], records: () => [], eachRequest: () => undefined };
}

export interface Subject<S extends AnyScenario> {
  readonly name: string;
  /** Its name beside others: an IOMMU may be under test once for each architecture. */
  readonly heading: string;
  readonly architecture: Architecture;
  /** Another `timing` of a scenario may show something else. */
  readonly drawsTiming: boolean;
  /** It is a faulty variant: whatever breaks an invariant is its one fault. */
  readonly hasOneFault?: boolean;
  /** The scenario of a seed, with `mostSteps` steps at most where that is given. */
  generate(seed: number, mostSteps?: number): S;
  /** Runs a scenario and judges it, getting past known deviations. */
  judge(scenario: S, steerAround: readonly KnownDeviation[]): Verdict;
  /**
   * Begins the same where it can go on outside this program meanwhile. What is returned judges it, in the order in which
   * scenarios were begun.
   */
  begin?(scenario: S, steerAround: readonly KnownDeviation[]): () => Verdict;
  /** The same with nothing left over from earlier runs. */
  judgeAfresh(scenario: S, steerAround: readonly KnownDeviation[]): Verdict;
  /** Scenarios with something taken away. */
  simpler(scenario: S): Iterable<S>;
  /** The scenario without the steps that known deviations are triggered by. */
  avoiding(scenario: S, steerAround: readonly KnownDeviation[]): S;
  /** How often each rule decided something so far, by rule id. */
  coverage(): ReadonlyMap<string, number>;
}

/** An IOMMU under test. */
export function iommuSubject(iommu: Iommu, generator: GeneratorOptions): Subject<Scenario> {
  const judge = new Judge();
  const architecture = architectureDrawn(generator);
  return {
    name: iommu.name,
    heading: `${iommu.name} (${architecture.name})`,
    architecture,
    drawsTiming: iommu.drawsTiming ?? false,
    hasOneFault: iommu instanceof ReferenceIommu,
    generate: (seed, mostSteps) => generateScenario(seed, withFewSteps(generator, mostSteps)),
    judge: (scenario, steerAround) => verdictOf(judge.judge(scenario, iommu, steerAround)),
    ...(iommu.submit && {
      begin: (scenario: Scenario, steerAround: readonly KnownDeviation[]) => {
        const judged = judge.begin(scenario, iommu, steerAround);
        return () => verdictOf(judged());
      },
    }),
    judgeAfresh: (scenario, steerAround) => verdictOf(new Judge().judge(scenario, iommu, steerAround)),
    simpler: simplerScenarios,
    avoiding: withoutAvoided,
    coverage: () => judge.coverage(),
  };
}

/** The options, for scenarios of a step at least and `mostSteps` at most where that is given. */
export function withFewSteps<Options extends { readonly fewestSteps: number; readonly mostSteps: number }>(
  options: Options,
  mostSteps: number | undefined,
): Options {
  return mostSteps === undefined ? options : { ...options, fewestSteps: 1, mostSteps };
}

/** What shrinking gives, on the platform of the scenario or another of those that are drawn from. */
export function withinProfiles<S extends AnyScenario>(
  simpler: (scenario: S) => Iterable<S>,
  { profiles }: { readonly profiles: readonly string[] },
): (scenario: S) => Iterable<S> {
  return function* (scenario) {
    for (const one of simpler(scenario))
      if (one.profile === scenario.profile || profiles.includes(one.profile)) yield one;
  };
}

/** The architecture that a generator draws platforms of. */
export function architectureDrawn({ profiles }: { readonly profiles: readonly string[] }): Architecture {
  return architectureOf(platformNamed(profiles[0]!));
}

/** What a verdict tells of a run that was recorded. */
export function recorded(records: readonly TraceRecord[]): Pick<Verdict, "records" | "eachRequest"> {
  return {
    records: () => records,
    eachRequest(tell) {
      for (const one of records)
        if ("action" in one && one.action.do === "request") tell(one.action.request.type, one.seen.low);
    },
  };
}

/** Actions with what they showed, as far as that is known. */
function recordsOf(actions: readonly Action[], seen: readonly Observation[]): TraceRecord[] {
  return actions.slice(0, seen.length).map((action, index) => ({ action, seen: seen[index]! }));
}

function verdictOf(judged: JudgedRun): Verdict {
  const { findings, unknown, failure, requests, run, seen } = judged;
  const { actions, stepOf } = run;
  return {
    findings,
    unknown,
    failure,
    requests,
    stepOf,
    records: () => recordsOf(actions, seen),
    // Where records are not there anyway, to make them for every run would take longer than to count.
    eachRequest(tell) {
      for (let index = 0; index < seen.length; index++) {
        const action = actions[index]!;
        if (action.do === "request") tell(action.request.type, seen[index]!.low);
      }
    },
  };
}
