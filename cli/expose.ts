/** `expose`: who can reach what at a point of a recorded trace. */
import { TraceFormatError } from "../generators/trace/format.js";
import { OutsideModel } from "../model/finding.js";
import { TraceRun } from "../properties/trace-run.js";
import { exposureAsJson, exposureLines, exposureRows } from "../reports/exposure.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";
import { openTrace, traceArgument } from "./trace-file.js";

/** Prints the exposure and returns the exit code: 1 when something can be reached that was not granted. */
export function expose(options: Options, print: (line: string) => void): ExitCode {
  const file = traceArgument(options, "expose FILE [--at LINE]");
  const recorded = openTrace(file);
  const run = new TraceRun(recorded);
  const end = options.at ?? Number.POSITIVE_INFINITY;
  let at = 1;
  try {
    for (const { record, line } of recorded.records()) {
      if (line > end) break;
      at = line;
      run.take(record);
    }
  } catch (error) {
    if (error instanceof TraceFormatError) throw new UsageError(`${file}:${at}: ${error.message}`);
    if (!(error instanceof OutsideModel)) throw error;
    print(`${file}:${at}: from here on the specification does not say what follows: ${error.message}`);
    return ExitCode.unknown;
  }
  const { model, ownership } = run.judge;
  const exposure = {
    place: `${file}:${at}`,
    protecting: model.protecting,
    rows: exposureRows(model, ownership),
  };
  if (options.json) print(exposureAsJson(exposure));
  else for (const line of exposureLines(exposure, recorded.setup.requesters)) print(line);
  const ungranted = model.protecting && exposure.rows.some((one) => !one.granted);
  return ungranted ? ExitCode.violated : ExitCode.holds;
}
