/** `check`: the invariants against one or more implementations. */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { defaultOptions } from "../generators/generate.js";
import { profileNamed } from "../model/vtd/profiles.js";
import { type CampaignResult, type DistinctFinding, runCampaign } from "../properties/campaign.js";
import { type Invariant, invariantNamed, invariants } from "../properties/invariants.js";
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
import { ExitCode, UsageError } from "./errors.js";
import { type OpenedIommu, openNamed, qemuAvailable } from "./implementations.js";
import type { Options } from "./options.js";
import { Progress } from "./progress.js";

/** Without `--time` and `--runs` each implementation gets this long. */
const DEFAULT_MILLISECONDS = 20_000;

/** Runs the campaigns, prints what they found, and returns the exit code. */
export function check(options: Options, print: (line: string) => void): ExitCode {
  const [, surplus] = options.positionals;
  if (surplus !== undefined)
    throw new UsageError(`check takes options only, not "${surplus}"; did you mean --on ${surplus}?`);
  const seed = options.seed ?? randomInt(2 ** 31);
  const chosen = chosenInvariants(options.properties);
  const names = chosenImplementations(options, print);
  const results: CampaignResult[] = [];
  const opened: OpenedIommu[] = [];
  try {
    for (const name of names) {
      const implementation = openNamed(name, options.qemu);
      opened.push(implementation);
      results.push(campaign(implementation, options, seed, chosen));
    }
  } finally {
    for (const one of opened) one.iommu.close();
  }
  if (options.json) print(resultsAsJson(results));
  else for (const line of report(results, opened, options)) print(line);
  return exitCodeOf(results);
}

function chosenInvariants(names: readonly string[]): readonly Invariant[] {
  if (names.length === 0) return invariants;
  try {
    return names.map(invariantNamed);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
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

function campaign(
  implementation: OpenedIommu,
  options: Options,
  seed: number,
  chosen: readonly Invariant[],
): CampaignResult {
  const { iommu, known, steeringWeight } = implementation;
  const runs = options.runs ?? Number.POSITIVE_INFINITY;
  const unlimited = options.runs !== undefined ? Number.POSITIVE_INFINITY : DEFAULT_MILLISECONDS;
  const milliseconds = options.milliseconds ?? unlimited;
  const progress = new Progress(iommu.name, runs, milliseconds);
  const result = runCampaign({
    iommu,
    seed,
    runs,
    milliseconds,
    generator: {
      ...defaultOptions,
      profiles: chosenProfiles(implementation, options.profiles),
      steeringWeight,
    },
    invariants: chosen,
    known,
    folder: join("out", iommu.name.replaceAll(/[^a-z0-9.-]+/gi, "-")),
    progress: (state) => progress.show(state),
  });
  progress.done();
  return result;
}

function chosenProfiles({ iommu, profiles }: OpenedIommu, wanted: readonly string[]): readonly string[] {
  if (wanted.length === 0) return profiles;
  for (const id of wanted) {
    try {
      profileNamed(id);
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
    if (!profiles.includes(id)) {
      throw new UsageError(`${iommu.name} cannot be set up as "${id}"; it takes ${profiles.join(", ")}`);
    }
  }
  return wanted;
}

function report(
  results: readonly CampaignResult[],
  opened: readonly OpenedIommu[],
  options: Options,
): string[] {
  const lines: string[] = [];
  results.forEach((result, index) => {
    const { known } = opened[index]!;
    const on = options.on[index] ?? (index === 0 ? "reference" : "qemu");
    const replay = (found: DistinctFinding) => replayCommand(found.file, on, options.qemu);
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

/** The command that shows a saved counterexample again. */
function replayCommand(file: string, on: string, qemu: string | undefined): string {
  return `npx iommu-spec replay ${file} --on ${on}${qemu === undefined ? "" : ` --qemu ${qemu}`}`;
}

function exitCodeOf(results: readonly CampaignResult[]): ExitCode {
  const verdicts = results.flatMap((result) => result.invariants.map((one) => verdictOf(result, one.id)));
  if (verdicts.includes("violated")) return ExitCode.violated;
  return verdicts.includes("unknown") ? ExitCode.unknown : ExitCode.holds;
}
