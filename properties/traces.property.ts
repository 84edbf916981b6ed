/** The verdicts on the hand-written traces: what each file says of itself, and that a pair differs in one line only. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ParsedTrace, parseTrace } from "../generators/trace/notation.js";
import { architectureOf } from "../model/architectures.js";
import type { Finding } from "../model/finding.js";
import { IsolationJudge } from "../model/isolation/judge.js";

const FOLDER = new URL("../traces/", import.meta.url);
const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".trace"))
  .sort();
const FEWEST_FILES = 40;
const EXCUSE = "isolation.";
/** Header lines in which the two traces of a pair say what they are. */
const DESCRIPTION = /^(title|expect|because)\s/;

function textOf(file: string): string {
  return readFileSync(new URL(file, FOLDER), "utf8");
}

/** The first finding of a run, or null. */
function judge({ profile, setup, records }: ParsedTrace): Finding | null {
  const software = architectureOf(profile).createSoftware(profile);
  software.reset(setup);
  const isolation = new IsolationJudge(software);
  for (const record of records) {
    const finding = isolation.take(record);
    if (finding) return finding;
  }
  return null;
}

/** The verdict a trace expects, as its header says it. */
function expected({ expectation }: ParsedTrace): string {
  if (expectation.verdict === "holds") return "holds";
  return ["violated", expectation.kind, expectation.excuse ?? []].flat().join(" ");
}

/** The verdict on a trace, in the same words: the excuses are among the rules of a finding. */
function verdict(finding: Finding | null): string {
  if (!finding) return "holds";
  const excuses = finding.rules.filter((id) => id.startsWith(EXCUSE)).map((id) => id.slice(EXCUSE.length));
  return ["violated", finding.kind, ...excuses].join(" ");
}

/** What is left of a text when comments, blank lines and descriptions are left out. */
function stepsOf(file: string): string[] {
  return textOf(file)
    .split("\n")
    .map((line) => line.replace(/(^|\s)#.*$/, "").trim())
    .filter((line) => line !== "" && !DESCRIPTION.test(line));
}

/** One line replaced, added, left out, or moved. */
function differInOneLine(one: readonly string[], other: readonly string[]): boolean {
  const without = (lines: readonly string[], index: number) => lines.toSpliced(index, 1).join("\n");
  const shortened = (lines: readonly string[]) => lines.map((_, index) => without(lines, index));
  if (one.length > other.length) return shortened(one).includes(other.join("\n"));
  if (one.length < other.length) return shortened(other).includes(one.join("\n"));
  const ofOther = new Set(shortened(other));
  return one.join("\n") !== other.join("\n") && shortened(one).some((rest) => ofOther.has(rest));
}

describe("traces", () => {
  it("are many", () => {
    expect(files.length).toBeGreaterThanOrEqual(FEWEST_FILES);
  });

  it.each(files)("%s", (file) => {
    const trace = parseTrace(textOf(file), file);
    const finding = judge(trace);
    expect(verdict(finding), finding?.message).toBe(expected(trace));
  });

  const safe = files.filter((file) => file.endsWith("-safe.trace"));
  it.each(safe)("%s differs from its unsafe counterpart in one line", (file) => {
    const counterpart = file.replace("-safe", "-unsafe");
    expect(differInOneLine(stepsOf(file), stepsOf(counterpart))).toBe(true);
  });

  it("are pairs, or hold", () => {
    for (const file of files.filter((one) => one.endsWith("-unsafe.trace")))
      expect(files).toContain(file.replace("-unsafe", "-safe"));
    for (const file of files.filter((one) => !one.endsWith("-unsafe.trace")))
      expect(parseTrace(textOf(file), file).expectation.verdict, file).toBe("holds");
  });
});
