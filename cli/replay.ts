/** `replay`: one saved scenario on one implementation or driver, step by step, with what is wrong with it. */
import { defaultOptions } from "../generators/generate.js";
import { defaultIntentOptions } from "../generators/intents/generate.js";
import type { IntentScenario } from "../generators/intents/scenario.js";
import { defaultPlatformOptions } from "../generators/platform/generate.js";
import { ScenarioError } from "../generators/scenario.js";
import type { Architecture } from "../model/architecture.js";
import { architectureOf, platformNamed } from "../model/architectures.js";
import { loadScenario } from "../properties/counterexample.js";
import { blackBoxSubject, exposureSubject } from "../properties/driver-subject.js";
import { brokenBy } from "../properties/invariants.js";
import { platformSubject } from "../properties/platform/subject.js";
import { type AnyScenario, iommuSubject, type Subject } from "../properties/subject.js";
import { describeScenario, isForDriver, isForPlatform } from "../reports/steps.js";
import { MODEL } from "./campaign-name.js";
import { endProgram, type OpenedDriver, openDriverFor, openPlatformFor } from "./drivers.js";
import { ExitCode, UsageError } from "./errors.js";
import { type OpenedIommu, openNamed } from "./implementations.js";
import type { Options } from "./options.js";

/** Replays a file and returns the exit code: 1 when it breaks an invariant again. */
export async function replay(options: Options, print: (line: string) => void): Promise<ExitCode> {
  const [, file, ...more] = options.positionals;
  if (file === undefined || more.length > 0)
    throw new UsageError("replay takes one file: iommu-spec replay FILE [--on NAME] [--driver NAME]");
  if (options.on.length > 1) throw new UsageError("replay takes one --on");
  if (options.drivers.length > 1) throw new UsageError("replay takes one --driver");
  const { scenario, recorded } = load(file);
  if (!isForDriver(scenario) && !isForPlatform(scenario) && options.drivers.length > 0)
    throw new UsageError(`${file} is a scenario for IOMMUs: it asks nothing of a driver`);
  const architecture = architectureOf(platformNamed(scenario.profile));
  const opened: OpenedIommu[] = [];
  const open = (name: string) => {
    const implementation = openNamed(name, architecture, options);
    opened.push(implementation);
    return implementation;
  };
  try {
    // A counterexample of a known deviation was found with that one alone not steered around.
    const steeredAround = () =>
      recorded?.steered ? opened.flatMap((one) => one.known).filter((one) => one.id !== recorded.known) : [];
    if (isForDriver(scenario)) {
      const [recordedDriver, recordedPlace] = recorded?.implementation.split(" on ") ?? [];
      const name = options.drivers[0] ?? recordedDriver;
      const driver = await openDriverFor(architecture, name, options.timeoutMs);
      try {
        const subject = driverSubject(driver, architecture, options.on[0], recordedPlace, open);
        return show(subject, scenario, steeredAround(), file, options, print);
      } finally {
        endProgram(driver);
      }
    }
    if (isForPlatform(scenario)) {
      if (options.on.some((one) => one !== MODEL))
        throw new UsageError(`${file} is a scenario for a whole machine: it is judged on the model only`);
      const opened = await openPlatformFor(architecture, options.drivers[0] ?? recorded?.implementation);
      const subject = platformSubject(opened, defaultPlatformOptions(architecture.id));
      return show(subject, scenario, [], file, options, print);
    }
    const { iommu } = open(options.on[0] ?? implementationOf(recorded?.implementation));
    const subject = iommuSubject(iommu, {
      ...defaultOptions(architecture.id),
      profiles: [scenario.profile],
    });
    return show(subject, scenario, steeredAround(), file, options, print);
  } finally {
    for (const { iommu } of opened) iommu.close();
  }
}

/** A driver on what `--on` names, or else on what it was recorded on. */
function driverSubject(
  driver: OpenedDriver,
  architecture: Architecture,
  named: string | undefined,
  recorded: string | undefined,
  open: (name: string) => OpenedIommu,
): Subject<IntentScenario> {
  const place = named ?? (recorded === undefined ? MODEL : implementationOf(recorded));
  const generator = defaultIntentOptions(architecture.id);
  if (place === MODEL) return exposureSubject(driver, generator);
  return blackBoxSubject(driver, open(place).iommu, generator);
}

function show<S extends AnyScenario>(
  subject: Subject<S>,
  scenario: S,
  steerAround: OpenedIommu["known"],
  file: string,
  options: Options,
  print: (line: string) => void,
): ExitCode {
  const run = subject.judge(scenario, steerAround);
  const [finding] = run.findings;
  if (options.json) {
    const { unknown, failure } = run;
    print(JSON.stringify({ implementation: subject.name, file, finding: finding ?? null, unknown, failure }));
  } else {
    const { platform, steps } = describeScenario(subject.avoiding(scenario, steerAround));
    for (const line of platform) print(line);
    const broken = finding === undefined ? -1 : (run.stepOf[finding.action] ?? steps.length);
    steps.forEach((step, index) => {
      print(`${index === broken ? " >" : "  "} ${String(index + 1).padStart(3)}  ${step}`);
    });
  }
  const say = (line: string) => {
    if (!options.json) print(line);
  };
  if (run.failure) {
    say(`${subject.name} failed: ${run.failure}`);
    return ExitCode.unknown;
  }
  if (!finding) {
    say(
      `${subject.name} shows nothing inadmissible in this scenario${run.unknown ? ` (${run.unknown})` : ""}.`,
    );
    return run.unknown ? ExitCode.unknown : ExitCode.holds;
  }
  say(`${subject.name} breaks ${brokenBy(finding).join(", ")} (${finding.kind}): ${finding.message}`);
  for (const line of finding.witness) say(`  ${line}`);
  return ExitCode.violated;
}

/** @throws UsageError when the file cannot be used */
export function load(file: string): ReturnType<typeof loadScenario> {
  try {
    return loadScenario(file);
  } catch (error) {
    if (error instanceof ScenarioError) throw new UsageError(error.message);
    throw error;
  }
}

/**
 * The name `--on` takes for an implementation's own name.
 * @throws UsageError for a program: its name does not say how to start it
 */
function implementationOf(name: string | undefined): string {
  if (name === undefined || name === "reference") return "reference";
  if (name.startsWith("reference with ")) return `reference:${name.slice("reference with ".length)}`;
  if (name.toLowerCase().startsWith("qemu")) return "qemu";
  throw new UsageError(
    `it was found on ${name}: say what to replay it on by --on, such as --on "exec:COMMAND"`,
  );
}
