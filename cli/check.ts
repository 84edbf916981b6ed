/** `check`: the invariants against one or more implementations, or drivers. */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { defaultOptions } from "../generators/generate.js";
import { defaultIntentOptions } from "../generators/intents/generate.js";
import { profileNamed, profiles } from "../model/vtd/profiles.js";
import { type CampaignResult, type DistinctFinding, runCampaign } from "../properties/campaign.js";
import { blackBoxSubject, exposureSubject, type NamedDriver } from "../properties/driver-subject.js";
import { type Invariant, invariantNamed, invariants, type Judged } from "../properties/invariants.js";
import type { KnownDeviation } from "../properties/known-deviation.js";
import { type AnyScenario, iommuSubject, type Subject } from "../properties/subject.js";
import { resultsAsJson } from "../reports/json.js";
import {
  counterexample,
  coverageLines,
  knownLines,
  meaning,
  summary,
  verdictOf,
  verdictTable,
} from "../reports/terminal.js";
import { openDriver } from "./drivers.js";
import { ExitCode, UsageError } from "./errors.js";
import { type OpenedIommu, openNamed, qemuAvailable } from "./implementations.js";
import type { Options } from "./options.js";
import { Progress } from "./progress.js";

/** Without `--time` and `--runs` each implementation gets this long. */
const DEFAULT_MILLISECONDS = 20_000;
/** What drivers are judged on unless `--on` says otherwise: everything that a conforming unit may do. */
export const MODEL = "model";

/** One campaign to be run. */
interface Planned {
  readonly subject: Subject<AnyScenario>;
  readonly known: readonly KnownDeviation[];
  readonly of: Judged;
  /** Options that have `replay` run a counterexample on the same thing. */
  readonly replayOptions: string;
}

/** Runs the campaigns, prints what they found, and returns the exit code. */
export async function check(options: Options, print: (line: string) => void): Promise<ExitCode> {
  const [, surplus] = options.positionals;
  if (surplus !== undefined)
    throw new UsageError(`check takes options only, not "${surplus}"; did you mean --on ${surplus}?`);
  const seed = options.seed ?? randomInt(2 ** 31);
  const chosen = chosenInvariants(options.properties);
  const opened: OpenedIommu[] = [];
  const open = (name: string): OpenedIommu => {
    const implementation = openNamed(name, options.qemu);
    opened.push(implementation);
    return implementation;
  };
  try {
    const planned =
      options.drivers.length > 0 ? await planDrivers(options, open) : planIommus(options, print, open);
    const results = planned.map((one) => campaign(one, options, seed, chosen));
    if (options.json) print(resultsAsJson(results));
    else for (const line of report(results, planned, options)) print(line);
    return exitCodeOf(results);
  } finally {
    for (const one of opened) one.iommu.close();
  }
}

function chosenInvariants(names: readonly string[]): readonly Invariant[] {
  if (names.length === 0) return invariants;
  try {
    return names.map(invariantNamed);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function planIommus(
  options: Options,
  print: (line: string) => void,
  open: (name: string) => OpenedIommu,
): Planned[] {
  return chosenImplementations(options, print).map((name) => {
    const implementation = open(name);
    const { iommu, known, steeringWeight } = implementation;
    const generator = {
      ...defaultOptions,
      profiles: chosenProfiles(implementation, options.profiles),
      steeringWeight,
    };
    return { subject: iommuSubject(iommu, generator), known, of: "iommu", replayOptions: `--on ${name}` };
  });
}

/** Without `--on`: the reference, and QEMU when one is installed. */
function chosenImplementations(options: Options, print: (line: string) => void): readonly string[] {
  if (options.on.length > 0) return options.on;
  if (options.qemu !== undefined) return ["reference", "qemu"];
  const { available, reason } = qemuAvailable(options.qemu);
  if (available) return ["reference", "qemu"];
  if (!options.json) print(`QEMU is left out: ${reason}`);
  return ["reference"];
}

async function planDrivers(options: Options, open: (name: string) => OpenedIommu): Promise<Planned[]> {
  const drivers = await Promise.all(options.drivers.map(openDriver));
  const places = options.on.length > 0 ? options.on : [MODEL];
  return drivers.flatMap((driver) => places.map((place) => planDriver(driver, place, options, open)));
}

function planDriver(
  driver: NamedDriver,
  place: string,
  options: Options,
  open: (name: string) => OpenedIommu,
): Planned {
  const replayOptions = `--driver ${driver.name} --on ${place}`;
  if (place === MODEL) {
    const taken = chosenProfiles({ name: MODEL, profiles: profiles.map((one) => one.id) }, options.profiles);
    const subject = exposureSubject(driver, { ...defaultIntentOptions, profiles: taken });
    return { subject, known: [], of: "driver", replayOptions };
  }
  const implementation = open(place);
  const taken = chosenProfiles(implementation, options.profiles);
  const generator = { ...defaultIntentOptions, ...implementation.intents, profiles: taken };
  const subject = blackBoxSubject(driver, implementation.iommu, generator);
  return { subject, known: implementation.known, of: "requests", replayOptions };
}

function campaign(
  planned: Planned,
  options: Options,
  seed: number,
  chosen: readonly Invariant[],
): CampaignResult {
  const { subject, known } = planned;
  const judged = chosen.filter((one) => one.of.includes(planned.of));
  if (judged.length === 0)
    throw new UsageError(`${chosen.map((one) => one.id).join(", ")} cannot be judged of ${subject.name}`);
  const runs = options.runs ?? Number.POSITIVE_INFINITY;
  const unlimited = options.runs !== undefined ? Number.POSITIVE_INFINITY : DEFAULT_MILLISECONDS;
  const milliseconds = options.milliseconds ?? unlimited;
  const progress = new Progress(subject.name, runs, milliseconds);
  const result = runCampaign({
    subject,
    seed,
    runs,
    milliseconds,
    invariants: judged,
    known,
    folder: join("out", subject.name.replaceAll(/[^a-z0-9.-]+/gi, "-")),
    progress: (state) => progress.show(state),
  });
  progress.done();
  return result;
}

function chosenProfiles(
  takes: { readonly profiles: readonly string[] } & (
    | { readonly iommu: { readonly name: string } }
    | { readonly name: string }
  ),
  wanted: readonly string[],
): readonly string[] {
  if (wanted.length === 0) return takes.profiles;
  const name = "iommu" in takes ? takes.iommu.name : takes.name;
  for (const id of wanted) {
    try {
      profileNamed(id);
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
    if (!takes.profiles.includes(id)) {
      throw new UsageError(`${name} cannot be set up as "${id}"; it takes ${takes.profiles.join(", ")}`);
    }
  }
  return wanted;
}

function report(results: readonly CampaignResult[], planned: readonly Planned[], options: Options): string[] {
  const lines: string[] = [];
  results.forEach((result, index) => {
    const { known, replayOptions } = planned[index]!;
    const qemu = options.qemu === undefined ? "" : ` --qemu ${options.qemu}`;
    const replay = (found: DistinctFinding) => `npx iommu-spec replay ${found.file} ${replayOptions}${qemu}`;
    for (const found of result.findings.filter((one) => one.known === null)) {
      lines.push(`${result.implementation}: ${counterexample(found, replay(found)).join("\n")}`, "");
    }
    const met = result.findings.filter((one) => one.known !== null);
    if (met.length > 0) lines.push(`${result.implementation}: known deviations that were met`, "");
    for (const found of met) {
      const deviation = known.find((one) => one.id === found.known)!;
      lines.push(...knownLines(found, deviation, replay(found)), "");
    }
  });
  lines.push(
    ...results.flatMap(summary),
    ...coverageLines(results),
    "",
    ...verdictTable(results),
    "",
    meaning(results),
  );
  return lines;
}

function exitCodeOf(results: readonly CampaignResult[]): ExitCode {
  const verdicts = results.flatMap((result) => result.invariants.map((one) => verdictOf(result, one.id)));
  if (verdicts.includes("violated")) return ExitCode.violated;
  return verdicts.includes("unknown") ? ExitCode.unknown : ExitCode.holds;
}
