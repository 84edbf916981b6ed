/**
 * A notation for traces of software: a header that says where a run takes place and what verdict it deserves, and steps,
 * one on a line. `docs/trace-notation.md` has the grammar.
 */
import type { TraceRecord } from "../../model/isolation/events.js";
import { dialectOf } from "./notation-dialects.js";
import { type Expectation, parseHeader } from "./notation-header.js";
import { Line } from "./notation-line.js";
import { TraceSteps } from "./notation-steps.js";
import { tracePages } from "./notation-words.js";
import type { RecordedTrace } from "./recorded.js";

export type { Expectation } from "./notation-header.js";
export { TraceError } from "./notation-line.js";

/** A trace that was read from its notation. */
export interface ParsedTrace extends RecordedTrace {
  readonly records: readonly TraceRecord[];
  readonly title: string;
  /** The verdict it deserves, and why. */
  readonly expectation: Expectation;
  readonly because: string;
  /** The line, counted from 1, that an action comes from. @throws RangeError when there is no such action */
  lineOfAction(index: number): number;
}

/**
 * The trace that a text in the notation describes: every store is encoded as the platform reads it, every poll sees
 * what it waits for.
 * @param name the name of the file, for messages
 * @throws TraceError naming the line that does not fit and what was expected there
 */
export function parseTrace(text: string, name: string): ParsedTrace {
  const lines = text.split("\n").map((one, index) => new Line(name, index + 1, one));
  const end = lines.findIndex((line) => line.takeIf(/^---$/) !== null);
  if (end < 0) lines[lines.length - 1]!.reject("a line --- has to part the header from the steps");
  const header = parseHeader(lines.slice(0, end).filter(isUsed), lines[end]!);
  const steps = new TraceSteps(header, lines[end]!);
  for (const line of lines.slice(end + 1).filter(isUsed)) steps.perform(line);
  const { records, lines: lineNumbers } = steps.recorder;
  const { places } = dialectOf(header.profile.architecture);
  const { queuePage, statusPage, logPage } = places;
  return {
    title: header.title,
    expectation: header.expectation,
    because: header.because,
    profile: header.profile,
    setup: {
      start: header.translating ? "translating" : "reset",
      rootPage: places.roots[0]!,
      rootPages: places.rootPages,
      queuePage,
      logPage,
      requesters: [...header.devices.values()],
      dataPages: tracePages,
      tablePages: [queuePage, statusPage, logPage ?? [], pagesOfTables(records)].flat(),
    },
    records,
    lineOfAction(index) {
      const line = lineNumbers[index];
      if (line === undefined) throw new RangeError(`the trace has no action ${index}`);
      return line;
    },
  };
}

function isUsed(line: Line): boolean {
  return !line.isBlank;
}

/** Every page that holds tables at some time. */
function pagesOfTables(records: readonly TraceRecord[]): number[] {
  return records.flatMap((one) => ("event" in one && one.event === "allocate-table" ? [one.page] : []));
}
