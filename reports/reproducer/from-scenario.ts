/** From a saved counterexample to its reproducer: the scenario is run once more on the QEMU that the file is for. */
import { defaultOptions } from "../../generators/generate.js";
import { defaultIntentOptions } from "../../generators/intents/generate.js";
import type { IntentScenario } from "../../generators/intents/scenario.js";
import type { Scenario } from "../../generators/scenario.js";
import type { QemuIommu } from "../../implementations/iommu/qemu/index.js";
import { architectureOf, platformNamed } from "../../model/architectures.js";
import type { CounterexampleFile } from "../../properties/counterexample.js";
import { blackBoxSubject, type NamedDriver } from "../../properties/driver-subject.js";
import type { KnownDeviation } from "../../properties/known-deviation.js";
import { qemuDeviations } from "../../properties/qemu-deviations.js";
import { type AnyScenario, iommuSubject, type Subject } from "../../properties/subject.js";
import { describeScenario, isForDriver } from "../steps.js";
import { type Statement, statementOf, statementOfDriver } from "./about-finding.js";
import { RecordingIommu } from "./recording.js";
import { type Counterexample, type Reproducer, reproducerOf } from "./reproducer.js";

/** A counterexample, or a bare scenario with nothing recorded. */
export interface Saved<S extends AnyScenario> {
  readonly scenario: S;
  readonly recorded: CounterexampleFile | null;
}

/**
 * The reproducer of what an IOMMU of QEMU's does; null when it does nothing inadmissible.
 * @throws ReproducerError when it does not show by qtest commands alone
 */
export function iommuReproducer(
  { scenario, recorded }: Saved<Scenario>,
  iommu: QemuIommu,
): Reproducer | null {
  const architecture = architectureOf(platformNamed(scenario.profile));
  const deviations = qemuDeviations(iommu.qemu.version, architecture.id);
  const steerAround = recorded?.steered ? deviations.filter((one) => one.id !== recorded.known) : [];
  const recording = new RecordingIommu(iommu);
  const generator = { ...defaultOptions(architecture.id), profiles: [scenario.profile] };
  const made = remade(iommuSubject(recording, generator), scenario, recording, iommu, steerAround);
  if (made === null) return null;
  const known = deviations.find((one) =>
    made.finding === null ? one.fatal && isTriggered(one, scenario) : one.id === recorded?.known,
  );
  const statement = statementOf(made.finding, known, architecture);
  return described(made, statement, known?.id ?? null, `QEMU's ${architecture.name}`);
}

/**
 * The reproducer of what a driver lets devices do on QEMU; null when that is nothing wrong.
 * @throws ReproducerError when it does not show by qtest commands alone
 */
export function driverReproducer(
  { scenario }: Saved<IntentScenario>,
  driver: NamedDriver,
  iommu: QemuIommu,
): Reproducer | null {
  const architecture = architectureOf(platformNamed(scenario.profile));
  const recording = new RecordingIommu(iommu);
  const subject = blackBoxSubject(driver, recording, defaultIntentOptions(architecture.id));
  const made = remade(subject, scenario, recording, iommu, []);
  if (made === null) return null;
  const { finding } = made;
  const statement =
    finding === null ? statementOf(null, undefined, architecture) : statementOfDriver(finding, driver.name);
  return described(made, statement, null, `A driver on QEMU's ${architecture.name}`);
}

/** A run that was made again, and how to tell of it. */
type Made = Counterexample & { readonly platform: readonly string[]; readonly told: string };

function remade<S extends Scenario | IntentScenario>(
  subject: Subject<S>,
  scenario: S,
  recording: RecordingIommu,
  iommu: QemuIommu,
  steerAround: readonly KnownDeviation[],
): Made | null {
  const { findings, failure, stepOf } = subject.judge(scenario, steerAround);
  const finding = findings[0] ?? null;
  const ofDriver = isForDriver(scenario);
  const run = recording.last;
  if (run === null || (finding === null && run.observations !== null)) return null;
  const { platform, steps } = describeScenario(subject.avoiding(scenario, steerAround));
  const told = finding?.message ?? failure!.split("\n")[0]!;
  const { qemu } = iommu;
  return { run, stepOf, steps, finding, ofDriver, steerAround, iommu, qemu, platform, told };
}

function described(made: Made, statement: Statement, known: string | null, subject: string): Reproducer {
  const { platform, steps, told, qemu } = made;
  return reproducerOf(made, {
    ...statement,
    version: qemu.version,
    subject,
    platform,
    steps,
    finding: told,
    known,
  });
}

function isTriggered(deviation: KnownDeviation, scenario: Scenario): boolean {
  return scenario.steps.some((step) => deviation.avoidsStep?.(step, scenario));
}
