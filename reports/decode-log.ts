/** Messages of kernels, explained as text. Messages that differ in nothing but the address are told once. */
import type { LogFact, LogFinding } from "../model/kernel-log.js";
import type { Decoded } from "../model/structure.js";
import { verdictLines } from "./decode.js";

/** A message of a log with its place. */
export interface LoggedMessage {
  readonly line: number;
  readonly text: string;
  readonly finding: LogFinding;
}

/** Messages that say the same of one or more addresses. */
export interface MessageGroup {
  readonly first: LoggedMessage;
  readonly lines: readonly number[];
  /** In the order in which they came, each once. */
  readonly addresses: readonly bigint[];
}

/** Addresses that are named; of more only the number is told. */
const MOST_NAMED = 6;

/** The messages in groups, in the order of their first. */
export function groupMessages(messages: readonly LoggedMessage[]): MessageGroup[] {
  const groups = new Map<string, { first: LoggedMessage; lines: number[]; addresses: Set<bigint> }>();
  for (const one of messages) {
    const { architecture, what, facts, flags, entry } = one.finding;
    const key = JSON.stringify([architecture, what, facts, flags, entry]);
    const group = groups.get(key) ?? { first: one, lines: [], addresses: new Set<bigint>() };
    group.lines.push(one.line);
    if (one.finding.address !== null) group.addresses.add(one.finding.address);
    groups.set(key, group);
  }
  return [...groups.values()].map((group) => ({ ...group, addresses: [...group.addresses] }));
}

/** A group with the entry that its messages show, decoded. */
export interface ExplainedGroup extends MessageGroup {
  readonly decoded: Decoded | null;
}

/** Every group explained, and how many lines were passed over. */
export function logLines(groups: readonly ExplainedGroup[], passedOver: number): string[] {
  const rest = `${count(passedOver, "other line")} passed over`;
  if (groups.length === 0) return [`no message about a fault is understood; ${rest}`];
  return [...groups.flatMap((group) => [...groupLines(group), ""]), rest];
}

function groupLines({ first, lines, addresses, decoded }: ExplainedGroup): string[] {
  const { what, section, facts, rules, flags, causes } = first.finding;
  const set = flags.filter((one) => one.value !== "0");
  const times = lines.length > 1 ? ` (and ${lines.length - 1} more like it)` : "";
  return [
    `line ${first.line}${times}: ${first.text}`,
    `  ${what}${section === "" ? "" : ` (${section})`}`,
    ...[...facts, ...addressFacts(addresses)].map(({ name, value }) => `  ${name}: ${value}`),
    ...set.map(({ name, value, says, meaning }) => `  ${name} = ${value}: ${says === "" ? meaning : says}`),
    ...rules.map(({ id, statement, section: of }) => `  broken rule ${id} (${of}): ${statement}`),
    ...(decoded ? entryLines(decoded) : []),
    ...causes.map((one) => `  - ${one}`),
  ];
}

function addressFacts(addresses: readonly bigint[]): LogFact[] {
  const [only, ...more] = addresses;
  if (only === undefined) return [];
  if (more.length === 0) return [{ name: "address", value: showPlace(only) }];
  const named = addresses.slice(0, MOST_NAMED).map(hex).join(", ");
  const rest = addresses.length > MOST_NAMED ? ", …" : "";
  return [{ name: `${addresses.length} addresses`, value: `${named}${rest}` }];
}

function showPlace(address: bigint): string {
  return `${hex(address)}: page ${hex(address >> 12n)}, offset ${hex(address & 0xfffn)}`;
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** The fields of an entry that are not zero, and what it breaks. */
function entryLines(decoded: Decoded): string[] {
  const set = decoded.fields.filter((one) => one.value !== "0");
  return [
    ...set.map(({ name, bits, value, says, meaning }) => {
      const told = says === "" ? meaning : `${meaning}: ${says}`;
      return `  ${name} (${bits}) = ${value}: ${told}`;
    }),
    ...(set.length === 0 ? ["  every field is 0"] : []),
    ...[...decoded.summary, ...verdictLines(decoded)].map((line) => `  ${line}`),
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
