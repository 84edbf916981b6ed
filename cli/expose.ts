/** `expose`: who can reach what at a point of a recorded trace, or of a scenario for drivers. */
import { TraceFormatError } from "../generators/trace/format-codec.js";
import { architectureOf, platformNamed } from "../model/architectures.js";
import { OutsideModel } from "../model/finding.js";
import type { IsolationJudge } from "../model/isolation/judge.js";
import type { DriverRun } from "../properties/driver-run.js";
import { ExposureBench } from "../properties/driver-subject.js";
import { PlatformExposureBench } from "../properties/platform/subject.js";
import type { AnyScenario } from "../properties/subject.js";
import { TraceRun } from "../properties/trace-run.js";
import { exposureAsJson, exposureLines, exposureRows } from "../reports/exposure.js";
import { isForDriver, isForPlatform } from "../reports/steps.js";
import { endProgram, openDriverFor, openPlatformFor } from "./drivers.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";
import { load } from "./replay.js";
import { openTrace, traceArgument } from "./trace-file.js";

/** Prints the exposure and returns the exit code: 1 when something can be reached that was not granted. */
export async function expose(options: Options, print: (line: string) => void): Promise<ExitCode> {
  const file = traceArgument(options, "expose FILE [--at N]");
  const point = file.endsWith(SCENARIO) ? await inScenario(file, options) : inTrace(file, options);
  if (point.unknown !== null) {
    const why = `from here on the specification does not say what follows: ${point.unknown}`;
    print(`${point.place}: ${why}`);
    return ExitCode.unknown;
  }
  const { model, ownership, isolating } = point.judge;
  const exposure = {
    place: point.place,
    isolating,
    rows: exposureRows(model, ownership),
  };
  if (options.json) print(exposureAsJson(exposure));
  else for (const line of exposureLines(exposure, model.requesters)) print(line);
  const ungranted = isolating && exposure.rows.some((one) => !one.granted);
  return ungranted ? ExitCode.violated : ExitCode.holds;
}

/** Saved scenarios and counterexamples; every other file is a trace. */
const SCENARIO = ".json";

/** A point of a run: the judge as it is there. */
interface Point {
  readonly place: string;
  readonly judge: IsolationJudge;
  /** Why nothing can be said from there on. */
  readonly unknown: string | null;
}

function inTrace(file: string, options: Options): Point {
  if (options.drivers.length > 0)
    throw new UsageError("a trace has its driver behind it: --driver is for saved scenarios");
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
  const at = options.at ?? scenario.steps.length;
  if (at > scenario.steps.length)
    throw new UsageError(`${file} has ${scenario.steps.length} steps, so there is no step ${at}`);
  const run = await runOf(file, scenario, at, options.drivers[0], recorded?.implementation);
  let judge: IsolationJudge | undefined;
  try {
    const { failure, finding, stepOf } = run((one) => {
      judge = one;
    });
    if (failure) throw new UsageError(`${file}: the driver failed: ${failure}`);
    const reached = finding ? `${(stepOf.at(-1) ?? -1) + 1}, the first violation` : at;
    return { place: `${file}, step ${reached}`, judge: judge!, unknown: null };
  } catch (error) {
    if (!(error instanceof OutsideModel)) throw error;
    return { place: file, judge: judge!, unknown: error.message };
  }
}

type Watched = (watch: (judge: IsolationJudge) => void) => Pick<DriverRun, "failure" | "finding" | "stepOf">;

/** Runs the first steps on the software that was named, else recorded, else built in. @throws UsageError */
async function runOf(
  file: string,
  scenario: AnyScenario,
  at: number,
  named: string | undefined,
  recorded: string | undefined,
): Promise<Watched> {
  const architecture = architectureOf(platformNamed(scenario.profile));
  if (isForDriver(scenario)) {
    const [recordedDriver] = recorded?.split(" on ") ?? [];
    const driver = await openDriverFor(architecture, named ?? recordedDriver);
    const first = { ...scenario, steps: scenario.steps.slice(0, at) };
    return (watch) => {
      try {
        return new ExposureBench().run(first, driver.create, watch);
      } finally {
        endProgram(driver);
      }
    };
  }
  if (isForPlatform(scenario)) {
    const { software } = await openPlatformFor(architecture, named ?? recorded);
    const first = { ...scenario, steps: scenario.steps.slice(0, at) };
    return (watch) => new PlatformExposureBench().run(first, software, watch);
  }
  throw new UsageError(`${file} is a scenario for IOMMUs: it says nothing about grants`);
}
