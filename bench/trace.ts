/** Judging the record of a driver at work: the rate, and the memory taken along the way. */
import { recordFrom, recordLine } from "../generators/trace/format.js";
import { judgeTrace, TraceRun } from "../properties/trace-run.js";
import { type DriverTraceOptions, driverTrace, header } from "./driver-trace.js";

const RECORDS = 1_000_000;
const LIVE = 4096;
const CHECKPOINTS = [RECORDS / 4, RECORDS / 2, RECORDS];

/** What judging a trace took. */
export interface TraceTimes {
  readonly seconds: number;
  readonly records: number;
  /** Resident memory, in MiB, after a quarter, half and all of it. */
  readonly resident: readonly number[];
}

/** Reads and judges a million records, each from its line. @throws Error when the verdict is not that all is well */
export function traceTimes(flushing: "strict" | "deferred"): TraceTimes {
  const options = { records: RECORDS, live: LIVE, deferred: flushing === "deferred", usable: true };
  const run = new TraceRun(header);
  const resident: number[] = [];
  const start = performance.now();
  const { finding, unknown } = judgeTrace(run, fromLines(options), () => {
    if (CHECKPOINTS.includes(run.records)) resident.push(process.memoryUsage().rss / 2 ** 20);
  });
  const seconds = (performance.now() - start) / 1000;
  if (finding || unknown) throw new Error(`the trace does not hold: ${finding?.message ?? unknown}`);
  return { seconds, records: run.records, resident };
}

function* fromLines(options: DriverTraceOptions) {
  for (const record of driverTrace(options)) yield recordFrom(JSON.parse(recordLine(record)));
}
