/** A driver under test: judged by exposure, or by hostile requests on an implementation that shows nothing else. */
import { generateIntentScenario, type IntentGeneratorOptions } from "../generators/intents/generate.js";
import type { IntentScenario } from "../generators/intents/scenario.js";
import { simplerIntentScenarios } from "../generators/intents/shrink.js";
import { dataPages } from "../generators/places.js";
import { builtInDrivers } from "../implementations/driver/built-in.js";
import type { DriverFactory } from "../implementations/driver/interface.js";
import { ImplementationError, type Iommu } from "../implementations/iommu/interface.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { SoftwareModel } from "../model/architecture.js";
import { architectureOf, platformNamed } from "../model/architectures.js";
import { type Finding, OutsideModel } from "../model/finding.js";
import type { TraceRecord } from "../model/isolation/events.js";
import { IsolationJudge } from "../model/isolation/judge.js";
import { type Observation, taggedPages } from "../model/trace.js";
import { COHERENT, PhysicalMemory } from "../model/words/memory.js";
import { BlackBoxJudge } from "./black-box.js";
import { type DriverRun, driveScenario, type RunObserver, setupOf } from "./driver-run.js";
import { invariants } from "./invariants.js";
import { inSteps } from "./judge.js";
import type { KnownDeviation } from "./known-deviation.js";
import {
  architectureDrawn,
  noVerdict,
  recorded,
  type Subject,
  type Verdict,
  withFewSteps,
  withinProfiles,
} from "./subject.js";

/** A driver with the name it is shown under. */
export interface NamedDriver {
  readonly name: string;
  readonly create: DriverFactory;
}

const dataPageSet: ReadonlySet<number> = new Set(dataPages);

/** Judges a driver by what any request could reach, over every cache that a conforming unit may have. */
export class ExposureBench {
  private readonly unit = new ReferenceIommu();
  private readonly models = new Map<string, SoftwareModel>();

  /** Runs one scenario; `watch` sees the judge before the first record. */
  run(scenario: IntentScenario, create: DriverFactory, watch?: (judge: IsolationJudge) => void): DriverRun {
    const software = this.modelOf(scenario.profile);
    software.reset(setupOf(scenario));
    const judge = new IsolationJudge(software);
    watch?.(judge);
    const observer: RunObserver = {
      memory: software.oracle.memory,
      hear: (event) => judge.hear(event),
      perform: (action, seen) => judge.perform(action, seen),
    };
    return driveScenario(scenario, create, this.unit, observer);
  }

  private modelOf(id: string): SoftwareModel {
    let model = this.models.get(id);
    if (!model) {
      const profile = platformNamed(id);
      model = architectureOf(profile).createSoftware(profile);
      this.models.set(id, model);
    }
    return model;
  }

  /** How often each rule decided something, over every profile. */
  coverage(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { oracle } of this.models.values()) {
      for (const rule of oracle.coverage.rules)
        counts.set(rule.id, (counts.get(rule.id) ?? 0) + oracle.coverage.countOf(rule));
    }
    return counts;
  }
}

/** Runs a driver and records what it does, without judging it. */
function record(
  scenario: IntentScenario,
  create: DriverFactory,
  unit: Iommu,
  memory: PhysicalMemory,
): DriverRun {
  memory.reset(COHERENT, taggedPages(dataPages));
  return driveScenario(scenario, create, unit, {
    memory,
    hear: () => null,
    perform: (action) => {
      if (action.do === "store") memory.store(action.page, action.word, action.low, action.high, 1);
      return null;
    },
  });
}

/** Judges a recorded run by what its requests were seen to do. */
function judgeBlackBox(
  run: DriverRun,
  seen: (index: number) => { low: number; high: number },
  unit: Iommu,
): Finding | null {
  const judge = new BlackBoxJudge(run.setup.start === "translating", run.programmed, dataPageSet);
  let index = 0;
  for (const one of run.records) {
    const finding = "event" in one ? judge.hear(one) : judge.perform(one.action, seen(index++));
    if (finding) return finding;
  }
  return judge.end((page, offset) => unit.readData(page, offset));
}

/**
 * A driver on the model at its most hostile: after every access, what any request could reach must have been granted.
 */
export function exposureSubject(
  driver: NamedDriver,
  generator: IntentGeneratorOptions,
): Subject<IntentScenario> {
  const bench = new ExposureBench();
  return {
    ...common(driver.name, `driver ${driver.name}`, generator),
    drawsTiming: false,
    hasOneFault: isVariant(driver.create),
    judge: (scenario) => exposureVerdict(bench, scenario, driver.create),
    judgeAfresh: (scenario) => exposureVerdict(new ExposureBench(), scenario, driver.create),
    coverage: () => bench.coverage(),
  };
}

function isVariant(create: DriverFactory): boolean {
  return builtInDrivers.some(({ variants }) => variants.some((one) => one.create === create));
}

function exposureVerdict(bench: ExposureBench, scenario: IntentScenario, create: DriverFactory): Verdict {
  try {
    return verdictOf(bench.run(scenario, create), null);
  } catch (error) {
    if (!(error instanceof OutsideModel)) throw error;
    return noVerdict({ unknown: error.message, failure: null });
  }
}

/**
 * A driver on an implementation that shows only what requests do. The driver runs on the reference; what it did is then
 * repeated on the implementation.
 */
export function blackBoxSubject(
  driver: NamedDriver,
  iommu: Iommu,
  generator: IntentGeneratorOptions,
): Subject<IntentScenario> {
  const memories = new Map<string, PhysicalMemory>();
  const reference = new ReferenceIommu();
  const judge = (scenario: IntentScenario, steerAround: readonly KnownDeviation[]): Verdict => {
    let memory = memories.get(scenario.profile);
    if (!memory) {
      memory = new PhysicalMemory(platformNamed(scenario.profile).memoryPages);
      memories.set(scenario.profile, memory);
    }
    if (iommu instanceof ReferenceIommu) {
      const run = record(scenario, driver.create, iommu, memory);
      const seen = run.records.flatMap((one) => ("event" in one ? [] : [one.seen]));
      return verdictOf(
        run,
        judgeBlackBox(run, (index) => seen[index]!, iommu),
      );
    }
    return repeat(record(scenario, driver.create, onlyWhat(iommu, reference), memory), iommu, steerAround);
  };
  return {
    ...common(`${driver.name} on ${iommu.name}`, `driver ${driver.name} on ${iommu.name}`, generator),
    drawsTiming: iommu.drawsTiming ?? false,
    judge,
    judgeAfresh: judge,
    coverage: () => new Map(),
  };
}

/** The reference, with only the kinds of requests that the devices of an implementation can make. */
function onlyWhat(iommu: Iommu, reference: ReferenceIommu): Iommu {
  return {
    name: reference.name,
    requestTypes: iommu.requestTypes,
    reset: (setup) => reference.reset(setup),
    execute: (actions) => reference.execute(actions),
    readData: (page, offset) => reference.readData(page, offset),
    close: () => undefined,
  };
}

function repeat(run: DriverRun, iommu: Iommu, steerAround: readonly KnownDeviation[]): Verdict {
  const actions = run.records.flatMap((one) => ("event" in one ? [] : [one.action]));
  try {
    iommu.reset(run.setup);
    const seen = iommu.execute(actions);
    const shown = (index: number) =>
      steerAround.reduce(
        (shown, one) => one.repairs?.(actions[index]!, shown, run.setup.profile) ?? shown,
        seen[index]!,
      );
    const verdict = verdictOf(run, judgeBlackBox(run, shown, iommu));
    iommu.clear?.(new Set());
    return { ...verdict, ...recorded(withSeen(run.records, shown)) };
  } catch (error) {
    if (!(error instanceof ImplementationError)) throw error;
    return noVerdict({ unknown: null, failure: error.message });
  }
}

/** Any other kind is of the hardware: where one comes up, nothing that follows says anything about the driver. */
const OF_DRIVERS: ReadonlySet<string> = new Set(
  invariants.filter((one) => one.of.includes("driver")).flatMap((one) => one.brokenBy),
);

function verdictOf(run: DriverRun, seen: Finding | null): Verdict {
  const finding = run.finding ?? seen;
  const { failure, requests, stepOf } = run;
  const told = recorded(run.records);
  if (finding && !OF_DRIVERS.has(finding.kind)) {
    const unknown = `the unit showed what the specification does not admit: ${finding.message}`;
    return { findings: [], unknown, failure, requests, stepOf, ...told };
  }
  const findings = finding ? [inSteps(finding, run)] : [];
  return { findings, unknown: null, failure, requests, stepOf, ...told };
}

/** The records with what was shown in place of what the driver saw when it ran. */
function withSeen(records: readonly TraceRecord[], shown: (index: number) => Observation): TraceRecord[] {
  let index = 0;
  return records.map((one) => ("event" in one ? one : { ...one, seen: shown(index++) }));
}

function common(name: string, heading: string, generator: IntentGeneratorOptions) {
  return {
    name,
    heading,
    architecture: architectureDrawn(generator),
    generate: (seed: number, mostSteps?: number) =>
      generateIntentScenario(seed, withFewSteps(generator, mostSteps)),
    simpler: withinProfiles(simplerIntentScenarios, generator),
    avoiding: (scenario: IntentScenario) => scenario,
  };
}
