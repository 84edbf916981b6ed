/** A result on a terminal: counterexamples step by step, verdict tables, what the result means. */
import type { Result, ResultCampaign, ResultFinding, ResultRule } from "./result.js";
import { quantity } from "./result-of.js";

/** Everything that is to be told of a result. */
export function terminalLines(result: Result): string[] {
  const { campaigns, meaning } = result;
  return [
    ...campaigns.flatMap(findingLines),
    ...campaigns.flatMap(summary),
    ...coverageLines(campaigns),
    "",
    ...table(verdictRows(campaigns)),
    "",
    meaning,
  ];
}

function findingLines({ heading, findings }: ResultCampaign): string[] {
  const fresh = findings.filter((one) => one.known === null);
  const met = findings.filter((one) => one.known !== null);
  return [
    ...fresh.flatMap((one) => [`${heading}: ${counterexample(one).join("\n")}`, ""]),
    ...(met.length > 0 ? [`${heading}: known deviations that were met`, ""] : []),
    ...met.flatMap((one) => [...knownLines(one), ""]),
  ];
}

/** Invariants against implementations, with a row of headings. */
export function verdictRows(campaigns: readonly ResultCampaign[]): string[][] {
  const titles = new Map(
    campaigns.flatMap(({ verdicts }) => verdicts.map((one) => [one.invariant, one.title])),
  );
  const header = ["invariant", "", ...campaigns.map((one) => one.heading)];
  const { compare } = new Intl.Collator("en", { numeric: true });
  const ids = [...titles.keys()].sort(compare);
  return [
    header,
    ...ids.map((id) => [id, titles.get(id)!, ...campaigns.map((campaign) => cell(campaign, id))]),
  ];
}

function cell({ verdicts, findings }: ResultCampaign, invariant: string): string {
  const found = verdicts.find((one) => one.invariant === invariant);
  if (!found) return "not judged";
  const broken = found.findings.map((index) => findings[index]!);
  if (found.verdict === "violated") return `violated (${broken.filter((one) => one.known === null).length})`;
  return found.verdict === "known deviations" ? quantity(broken.length, "known deviation") : found.verdict;
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
export function summary(campaign: ResultCampaign): string[] {
  const { heading, runs, requests, seconds, seed, workers } = campaign;
  const rate = Math.round(runs / Math.max(seconds, 1e-9));
  const searched =
    `${heading}: ${quantity(runs, "scenario")} with ${quantity(requests, "request")} ` +
    `in ${seconds.toFixed(1)} s (${rate}/s), seed ${seed}, ${quantity(workers, "worker")}`;
  const lines = [searched];
  for (const { reason, runs } of campaign.unknown)
    lines.push(`  no verdict in ${quantity(runs, "run")}: ${reason}`);
  for (const { message, file } of campaign.failures)
    lines.push(`  failed: ${message}`, ...(file === null ? [] : [`  scenario kept in ${file}`]));
  for (const file of campaign.mended)
    lines.push(`  an earlier counterexample shows nothing any more; moved to ${file}`);
  return lines;
}

/** More rules that were not reached than that are not told one by one. */
const MOST_MISSING = 10;

/** For each architecture the share of its rules that the runs exercised, and those they did not where these are few. */
function coverageLines(campaigns: readonly ResultCampaign[]): string[] {
  return coverageByArchitecture(campaigns).flatMap(({ name, rules, missing }) => {
    const share = `rules of ${name} reached: ${rules - missing.length} of ${rules}`;
    if (missing.length === 0) return [share];
    if (missing.length > MOST_MISSING) return [`${share}; --report FILE tells which were not`];
    return [`${share}; not reached:`, ...missing.map((one) => `  ${one.id} (${one.section})`)];
  });
}

/** The rules of each architecture, and those that no campaign reached. */
export function coverageByArchitecture(
  campaigns: readonly ResultCampaign[],
): { readonly name: string; readonly rules: number; readonly missing: readonly ResultRule[] }[] {
  const architectures = new Map(campaigns.map(({ architecture: { id, name } }) => [id, name]));
  return [...architectures].map(([id, name]) => {
    const all = campaigns.filter((one) => one.architecture.id === id).map((one) => one.coverage);
    const reached = new Set(
      all.flatMap((rules) => rules.filter((one) => one.count > 0).map((one) => one.id)),
    );
    return { name, rules: all[0]!.length, missing: all[0]!.filter((one) => !reached.has(one.id)) };
  });
}

/** A counterexample: the platform, the steps, what was seen, and why that is wrong. */
export function counterexample(found: ResultFinding): string[] {
  const { kind, invariants, platform, message, witness, rules, replay, file } = found;
  const smallest = found.minimal ? "no step can be removed" : "shrinking was cut short";
  return [
    `${kind}: breaks ${invariants.join(", ")} (${seenText(found)}; ${smallest})`,
    ...platform.map((line) => `  ${line}`),
    ...stepLines(found),
    `  seen: ${message}`,
    ...witness.map((line) => `    ${line}`),
    ...(rules.length > 0 ? [`  rules: ${rules.map((one) => one.id).join(", ")}`] : []),
    found.replayed ? `  replay: ${replay}` : `  it did not show again when ${file} was replayed`,
  ];
}

/** A known deviation that was met. */
function knownLines(found: ResultFinding): string[] {
  const { id, statement, specification, versions } = found.known!;
  return [
    `${id} (${seenText(found)}; measured on ${versions.join(", ")})`,
    `  does: ${statement}`,
    `  specification: ${specification}`,
    ...stepLines(found),
    `  seen: ${found.message}`,
    `  replay: ${found.replay}`,
  ];
}

/** How often a finding was seen. */
export function seenText({ count }: Pick<ResultFinding, "count">): string {
  if (count === 0) return "seen when its file of an earlier campaign was replayed";
  return count === 1 ? "seen once" : `seen ${count} times`;
}

function stepLines({ steps }: ResultFinding): string[] {
  return steps.map((line, index) => `  ${String(index + 1).padStart(3)}  ${line}`);
}
