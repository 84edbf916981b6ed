/** `check`: the invariants against implementations, drivers, or both. */
import { randomInt } from "node:crypto";
import type { CampaignResult } from "../properties/campaign.js";
import type { DistinctFinding } from "../properties/distinct-findings.js";
import { type Invariant, invariantNamed, invariants } from "../properties/invariants.js";
import { defaultWorkers } from "../properties/workers/pool.js";
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
import { type Effort, runCampaigns } from "./campaigns.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";
import { type Planned, planned } from "./plan.js";

/** Without `--time` and `--runs` all campaigns together get about this long, and none gets longer than the second. */
const ALL_MILLISECONDS = 54_000;
const MOST_MILLISECONDS = 20_000;

/** Runs the campaigns, prints what they found, and returns the exit code. */
export async function check(options: Options, print: (line: string) => void): Promise<ExitCode> {
  const [, surplus] = options.positionals;
  if (surplus !== undefined)
    throw new UsageError(`check takes options only, not "${surplus}"; did you mean --on ${surplus}?`);
  const chosen = chosenInvariants(options.properties);
  const plan = await planned(options, chosen, print);
  try {
    const results = await runCampaigns(plan.campaigns, effortOf(options, plan.campaigns.length));
    if (options.json) print(resultsAsJson(results));
    else for (const line of report(results, plan.campaigns)) print(line);
    return exitCodeOf(results);
  } finally {
    plan.close();
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

/** What the options say, for each of so many campaigns. */
function effortOf(options: Options, campaigns: number): Effort {
  const runs = options.runs ?? Number.POSITIVE_INFINITY;
  const share = Math.min(MOST_MILLISECONDS, ALL_MILLISECONDS / campaigns);
  const unlimited = options.runs !== undefined ? Number.POSITIVE_INFINITY : share;
  return {
    seed: options.seed ?? randomInt(2 ** 31),
    runs,
    milliseconds: options.milliseconds ?? unlimited,
    workers: Math.min(options.workers ?? defaultWorkers(), runs),
  };
}

function report(results: readonly CampaignResult[], campaigns: readonly Planned[]): string[] {
  const lines: string[] = [];
  results.forEach((result, index) => {
    const { known, replayOptions } = campaigns[index]!;
    const replay = (found: DistinctFinding) => `npx iommu-spec replay ${found.file} ${replayOptions}`;
    for (const found of result.findings.filter((one) => one.known === null)) {
      lines.push(`${result.heading}: ${counterexample(found, replay(found)).join("\n")}`, "");
    }
    const met = result.findings.filter((one) => one.known !== null);
    if (met.length > 0) lines.push(`${result.heading}: known deviations that were met`, "");
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
