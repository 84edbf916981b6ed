/** A result as Markdown, for a comment on a change or a page of a wiki. */
import { printable } from "../implementations/process/printable.js";
import type { Result, ResultCampaign, ResultFinding } from "./result.js";
import { quantity } from "./result-of.js";
import { counterexample, coverageByArchitecture, seenText, summary, verdictRows } from "./terminal.js";

/** Values of a group that are told one by one. */
const MOST_VALUES = 12;

/** The whole result. */
export function markdown(result: Result): string {
  const { campaigns, meaning, command, tool } = result;
  const lines = [
    `# ${tool.name} ${tool.version}: ${headline(campaigns)}`,
    "",
    plain(meaning),
    "",
    ...(command === null ? [] : [`Command: ${code(command)}`, ""]),
    ...table(verdictRows(campaigns)),
    "",
    "## What was run",
    "",
    ...campaigns.flatMap((one) => summary(one).map((line) => `- ${plain(line.trim())}`)),
    "",
    ...campaigns.flatMap(findingLines),
    "## Rules reached",
    "",
    ...coverageLines(campaigns),
    "",
    "## What was generated",
    "",
    ...campaigns.flatMap(generatedLines),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

function headline(campaigns: readonly ResultCampaign[]): string {
  const all = campaigns.flatMap((one) => one.findings);
  const known = all.filter((one) => one.known !== null).length;
  const fresh = all.length - known;
  const failures = campaigns.reduce((sum, one) => sum + one.failures.length, 0);
  const parts = [
    fresh === 0 ? "no violation" : quantity(fresh, "violation"),
    ...(known > 0 ? [quantity(known, "known deviation")] : []),
    ...(failures > 0 ? [quantity(failures, "failure")] : []),
  ];
  return parts.join(", ");
}

function findingLines({ heading, findings }: ResultCampaign): string[] {
  if (findings.length === 0) return [];
  return [`## ${plain(heading)}`, "", ...findings.flatMap((one) => (one.known ? known(one) : fresh(one)))];
}

function fresh(found: ResultFinding): string[] {
  const { kind, meaning, invariants, replay, file } = found;
  return [
    `### ${kind}: breaks ${invariants.join(", ")}`,
    "",
    `${plain(sentence(meaning))} ${sentence(seenText(found))}${found.replayed ? "" : " It did not show again when its file was replayed."}`,
    "",
    ...block(counterexample(found)),
    ...rules(found),
    `Counterexample: ${code(file)}; shown again by ${code(replay)}`,
    "",
  ];
}

function rules({ rules }: ResultFinding): string[] {
  const lines = rules.map(({ id, statement, section }) => {
    const where = section === "" ? "" : ` (${section})`;
    return `- ${code(id)}: ${plain(statement)}${plain(where)}`;
  });
  return lines.length === 0 ? [] : [...lines, ""];
}

function known(found: ResultFinding): string[] {
  const { id, statement, specification, versions } = found.known!;
  return [
    `### known deviation ${plain(id)}`,
    "",
    `- does: ${plain(statement)}`,
    `- specification: ${plain(specification)}`,
    `- breaks ${found.invariants.join(", ")}; ${seenText(found)}; measured on ${plain(versions.join(", "))}`,
    "",
    ...block([...found.steps.map((line, index) => `${index + 1}  ${line}`), `seen: ${found.message}`]),
    `Shown again by ${code(found.replay)}`,
    "",
  ];
}

function coverageLines(campaigns: readonly ResultCampaign[]): string[] {
  return coverageByArchitecture(campaigns).flatMap(({ name, rules, missing }) => {
    const share = `- ${name}: ${rules - missing.length} of ${rules}`;
    return missing.length === 0
      ? [share]
      : [
          `${share}; not reached:`,
          ...missing.map(({ id, section }) => `  - ${code(id)} (${plain(section)})`),
        ];
  });
}

function generatedLines({ heading, generated }: ResultCampaign): string[] {
  const groups = generated.map(({ group, values }) => {
    const told = values.slice(0, MOST_VALUES).map(({ name, count }) => `${plain(name)} ${count}`);
    const rest = values.length > MOST_VALUES ? `, ${values.length - MOST_VALUES} more` : "";
    return `- ${plain(group)}: ${told.join(", ")}${rest}`;
  });
  return [`### ${plain(heading)}`, "", ...groups, ""];
}

function table([header, ...rows]: readonly (readonly string[])[]): string[] {
  const row = (cells: readonly string[]) => `| ${cells.map(plain).join(" | ")} |`;
  return [row(header!), `|${" --- |".repeat(header!.length)}`, ...rows.map(row)];
}

/** Lines as they are; the fence is longer than any within. */
function block(lines: readonly string[]): string[] {
  const text = printable(lines.join("\n"));
  const fence = "`".repeat(longestQuote(text, 2) + 1);
  return [fence, text, fence, ""];
}

function code(text: string): string {
  const line = printable(text).replaceAll("\n", " ");
  const longest = longestQuote(line, 0);
  return longest === 0 ? `\`${line}\`` : `${"`".repeat(longest + 1)} ${line} ${"`".repeat(longest + 1)}`;
}

/** How many quotes of code follow each other at most; not fewer than so many. */
function longestQuote(text: string, least: number): number {
  return Math.max(least, ...(text.match(/`+/g) ?? []).map((one) => one.length));
}

/** Text without a meaning for Markdown, on one line. */
function plain(text: string): string {
  return printable(text)
    .replace(/[\\`*_[\]<>|#~&]/g, "\\$&")
    .replaceAll("\n", " ");
}

function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}
