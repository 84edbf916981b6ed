/** `check`: the invariants against implementations, drivers, or both. */
import { randomInt } from "node:crypto";
import type { CampaignResult } from "../properties/campaign.js";
import { type Invariant, invariantNamed, invariants } from "../properties/invariants.js";
import { defaultWorkers } from "../properties/workers/pool.js";
import { resultAsJson } from "../reports/json.js";
import { type CampaignToTell, resultOf } from "../reports/result-of.js";
import { terminalLines } from "../reports/terminal.js";
import { type Effort, runCampaigns } from "./campaigns.js";
import { type ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";
import { type Planned, planned } from "./plan.js";
import { exitCodeOf, reportFile } from "./report.js";

/** Without `--time` and `--runs` all campaigns together get about this long, and none gets longer than the second. */
const ALL_MILLISECONDS = 54_000;
const MOST_MILLISECONDS = 20_000;

/** Runs the campaigns, prints what they found, and returns the exit code. */
export async function check(options: Options, print: (line: string) => void): Promise<ExitCode> {
  const [, surplus] = options.positionals;
  if (surplus !== undefined)
    throw new UsageError(`check takes options only, not "${surplus}"; did you mean --on ${surplus}?`);
  const reports = options.reports.map(reportFile);
  const chosen = chosenInvariants(options.properties);
  const campaigns = await planned(options, chosen, print);
  const results = await runCampaigns(campaigns, effortOf(options, campaigns.length));
  const result = resultOf(told(results, campaigns), options.command);
  if (options.json) print(resultAsJson(result));
  else for (const line of terminalLines(result)) print(line);
  for (const one of reports) one.write(result);
  return exitCodeOf(result);
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

/** The findings of each campaign with how to replay them. */
function told(results: readonly CampaignResult[], campaigns: readonly Planned[]): CampaignToTell[] {
  return results.map((result, index) => {
    const { known, replayOptions } = campaigns[index]!;
    return { result, known, replay: (file) => `npx iommu-spec replay ${file} ${replayOptions}` };
  });
}
