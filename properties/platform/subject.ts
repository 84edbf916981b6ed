/** Platform software under test, judged by what any request could reach through any unit, at every moment from reset on. */
import {
  generatePlatformScenario,
  type PlatformGeneratorOptions,
} from "../../generators/platform/generate.js";
import type { PlatformScenario } from "../../generators/platform/scenario.js";
import { simplerPlatformScenarios } from "../../generators/platform/shrink.js";
import { platformSoftware } from "../../implementations/driver/platform/built-in.js";
import type { PlatformSoftware } from "../../implementations/driver/platform/interface.js";
import type { SoftwareModel } from "../../model/architecture.js";
import { architectureOf, platformNamed } from "../../model/architectures.js";
import { OutsideModel } from "../../model/finding.js";
import { IsolationJudge } from "../../model/isolation/judge.js";
import { invariants } from "../invariants.js";
import { inSteps } from "../judge.js";
import {
  architectureDrawn,
  noVerdict,
  recorded,
  type Subject,
  type Verdict,
  withFewSteps,
  withinProfiles,
} from "../subject.js";
import { PlatformHardware } from "./hardware.js";
import { PlatformModel } from "./model.js";
import { drivePlatform, type PlatformRun } from "./run.js";
import { platformRequesters, unitSetups } from "./units.js";

/** Platform software with the name it is shown under. */
export interface NamedPlatformSoftware {
  readonly name: string;
  readonly software: PlatformSoftware;
}

/** Units and models that are kept from run to run. */
export class PlatformExposureBench {
  private readonly hardware = new PlatformHardware();
  private readonly model = new PlatformModel();
  private readonly models = new Map<string, SoftwareModel[]>();

  /** Runs one scenario; `watch` sees the judge before the first record. */
  run(
    scenario: PlatformScenario,
    software: PlatformSoftware,
    watch?: (judge: IsolationJudge) => void,
  ): PlatformRun {
    const { hardware, model } = this;
    const setups = unitSetups(scenario);
    hardware.resetUnits(setups);
    const models = this.modelsOf(scenario.profile, setups.length);
    model.reset(models, setups, platformRequesters(scenario.platform).unitOf);
    const judge = new IsolationJudge(model);
    watch?.(judge);
    return drivePlatform(scenario, software, { hardware, model, judge });
  }

  private modelsOf(id: string, count: number): readonly SoftwareModel[] {
    let models = this.models.get(id);
    if (!models) {
      models = [];
      this.models.set(id, models);
    }
    const profile = platformNamed(id);
    while (models.length < count) models.push(architectureOf(profile).createSoftware(profile));
    return models.slice(0, count);
  }

  /** How often each rule decided something, over every profile and unit. */
  coverage(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { oracle } of [...this.models.values()].flat())
      for (const rule of oracle.coverage.rules)
        counts.set(rule.id, (counts.get(rule.id) ?? 0) + oracle.coverage.countOf(rule));
    return counts;
  }
}

/** Runs a scenario on platform software, with nothing left over from other runs. */
export function runPlatformScenario(scenario: PlatformScenario, software: PlatformSoftware): PlatformRun {
  return new PlatformExposureBench().run(scenario, software);
}

/** Platform software on the model at its most hostile. */
export function platformSubject(
  { name, software }: NamedPlatformSoftware,
  generator: PlatformGeneratorOptions,
): Subject<PlatformScenario> {
  const bench = new PlatformExposureBench();
  return {
    name,
    heading: `driver ${name}`,
    architecture: architectureDrawn(generator),
    drawsTiming: false,
    hasOneFault: isVariant(software),
    generate: (seed, mostSteps) => generatePlatformScenario(seed, withFewSteps(generator, mostSteps)),
    judge: (scenario) => verdictOn(bench, scenario, software),
    judgeAfresh: (scenario) => verdictOn(new PlatformExposureBench(), scenario, software),
    simpler: withinProfiles(simplerPlatformScenarios, generator),
    avoiding: (scenario) => scenario,
    coverage: () => bench.coverage(),
  };
}

function isVariant(software: PlatformSoftware): boolean {
  return platformSoftware.some(({ variants }) => variants.some((one) => one.software === software));
}

/** Any other kind is of the hardware: where one comes up, nothing that follows says anything about the software. */
const OF_PLATFORMS: ReadonlySet<string> = new Set(
  invariants.filter((one) => one.of.includes("platform")).flatMap((one) => one.brokenBy),
);

function verdictOn(
  bench: PlatformExposureBench,
  scenario: PlatformScenario,
  software: PlatformSoftware,
): Verdict {
  try {
    const run = bench.run(scenario, software);
    const { finding, failure, requests, stepOf } = run;
    const told = recorded(run.records);
    if (finding && !OF_PLATFORMS.has(finding.kind)) {
      const unknown = `a unit showed what the specification does not admit: ${finding.message}`;
      return { findings: [], unknown, failure, requests, stepOf, ...told };
    }
    const findings = finding ? [inSteps(finding, run)] : [];
    return { findings, unknown: null, failure, requests, stepOf, ...told };
  } catch (error) {
    if (!(error instanceof OutsideModel)) throw error;
    return noVerdict({ unknown: error.message, failure: null });
  }
}
