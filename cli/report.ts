/** `report`: a saved result in other forms; what forms there are, and the exit code that a result stands for. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, extname } from "node:path";
import { renderHtml } from "../reports/html/index.js";
import { ResultError, resultAsJson, resultFrom } from "../reports/json.js";
import { junitXml } from "../reports/junit.js";
import { markdown } from "../reports/markdown.js";
import type { Result } from "../reports/result.js";
import { sarifLog } from "../reports/sarif.js";
import { terminalLines } from "../reports/terminal.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";

const FORMS: Readonly<Record<string, (result: Result) => string>> = {
  ".json": resultAsJson,
  ".md": markdown,
  ".xml": (result) => junitXml(result, new Date()),
  ".sarif": sarifLog,
  ".html": renderHtml,
};

/** A file that a result is to be written to. */
export interface ReportFile {
  write(result: Result): void;
}

/** Renders a saved result; without a file to write, on the terminal. The exit code is that of the check it is from. */
export function report(options: Options, print: (line: string) => void): ExitCode {
  const [, saved, ...files] = options.positionals;
  if (saved === undefined)
    throw new UsageError(`report takes a result: iommu-spec report RESULT.json [FILE…], ${extensions()}`);
  const reports = files.map(reportFile);
  const result = load(saved);
  for (const one of reports) one.write(result);
  if (options.json) print(resultAsJson(result));
  else if (files.length === 0) for (const line of terminalLines(result)) print(line);
  return exitCodeOf(result);
}

/**
 * A report of the form that the extension of its name stands for; folders are made where they are missing.
 * @throws UsageError when there is no such form
 */
export function reportFile(file: string): ReportFile {
  const form = FORMS[extname(file)];
  if (!form) throw new UsageError(`no report is written to "${file}": ${extensions()}`);
  return {
    write(result) {
      mkdirSync(dirname(file), { recursive: true });
      const text = form(result);
      writeFileSync(file, text.endsWith("\n") ? text : `${text}\n`);
    },
  };
}

function extensions(): string {
  return "FILE ends in .json, .md, .xml (JUnit), .sarif or .html";
}

function load(file: string): Result {
  try {
    return resultFrom(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof ResultError) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}

/** What a check with this result ends with. */
export function exitCodeOf({ campaigns }: Result): ExitCode {
  const verdicts = campaigns.flatMap((one) => one.verdicts.map(({ verdict }) => verdict));
  if (verdicts.includes("violated")) return ExitCode.violated;
  return verdicts.includes("unknown") ? ExitCode.unknown : ExitCode.holds;
}
