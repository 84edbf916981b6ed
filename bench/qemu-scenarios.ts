/** Scenarios on QEMU as a campaign runs them; a job for worker threads. */
import { defaultOptions, type GeneratorOptions, generateScenario } from "../generators/generate.js";
import { openQemu, type QemuIommu, qemuProfilesOf } from "../implementations/iommu/qemu/index.js";
import { architectures } from "../model/architectures.js";
import type { ArchitectureId } from "../model/profile.js";
import { Judge, type JudgedRun } from "../properties/judge.js";
import type { KnownDeviation } from "../properties/known-deviation.js";
import { qemuDeviations } from "../properties/qemu-deviations.js";
import { sink } from "./measure.js";

/** Which QEMU, as a unit of which architecture. */
export interface QemuTask {
  readonly path: string;
  readonly architecture: ArchitectureId;
}

/** Scenarios that are begun before the first of them is judged. */
const AHEAD = 3;
/** As in campaigns: every so many scenarios one goes without steering around known deviations. */
const RAW_SHARE = 4;
const STEERING_WEIGHT = 4;
/** Long enough for every machine to be started and the engine to have compiled what matters. */
const WARM_UPS = 800;
const MILLISECONDS = 4000;
const AT_ONCE = 50;

/** A QEMU and a judge. */
export class QemuScenarios {
  private readonly iommu: QemuIommu;
  private readonly options: GeneratorOptions;
  private readonly known: readonly KnownDeviation[];
  private readonly judging = new Judge();

  constructor({ path, architecture }: QemuTask) {
    this.iommu = openQemu({ path });
    const { version } = this.iommu.qemu;
    const own = architectures.find((one) => one.id === architecture)!.profiles.map((one) => one.id);
    const profiles = qemuProfilesOf(version).filter((one) => own.includes(one));
    this.options = { ...defaultOptions(architecture), profiles, steeringWeight: STEERING_WEIGHT };
    this.known = qemuDeviations(version, architecture);
  }

  /** Generates, executes and judges the scenarios of so many seeds. */
  judge(first: number, count: number): void {
    const begun: (() => JudgedRun)[] = [];
    for (let seed = first; seed < first + count; seed++) {
      const steerAround = seed % RAW_SHARE === 0 ? [] : this.known;
      begun.push(this.judging.begin(generateScenario(seed, this.options), this.iommu, steerAround));
      if (begun.length > AHEAD) sink.value += begun.shift()!().requests;
    }
    for (const finish of begun) sink.value += finish().requests;
  }

  /** Ends QEMU. */
  close(): void {
    this.iommu.close();
  }
}

/** Scenarios per second of one process, once it is warm. */
export function run(task: QemuTask): number {
  const scenarios = new QemuScenarios(task);
  try {
    scenarios.judge(0, WARM_UPS);
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < MILLISECONDS) {
      scenarios.judge(WARM_UPS + count, AT_ONCE);
      count += AT_ONCE;
    }
    return (1000 * count) / (performance.now() - start);
  } finally {
    scenarios.close();
  }
}
