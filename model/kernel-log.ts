/** Messages of kernels about faults: the lines as they are pasted, and what is found in them. */
import type { ArchitectureId } from "./profile.js";
import type { Word } from "./trace.js";
import type { Rule } from "./words/rule.js";
import type { ShownField } from "./words/shown-fields.js";

/** A message that was understood. */
export interface LogFinding {
  readonly architecture: ArchitectureId;
  /** Where in the log it begins and ends. */
  readonly from: number;
  readonly until: number;
  /** What happened, in the specification's terms. */
  readonly what: string;
  /** Section of the specification; empty for what it says nothing about. */
  readonly section: string;
  /** The checks of the model whose failure is reported so. */
  readonly rules: readonly Rule[];
  /** Requester, access, domain and so on; not the address. */
  readonly facts: readonly LogFact[];
  /** The address as the message has it, in bytes; null when it has none. */
  readonly address: bigint | null;
  /** The flags that the message has, from their declared layout. */
  readonly flags: readonly ShownField[];
  /** What usually causes it, and what to look at. */
  readonly causes: readonly string[];
  /** An entry that the message shows. */
  readonly entry: LogEntry | null;
}

export interface LogFact {
  readonly name: string;
  readonly value: string;
}

/** An entry in a message, to be decoded. */
export interface LogEntry {
  /** Name of the structure, without the architecture. */
  readonly structure: string;
  readonly words: readonly Word[];
}

/** What a message of a kernel is about, before its place in the log is known. */
export type LogMeaning = Omit<LogFinding, "architecture" | "from" | "until">;

/** A form of message, and what one of it means. */
export interface LogForm {
  /** With flags `g` and `i`; white space between words may be a line break. */
  readonly pattern: RegExp;
  /** Null when the message is none of this kind after all; `before` is the log up to it. */
  readonly meaning: (
    groups: Readonly<Record<string, string | undefined>>,
    before: string,
  ) => LogMeaning | null;
}

/** A meaning of which only this is known. */
export function meaning(what: string, more: Partial<LogMeaning> = {}): LogMeaning {
  return {
    ...{ section: "", rules: [], facts: [], address: null, flags: [], causes: [], entry: null },
    ...more,
    what,
  };
}

/** The messages of these forms in a log. */
export function findInLog(
  log: string,
  architecture: ArchitectureId,
  forms: readonly LogForm[],
): LogFinding[] {
  return forms.flatMap(({ pattern, meaning: meaningOf }) =>
    [...log.matchAll(pattern)].flatMap((match) => {
      const found = meaningOf(match.groups ?? {}, log.slice(0, match.index));
      if (!found) return [];
      return [{ ...found, architecture, from: match.index, until: match.index + match[0].length }];
    }),
  );
}

/** What stands before a message: quotation marks, journal, level, time, caller. */
const PREFIXES: readonly RegExp[] = [
  /^[>\s|]+/,
  /^.*?\bkernel: */,
  /^.*?\(XEN\) */,
  /^<\d+> */,
  /^kern *: *\w+ *: */,
  /^\[ *\+?\d+\.\d+\] */,
  /^\[ *[TC]\d+\] */,
  /^\[(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [^\]]*\] */,
];

/** A log with the prefixes of its lines taken away, so that a message that goes on in the next line is one piece. */
export function bareLog(text: string): string {
  return text.split(/\r?\n/).map(bareLine).join("\n");
}

function bareLine(line: string): string {
  let bare = line;
  for (let before = ""; before !== bare; ) {
    before = bare;
    for (const prefix of PREFIXES) bare = bare.replace(prefix, "");
  }
  return bare;
}
