/** Reports on the command line: what is written where, exit codes, and what is said of files that are no results. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { printable } from "../implementations/process/printable.js";
import { resultAsJson, resultFrom } from "../reports/json.js";
import type { Result } from "../reports/result.js";
import { sampleResult } from "../reports/sample.testing.js";
import { terminalLines } from "../reports/terminal.js";
import { run } from "./run.js";

let folder = "";
const before = process.cwd();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iommu-spec-report-"));
  process.chdir(folder);
});

afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

async function commandLine(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  const [lines, errors]: [string[], string[]] = [[], []];
  const code = await run(
    args,
    (line) => lines.push(line),
    (line) => errors.push(line),
  );
  return { code, out: lines.join("\n"), errors: errors.join("\n") };
}

/** How each kind of report begins. */
const BEGINNINGS: Readonly<Record<string, RegExp>> = {
  "a.json": /^\{\n {2}"format": "iommu-spec result 2"/,
  "deep/er/a.md": /^# iommu-spec /,
  "a.xml": /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites>/,
  "a.sarif": /^\{\n {2}"\$schema": "https:\/\/json\.schemastore\.org\/sarif-2\.1\.0\.json"/,
  "a.html": /^<!doctype html>/i,
};
const FILES = Object.keys(BEGINNINGS);

function expectReports(): void {
  for (const [file, beginning] of Object.entries(BEGINNINGS)) {
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(beginning);
    expect(text.endsWith("\n")).toBe(true);
  }
}

describe("check --report", () => {
  it("writes every form, beside what it prints", async () => {
    const reports = FILES.flatMap((one) => ["--report", one]);
    const search = ["--on", "reference", "--architecture", "vtd", "--runs", "20", "--seed", "1"];
    const { code, out } = await commandLine("check", ...search, ...reports);
    expect(code).toBe(0);
    expectReports();
    const result = resultFrom(readFileSync("a.json", "utf8"));
    expect(terminalLines(result).join("\n")).toBe(out);
    expect(result.command).toMatch(/^npx iommu-spec check --on reference .* --report a\.html$/);
    expect(result.campaigns[0]!.generated.map((one) => one.group)).toContain("kind of step");
  });

  it("refuses a form that there is not before anything is run", async () => {
    const { code, errors } = await commandLine("check", "--time", "1h", "--report", "a.pdf");
    expect(code).toBe(2);
    expect(errors).toMatch(/^iommu-spec: no report is written to "a\.pdf": FILE ends in \.json, \.md, /);
  });
});

describe("report", () => {
  const save = (result: Result) => writeFileSync("saved.json", resultAsJson(result));

  it("shows a saved result as check did, with its exit code", async () => {
    const result = sampleResult();
    save(result);
    const { code, out } = await commandLine("report", "saved.json");
    expect(code).toBe(1);
    expect(out).toBe(printable(terminalLines(result).join("\n")));
  });

  it.each([
    [[0], 1],
    [[2], 0],
    [[3], 3],
    [[2, 3], 3],
    [[3, 1], 1],
    [[], 0],
  ])("of the campaigns %j ends with %i", async (chosen, expected) => {
    const result = sampleResult();
    save({ ...result, campaigns: chosen.map((index) => result.campaigns[index]!) });
    expect((await commandLine("report", "saved.json", "again.json")).code).toBe(expected);
  });

  it("writes every form, and then prints nothing", async () => {
    save(sampleResult());
    const { code, out } = await commandLine("report", "saved.json", ...FILES);
    expect(code).toBe(1);
    expect(out).toBe("");
    expectReports();
    expect(readFileSync("a.json", "utf8").trimEnd()).toBe(readFileSync("saved.json", "utf8"));
  });

  it.each([
    [["report"], /^iommu-spec: report takes a result: iommu-spec report RESULT\.json \[FILE…\]/],
    [["report", "none.json"], /^iommu-spec: ENOENT: .*none\.json/],
    [["report", "cut.json"], /^iommu-spec: cut\.json: not JSON, or cut short/],
    [
      ["report", "old.json"],
      /^iommu-spec: old\.json: it is an "iommu-spec result 1", and this program reads/,
    ],
    [["report", "cut.json", "a.txt"], /^iommu-spec: no report is written to "a\.txt"/],
    [["report", "cut.json", "--seed", "1"], /^iommu-spec: report takes no --seed/],
  ])("%j: exit code 2, one message, nothing written", async (args, message) => {
    writeFileSync("cut.json", resultAsJson(sampleResult()).slice(0, 5000));
    writeFileSync("old.json", '{ "format": "iommu-spec result 1", "campaigns": [] }');
    const { code, errors } = await commandLine(...args);
    expect(code).toBe(2);
    expect(errors).toMatch(message);
    expect(errors).not.toContain("\n");
    expect(existsSync("a.txt")).toBe(false);
  });
});
