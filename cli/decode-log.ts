/** `decode log`: messages of Linux and Xen about faults, explained; everything else in the log is passed over. */
import { existsSync, readFileSync } from "node:fs";
import { architectures } from "../model/architectures.js";
import { bareLog, type LogFinding } from "../model/kernel-log.js";
import type { Profile } from "../model/profile.js";
import { type Decoded, fullName, type Structure } from "../model/structure.js";
import {
  type ExplainedGroup,
  groupMessages,
  type LoggedMessage,
  logLines,
  type MessageGroup,
} from "../reports/decode-log.js";
import { chosenProfile, decodedBy } from "./decode-entry.js";
import { ExitCode } from "./errors.js";
import type { Options } from "./options.js";

/** File descriptor of standard input. */
const STANDARD_INPUT = 0;

/** Prints what the messages mean and returns the exit code: 1 when there are any. */
export function decodeLog(options: Options, print: (line: string) => void): ExitCode {
  const profile = chosenProfile(options);
  const log = bareLog(textOf(options.positionals.slice(2)));
  const lineAt = lineFinder(log);
  const findings = options.architectures.flatMap((one) => one.messages(log)).sort((a, b) => a.from - b.from);
  const messages = findings.map((one) => messageOf(one, log, lineAt(one.from)));
  const groups = groupMessages(messages).map((one) => ({ ...one, decoded: shownEntry(one, profile) }));
  const passedOver = linesWithout(log, findings, lineAt);
  if (options.json) print(JSON.stringify({ messages: groups.map(plain), passedOver }, null, 2));
  else for (const line of logLines(groups, passedOver)) print(line);
  return messages.length > 0 ? ExitCode.violated : ExitCode.holds;
}

/** A file, standard input, or the line itself. */
function textOf(given: readonly string[]): string {
  const [first = "-", ...more] = given;
  if (more.length === 0 && first === "-") return readFileSync(STANDARD_INPUT, "utf8");
  if (more.length === 0 && (existsSync(first) || !/\s/.test(first))) return readFileSync(first, "utf8");
  return given.join(" ");
}

function messageOf(finding: LogFinding, log: string, line: number): LoggedMessage {
  const { from, until } = finding;
  return { line, text: log.slice(from, until).replaceAll(/\s+/g, " ").trim(), finding };
}

function shownEntry({ first }: MessageGroup, profile: Profile | null): Decoded | null {
  const { architecture, entry } = first.finding;
  if (!entry) return null;
  return decodedBy(structureNamed(`${architecture}.${entry.structure}`), entry.words, profile);
}

function structureNamed(name: string): Structure {
  return architectures.flatMap((one) => one.structures.all).find((one) => fullName(one) === name)!;
}

/** Numbers of lines by where something is in the log. */
function lineFinder(log: string): (at: number) => number {
  const ends = [...log.matchAll(/\n/g)].map((one) => one.index);
  return (at) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ends[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}

/** Lines with something in them that belong to no message. */
function linesWithout(log: string, findings: readonly LogFinding[], lineAt: (at: number) => number): number {
  const taken = new Set(
    findings.flatMap(({ from, until }) => {
      const first = lineAt(from);
      return Array.from({ length: lineAt(until) - first + 1 }, (_, index) => first + index);
    }),
  );
  return log.split("\n").filter((line, index) => line.trim() !== "" && !taken.has(index + 1)).length;
}

function plain({ first, lines, addresses, decoded }: ExplainedGroup) {
  const { architecture, what, section, rules, facts, flags, causes } = first.finding;
  const shown = addresses.map((one) => `0x${one.toString(16)}`);
  const told = { text: first.text, lines, architecture, what, section, facts, addresses: shown };
  return { ...told, flags, rules, causes, entry: decoded };
}
