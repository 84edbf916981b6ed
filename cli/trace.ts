/** `trace`: a recorded run of software, judged record by record. */
import { TraceFormatError } from "../generators/trace/format-codec.js";
import { type Finding, retold } from "../model/finding.js";
import { brokenBy } from "../properties/invariants.js";
import { judgeTrace, TraceRun } from "../properties/trace-run.js";
import { type JudgedTrace, traceAsJson, traceLines } from "../reports/trace.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";
import { StatusLine } from "./progress.js";
import { openTrace, type TraceFile, traceArgument } from "./trace-file.js";

/** Judges a trace and returns the exit code: 1 when it breaks an invariant, 3 when no verdict can be given. */
export function trace(options: Options, print: (line: string) => void): ExitCode {
  const file = traceArgument(options, "trace FILE");
  const judged = judgeFile(file);
  if (options.json) print(traceAsJson(judged));
  else for (const line of traceLines(judged)) print(line);
  if (judged.finding) return ExitCode.violated;
  return judged.unknown === null ? ExitCode.holds : ExitCode.unknown;
}

function judgeFile(file: string): JudgedTrace {
  const recorded = openTrace(file);
  const run = new TraceRun(recorded);
  const status = new StatusLine();
  const start = performance.now();
  let line = 1;
  const records = function* () {
    for (const one of recorded.records()) {
      line = one.line;
      yield one.record;
    }
  };
  try {
    const { finding, unknown } = judgeTrace(run, records(), () => {
      if (run.records % 256 === 0) showProgress(status, file, run.records, performance.now() - start);
    });
    const { actions, events } = run;
    return {
      file,
      profile: recorded.profile.id,
      actions,
      events,
      seconds: (performance.now() - start) / 1000,
      finding: finding && inLines(finding, recorded),
      invariants: finding ? brokenBy(finding) : [],
      unknown,
      line,
    };
  } catch (error) {
    if (error instanceof TraceFormatError) throw new UsageError(`${file}:${line}: ${error.message}`);
    throw error;
  } finally {
    status.done();
  }
}

function showProgress(status: StatusLine, file: string, records: number, elapsed: number): void {
  status.show(elapsed, () => `${file}: ${records} records, ${Math.round((records / elapsed) * 1000)}/s`);
}

const ACTION = /action (\d+)/g;

/** A finding that speaks of lines of the file in place of actions; the file is read again to find them. */
function inLines(finding: Finding, recorded: TraceFile): Finding {
  const texts = [finding.message, ...finding.witness];
  const wanted = new Set(texts.flatMap((one) => [...one.matchAll(ACTION)].map((match) => Number(match[1]))));
  if (wanted.size === 0) return finding;
  const lines = new Map<number, number>();
  let action = 0;
  for (const { record, line } of recorded.records()) {
    if ("event" in record) continue;
    if (wanted.has(action)) lines.set(action, line);
    if (lines.size === wanted.size) break;
    action++;
  }
  const translate = (text: string) =>
    text.replaceAll(ACTION, (whole, number) => {
      const line = lines.get(Number(number));
      return line === undefined ? whole : `line ${line}`;
    });
  return retold(finding, translate);
}
