/** Results on a terminal: verdict tables, counterexamples step by step, what a result means. */

import type { CampaignResult } from "../properties/campaign.js";
import type { DistinctFinding } from "../properties/distinct-findings.js";
import { invariants } from "../properties/invariants.js";
import type { KnownDeviation } from "../properties/known-deviation.js";
import type { AnyScenario } from "../properties/subject.js";
import { describeScenario } from "./steps.js";

export type Verdict = "holds" | "violated" | "known deviations" | "unknown";

/** The verdict of one invariant of a campaign. */
export function verdictOf(result: CampaignResult, invariant: string): Verdict {
  const broken = result.findings.filter((one) => one.invariants.includes(invariant));
  if (broken.some((one) => one.known === null)) return "violated";
  const withoutVerdict = [...result.unknown.values()].reduce((sum, times) => sum + times, 0);
  if (result.failures.length > 0 || result.runs === withoutVerdict) return "unknown";
  return broken.length > 0 ? "known deviations" : "holds";
}

/** Invariants against implementations. */
export function verdictTable(results: readonly CampaignResult[]): string[] {
  const judged = new Set(results.flatMap((one) => one.invariants));
  const header = ["invariant", "", ...results.map((one) => one.heading)];
  const rows = invariants
    .filter((one) => judged.has(one))
    .map((one) => [one.id, one.title, ...results.map((result) => cell(result, one.id))]);
  return table([header, ...rows]);
}

function cell(result: CampaignResult, invariant: string): string {
  if (result.invariants.every((one) => one.id !== invariant)) return "not judged";
  const verdict = verdictOf(result, invariant);
  const broken = result.findings.filter((one) => one.invariants.includes(invariant));
  if (verdict === "violated") return `violated (${broken.filter((one) => one.known === null).length})`;
  return verdict === "known deviations" ? count(broken.length, "known deviation") : verdict;
}

/** Rows with their columns aligned. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((one, column) => one.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

/** What one campaign searched, and what that says. */
export function summary(result: CampaignResult): string[] {
  const rate = Math.round(result.runs / Math.max(result.seconds, 1e-9));
  const searched =
    `${result.heading}: ${count(result.runs, "scenario")} with ${count(result.requests, "request")} ` +
    `in ${result.seconds.toFixed(1)} s (${rate}/s), seed ${result.seed}, ${count(result.workers, "worker")}`;
  const lines = [searched];
  for (const [reason, times] of result.unknown)
    lines.push(`  no verdict in ${count(times, "run")}: ${reason}`);
  for (const { message, file } of result.failures)
    lines.push(`  failed: ${message}`, ...(file === null ? [] : [`  scenario kept in ${file}`]));
  for (const file of result.mended)
    lines.push(`  an earlier counterexample shows nothing any more; moved to ${file}`);
  return lines;
}

/** One sentence: what the results mean. */
export function meaning(results: readonly CampaignResult[]): string {
  const fresh = results.reduce(
    (sum, one) => sum + one.findings.filter((each) => each.known === null).length,
    0,
  );
  const runs = results.reduce((sum, one) => sum + one.runs, 0);
  if (fresh > 0) {
    return `${count(fresh, "distinct violation")} in ${count(runs, "random scenario")}: each was shrunk, saved and replayed; the invariants named above do not hold.`;
  }
  if (results.some((one) => one.failures.length > 0)) {
    return `An implementation failed before a verdict was reached: nothing is said about what it was not asked.`;
  }
  if (runs === 0) return "Nothing was run, so nothing is said.";
  return `No new violation in ${count(runs, "random scenario")}: that is evidence, not proof; scenarios that were not drawn may still break an invariant.`;
}

/** For each architecture the share of its rules that the runs exercised, and those they did not. */
export function coverageLines(results: readonly CampaignResult[]): string[] {
  const architectures = [...new Set(results.map((one) => one.architecture))];
  return architectures.flatMap(({ name, rules }) => {
    const missing = rules.filter((rule) => results.every((one) => (one.coverage.get(rule.id) ?? 0) === 0));
    const share = `rules of ${name} reached: ${rules.length - missing.length} of ${rules.length}`;
    return missing.length === 0
      ? [share]
      : [`${share}; not reached:`, ...missing.map((one) => `  ${one.id} (${one.section})`)];
  });
}

/** A counterexample: the platform, the steps, what was seen, and why that is wrong. */
export function counterexample(found: DistinctFinding, replay: string): string[] {
  const { scenario, finding } = found;
  const smallest = found.minimal ? "no step can be removed" : "shrinking was cut short";
  return [
    `${finding.kind}: breaks ${found.invariants.join(", ")} (${seen(found)}; ${smallest})`,
    ...scenarioLines(scenario),
    `  seen: ${finding.message}`,
    ...finding.witness.map((line) => `    ${line}`),
    ...(finding.rules.length > 0 ? [`  rules: ${finding.rules.join(", ")}`] : []),
    found.replayed ? `  replay: ${replay}` : `  it did not show again when ${found.file} was replayed`,
  ];
}

/** A known deviation that was met. */
export function knownLines(found: DistinctFinding, deviation: KnownDeviation, replay: string): string[] {
  return [
    `${deviation.id} (${seen(found)}; measured on ${deviation.versions.join(", ")})`,
    `  does: ${deviation.statement}`,
    `  specification: ${deviation.specification}`,
    ...stepLines(found.scenario),
    `  seen: ${found.finding.message}`,
    `  replay: ${replay}`,
  ];
}

function seen({ count }: DistinctFinding): string {
  if (count === 0) return "seen when its file of an earlier campaign was replayed";
  return count === 1 ? "seen once" : `seen ${count} times`;
}

function scenarioLines(scenario: AnyScenario): string[] {
  return [...describeScenario(scenario).platform.map((line) => `  ${line}`), ...stepLines(scenario)];
}

function stepLines(scenario: AnyScenario): string[] {
  return describeScenario(scenario).steps.map((line, index) => `  ${String(index + 1).padStart(3)}  ${line}`);
}

function count(number: number, what: string): string {
  return `${number.toLocaleString("en-US")} ${what}${number === 1 ? "" : "s"}`;
}
