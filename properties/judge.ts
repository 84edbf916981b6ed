/** Runs a scenario on an implementation and judges what was seen. */
import { type CompiledRun, compileScenario } from "../generators/compile.js";
import { dataPages } from "../generators/places.js";
import type { Scenario, Step } from "../generators/scenario.js";
import { ImplementationError, type Iommu } from "../implementations/iommu/interface.js";
import type { LandedWrite, Oracle } from "../model/architecture.js";
import { architectureOf } from "../model/architectures.js";
import { type Finding, OutsideModel, retold } from "../model/finding.js";
import { type Action, type Observation, pageTag, writeTag } from "../model/trace.js";
import { showAddress } from "../model/words/address.js";
import { PhysicalMemory } from "../model/words/memory.js";
import type { KnownDeviation } from "./known-deviation.js";

/** What came of a run. */
export interface JudgedRun {
  readonly run: CompiledRun;
  readonly findings: readonly Finding[];
  /** Why there is no verdict from some action on: the specification does not say what follows. */
  readonly unknown: string | null;
  /** The implementation died, hung or talked nonsense; there is no verdict at all. */
  readonly failure: string | null;
  /** Requests the implementation answered. */
  readonly requests: number;
  /** What the actions showed, known deviations put right; empty after a failure. */
  readonly seen: readonly Observation[];
}

/** How many types of requests there are. */
const REQUEST_TYPES = 4;

/** Is told of every action after it was judged, with the oracle as it is then. */
export interface RunWatcher {
  begin(run: CompiledRun, oracle: Oracle): void;
  after(action: Action, index: number): void;
}

/** Judges runs; keeps one oracle for each profile, whose coverage grows with every run. They share one memory. */
export class Judge {
  private readonly oracles = new Map<string, Oracle>();
  private readonly memory = new PhysicalMemory(0);

  constructor(private readonly watcher: RunWatcher | null = null) {}

  /** The oracle of a profile, as the last run left it; its memory is that of the last run of all. */
  oracleOf(run: CompiledRun): Oracle {
    const { profile } = run.setup;
    let oracle = this.oracles.get(profile.id);
    if (!oracle) {
      oracle = architectureOf(profile).createOracle(profile, this.memory);
      this.oracles.set(profile.id, oracle);
    }
    return oracle;
  }

  /** How often each rule decided something, over every profile, by rule id. */
  coverage(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { coverage } of this.oracles.values()) {
      for (const rule of coverage.rules)
        counts.set(rule.id, (counts.get(rule.id) ?? 0) + coverage.countOf(rule));
    }
    return counts;
  }

  /**
   * Executes a scenario on an implementation and judges it. An implementation that fails gives no verdict.
   * @param steerAround known deviations whose triggers are left out and whose observations are put right
   */
  judge(scenario: Scenario, iommu: Iommu, steerAround: readonly KnownDeviation[] = []): JudgedRun {
    const run = preparedRun(scenario, iommu, steerAround);
    return this.judgePrepared(run, iommu, steerAround, () => {
      iommu.reset(run.setup);
      return iommu.execute(run.actions);
    });
  }

  /**
   * Begins what {@link judge} does, so that an implementation outside this program can work on it meanwhile. What is
   * returned judges it; runs are judged in the order in which they were begun.
   */
  begin(scenario: Scenario, iommu: Iommu, steerAround: readonly KnownDeviation[] = []): () => JudgedRun {
    if (!iommu.submit) return () => this.judge(scenario, iommu, steerAround);
    const run = preparedRun(scenario, iommu, steerAround);
    iommu.submit(run.setup, run.actions);
    return () => this.judgePrepared(run, iommu, steerAround, () => iommu.collect!());
  }

  private judgePrepared(
    run: CompiledRun,
    iommu: Iommu,
    steerAround: readonly KnownDeviation[],
    observe: () => Observation[],
  ): JudgedRun {
    try {
      return this.judgeObserved(run, putRight(run, observe(), steerAround), iommu, steerAround);
    } catch (error) {
      if (!(error instanceof ImplementationError)) throw error;
      return {
        run,
        findings: [],
        unknown: null,
        failure: error.message,
        requests: 0,
        seen: [],
      };
    }
  }

  private judgeObserved(
    run: CompiledRun,
    observations: Observation[],
    iommu: Iommu,
    steerAround: readonly KnownDeviation[],
  ): JudgedRun {
    const oracle = this.oracleOf(run);
    oracle.relaxations = steerAround.filter((one) => one.relaxes);
    oracle.reset(run.setup);
    this.watcher?.begin(run, oracle);
    const { findings, unknown } = this.firstFinding(run, observations, oracle, iommu);
    iommu.clear?.(oracle.strays);
    let requests = 0;
    for (const action of run.actions) if (action.do === "request") requests++;
    const told = findings.map((one) => inSteps(one, run));
    return { run, findings: told, unknown, failure: null, requests, seen: observations };
  }

  /** The first thing that is wrong with a run; nothing after it can be relied on. */
  private firstFinding(
    run: CompiledRun,
    observations: Observation[],
    oracle: Oracle,
    iommu: Iommu,
  ): Pick<JudgedRun, "findings" | "unknown"> {
    let first: Finding | null = null;
    try {
      for (let index = 0; index < run.actions.length; index++) {
        const action = run.actions[index]!;
        const finding = oracle.perform(action, observations[index]!, index);
        first ??= finding;
        // Where memory outlives the run, the rest still tells where devices may have written.
        if (first && !iommu.clear) break;
        if (!first) this.watcher?.after(action, index);
      }
    } catch (error) {
      if (!(error instanceof OutsideModel)) throw error;
      return { findings: first ? [first] : [], unknown: first ? null : error.message };
    }
    if (!first) {
      oracle.finish();
      first = checkMemory(oracle, run, iommu);
    }
    return { findings: first ? [first] : [], unknown: null };
  }
}

/** A finding that speaks of the scenario's steps, as reports number them, in place of actions. */
export function inSteps(finding: Finding, run: Pick<CompiledRun, "stepOf">): Finding {
  const translate = (line: string) =>
    line.replaceAll(/action (\d+)/g, (_, action) => {
      const step = run.stepOf[Number(action)] ?? -1;
      return step < 0 ? "the preparation" : `step ${step + 1}`;
    });
  return retold(finding, translate);
}

/** The scenario without the steps that known deviations are triggered by. */
export function withoutAvoided(scenario: Scenario, steerAround: readonly KnownDeviation[]): Scenario {
  if (steerAround.length === 0) return scenario;
  const avoided = (step: Step) => steerAround.some((one) => one.avoidsStep?.(step, scenario));
  if (!scenario.steps.some(avoided)) return scenario;
  // Steps of a scenario stay steps of its architecture.
  return { ...scenario, steps: scenario.steps.filter((step) => !avoided(step)) } as Scenario;
}

function preparedRun(scenario: Scenario, iommu: Iommu, steerAround: readonly KnownDeviation[]): CompiledRun {
  return withoutUnsupported(compileScenario(withoutAvoided(scenario, steerAround)), iommu, steerAround);
}

/** Leaves out the requests that an implementation's devices cannot issue; leaves out or replaces what triggers known deviations. */
function withoutUnsupported(
  run: CompiledRun,
  iommu: Iommu,
  steerAround: readonly KnownDeviation[],
): CompiledRun {
  if (steerAround.length === 0 && iommu.requestTypes.size === REQUEST_TYPES) return run;
  const supported = (action: Action) =>
    (action.do !== "request" || iommu.requestTypes.has(action.request.type)) &&
    !steerAround.some((one) => one.avoidsAction?.(action, run.setup.profile));
  const replacing = steerAround.filter((one) => one.replacesAction);
  if (run.actions.every(supported) && replacing.length === 0) return run;
  const instead = (action: Action) => replacing.reduce((now, one) => one.replacesAction!(now) ?? now, action);
  const kept = run.actions
    .map((action, index) => ({ action, step: run.stepOf[index]! }))
    .filter((one) => supported(one.action));
  return { ...run, actions: kept.map((one) => instead(one.action)), stepOf: kept.map((one) => one.step) };
}

/** The observations with those of known deviations replaced by what should have been shown. */
function putRight(
  run: CompiledRun,
  seen: Observation[],
  steerAround: readonly KnownDeviation[],
): Observation[] {
  const repairing = steerAround.filter((one) => one.repairs);
  if (repairing.length === 0) return seen;
  return seen.map((observation, index) => {
    const action = run.actions[index]!;
    return repairing.reduce(
      (shown, one) => one.repairs!(action, shown, run.setup.profile) ?? shown,
      observation,
    );
  });
}

/** Holds the final contents of every data page to the writes that were seen to land. */
function checkMemory(oracle: Oracle, run: CompiledRun, iommu: Iommu): Finding | null {
  const offsets = new Set<number>();
  for (const action of run.actions) {
    if (action.do !== "request" || action.request.type === "read" || action.request.length === 0) continue;
    const { offset, length } = action.request;
    offsets.add(offset);
    if (length === 8) offsets.add(offset + 4);
  }
  for (const offset of offsets) {
    const touched = pagesTouched(oracle, offset);
    for (const page of dataPages) {
      const value = iommu.readData(page, offset);
      if (value === pageTag(page, offset) && !touched.includes(page)) continue;
      const finding = judgeContent(oracle, run, page, offset, value);
      if (finding) return finding;
    }
  }
  return null;
}

/** The write is to that offset of its page. */
function coversOffset({ request }: LandedWrite, offset: number): boolean {
  return offset >= request.offset && offset < request.offset + request.length;
}

/** The pages in which a device or software wrote there, with repetitions. */
function pagesTouched(oracle: Oracle, offset: number): readonly number[] {
  const pages: number[] = [];
  for (const one of oracle.writes) if (coversOffset(one, offset)) pages.push(one.page);
  for (const one of oracle.dataStores) if (one.word === offset >>> 3) pages.push(one.page);
  return pages;
}

function judgeContent(
  oracle: Oracle,
  run: CompiledRun,
  page: number,
  offset: number,
  value: number,
): Finding | null {
  const last = oracle.dataStores.findLast((one) => one.page === page && one.word === offset >>> 3);
  const stored = last ? (offset & 4 ? last.high : last.low) : pageTag(page, offset);
  const writes = oracle.writes.filter((one) => one.page === page && coversOffset(one, offset));
  if (writes.length === 0 && value === stored) return null;
  const later = last ? writes.filter((one) => one.step > last.step) : writes;
  const underWay = last
    ? writes.filter((one) => one.step < last.step && !oracle.isDrained(one, last.step))
    : [];
  const allowed = [...later, ...underWay].map((one) => one.tag);
  if (later.length === 0) allowed.push(stored);
  if (allowed.includes(value)) return null;
  const late = last && writes.find((one) => one.tag === value && one.step < last.step);
  const where = showAddress(page, offset);
  const source = run.actions.findIndex((one) => one.do === "request" && writeTag(one.slot) === value);
  const origin = source >= 0 ? `, which the request of action ${source} writes` : "";
  return {
    kind: late ? "late-write" : "memory",
    action: run.actions.length,
    rules: [oracle.drainRule],
    message: `${where} holds 0x${value.toString(16)}${origin}; admissible: ${allowed.map((one) => `0x${one.toString(16)}`).join(" or ")}`,
    witness: late
      ? [
          `the write of action ${late.action} landed after new content was stored by action ${last.step - 1}, although an invalidation that drains it was seen complete between them`,
        ]
      : [],
  };
}
