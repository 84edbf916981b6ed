/** Trace files of either kind, one record after the other, each with the line it comes from. */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { recordFrom } from "../generators/trace/format.js";
import { TraceFormatError } from "../generators/trace/format-codec.js";
import { headerFrom, type TraceHeader } from "../generators/trace/format-header.js";
import { parseTrace, TraceError } from "../generators/trace/notation.js";
import type { TraceRecord } from "../model/isolation/events.js";
import { UsageError } from "./errors.js";
import type { Options } from "./options.js";

/** A record and the line, counted from 1, that it comes from. */
export interface NumberedRecord {
  readonly record: TraceRecord;
  readonly line: number;
}

export interface TraceFile extends TraceHeader {
  /** The records, read while they are asked for. @throws UsageError at the first line that does not fit */
  records(): Iterable<NumberedRecord>;
}

const CHUNK = 1 << 20;
/** Traces in the notation of `docs/trace-notation.md`. */
const NOTATION = ".trace";

/** @throws UsageError when the file cannot be read, or its header does not fit */
export function openTrace(file: string): TraceFile {
  return file.endsWith(NOTATION) ? openNotation(file) : openLines(file);
}

function openNotation(file: string): TraceFile {
  const { profile, setup, records, lineOfAction } = parsed(file);
  return {
    profile,
    setup,
    protectedRuns: [],
    *records() {
      let action = 0;
      for (const record of records) {
        // What software says belongs to what it did last.
        const line = lineOfAction("action" in record ? action++ : Math.max(action - 1, 0));
        yield { record, line };
      }
    },
  };
}

function parsed(file: string): ReturnType<typeof parseTrace> {
  try {
    return parseTrace(readFileSync(file, "utf8"), file);
  } catch (error) {
    if (error instanceof TraceError) throw new UsageError(error.message);
    throw error;
  }
}

function openLines(file: string): TraceFile {
  const [first] = linesOf(file);
  if (!first) throw new UsageError(`${file}: empty; a trace begins with a header`);
  const { profile, setup, protectedRuns } = fitted(file, first, headerFrom);
  return {
    profile,
    setup,
    protectedRuns,
    *records() {
      for (const line of linesOf(file)) {
        if (line.number > first.number) yield { record: fitted(file, line, recordFrom), line: line.number };
      }
    },
  };
}

interface Line {
  readonly number: number;
  readonly text: string;
  /** False for a last line that nothing ends. */
  readonly ended: boolean;
}

/** The lines of a file that are not blank; only a chunk of it is in memory. */
function* linesOf(file: string): Generator<Line> {
  const descriptor = openSync(file, "r");
  try {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const decoder = new StringDecoder("utf8");
    let rest = "";
    let number = 0;
    for (let read = -1; read !== 0; ) {
      read = readSync(descriptor, chunk, 0, CHUNK, null);
      const lines = (rest + (read > 0 ? decoder.write(chunk.subarray(0, read)) : decoder.end())).split("\n");
      rest = lines.pop()!;
      for (const text of lines) {
        number++;
        if (text.trim() !== "") yield { number, text, ended: true };
      }
    }
    if (rest.trim() !== "") yield { number: number + 1, text: rest, ended: false };
  } finally {
    closeSync(descriptor);
  }
}

/** What a codec makes of a line. */
function fitted<T>(file: string, { number, text, ended }: Line, decode: (data: unknown) => T): T {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    const why = ended ? `not JSON (${(error as Error).message})` : "cut short in the middle of a line";
    throw new UsageError(`${file}:${number}: ${why}`);
  }
  try {
    return decode(data);
  } catch (error) {
    if (error instanceof TraceFormatError) throw new UsageError(`${file}:${number}: ${error.message}`);
    throw error;
  }
}

/** The one file a command is about. @throws UsageError when none or several are named */
export function traceArgument({ positionals }: Options, usage: string): string {
  const [, file, ...more] = positionals;
  if (file !== undefined && more.length === 0) return file;
  throw new UsageError(`${positionals[0]} takes one file: iommu-spec ${usage}`);
}
