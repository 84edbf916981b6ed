/** `expose`: who can reach what at a point of a recorded trace, or of a scenario for drivers. */
import { TraceFormatError } from "../generators/trace/format.js";
import { OutsideModel } from "../model/finding.js";
import type { IsolationJudge } from "../model/isolation/judge.js";
import { ExposureBench } from "../properties/driver-subject.js";
import { TraceRun } from "../properties/trace-run.js";
import { exposureAsJson, exposureLines, exposureRows } from "../reports/exposure.js";
import { isForDriver } from "../reports/steps.js";
import { openDriver } from "./drivers.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";
import { load } from "./replay.js";
import { openTrace, traceArgument } from "./trace-file.js";

/** Prints the exposure and returns the exit code: 1 when something can be reached that was not granted. */
export async function expose(options: Options, print: (line: string) => void): Promise<ExitCode> {
  const file = traceArgument(options, "expose FILE [--at LINE]");
  const point = file.endsWith(SCENARIO) ? await inScenario(file, options) : inTrace(file, options);
  if (point.unknown !== null) {
    const why = `from here on the specification does not say what follows: ${point.unknown}`;
    print(`${point.place}: ${why}`);
    return ExitCode.unknown;
  }
  const { model, ownership } = point.judge;
  const exposure = {
    place: point.place,
    protecting: model.protecting,
    rows: exposureRows(model, ownership),
  };
  if (options.json) print(exposureAsJson(exposure));
  else for (const line of exposureLines(exposure, model.requesters)) print(line);
  const ungranted = model.protecting && exposure.rows.some((one) => !one.granted);
  return ungranted ? ExitCode.violated : ExitCode.holds;
}

/** Saved scenarios and counterexamples. */
const SCENARIO = ".json";

/** A point of a run: the judge as it is there. */
interface Point {
  readonly place: string;
  readonly judge: IsolationJudge;
  /** Why nothing can be said from there on. */
  readonly unknown: string | null;
}

function inTrace(file: string, options: Options): Point {
  const recorded = openTrace(file);
  const run = new TraceRun(recorded);
  const end = options.at ?? Number.POSITIVE_INFINITY;
  let at = 1;
  const point = (unknown: string | null) => ({ place: `${file}:${at}`, judge: run.judge, unknown });
  try {
    for (const { record, line } of recorded.records()) {
      if (line > end) break;
      at = line;
      run.take(record);
    }
  } catch (error) {
    if (error instanceof TraceFormatError) throw new UsageError(`${file}:${at}: ${error.message}`);
    if (!(error instanceof OutsideModel)) throw error;
    return point(error.message);
  }
  return point(null);
}

/** After so many steps of a scenario, or at the first violation in them. */
async function inScenario(file: string, options: Options): Promise<Point> {
  const { scenario, recorded } = load(file);
  if (!isForDriver(scenario))
    throw new UsageError(`${file} is a scenario for IOMMUs: it says nothing about grants`);
  const [recordedDriver] = recorded?.implementation.split(" on ") ?? [];
  const { create } = await openDriver(options.drivers[0] ?? recordedDriver ?? "vtd");
  const at = Math.min(options.at ?? scenario.steps.length, scenario.steps.length);
  let judge: IsolationJudge | undefined;
  const { failure } = new ExposureBench().run(
    { ...scenario, steps: scenario.steps.slice(0, at) },
    create,
    (one) => {
      judge = one;
    },
  );
  if (failure) throw new UsageError(`${file}: the driver failed: ${failure}`);
  return { place: `${file}, step ${at}`, judge: judge!, unknown: null };
}
