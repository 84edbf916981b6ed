/** What a driver yields is not trusted: accesses are checked, and copied, before the machine carries them out. */
import { architectureOf } from "../../model/architectures.js";
import type { Profile } from "../../model/profile.js";
import type { HostPage } from "../../model/words/address.js";
import type { Access } from "./interface.js";

/** What exists on a machine. */
export interface Limits {
  /** Pages 0 to `memoryPages - 1` are memory. */
  readonly memoryPages: number;
  /** Bytes of the unit's registers. */
  readonly registerBytes: number;
}

/** What exists on the machine of a profile. */
export function limitsOf(profile: Profile): Limits {
  let limits = known.get(profile);
  if (!limits) {
    const registerBytes = architectureOf(profile).registerBytes(profile);
    limits = { memoryPages: profile.memoryPages, registerBytes };
    known.set(profile, limits);
  }
  return limits;
}

const known = new WeakMap<Profile, Limits>();

/** An access is not one that the interface knows; the message says what is expected of it. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

const WORDS = 512;
const LINES = 64;
export const REQUESTERS = 0x10000;

export type Fields = Readonly<Record<string, unknown>>;
type Checks = {
  readonly [Kind in Access["do"]]: (fields: Fields, limits: Limits) => Extract<Access, { do: Kind }>;
};

const CHECKS: Checks = {
  store: (from, limits) => ({
    do: "store",
    page: pageOf(from, limits),
    word: below(WORDS, "word", from.word),
    low: bits("low", from.low),
    high: bits("high", from.high),
  }),
  "read-memory": (from, limits) => ({
    do: "read-memory",
    page: pageOf(from, limits),
    word: below(WORDS, "word", from.word),
  }),
  "clear-page": (from, limits) => ({ do: "clear-page", page: pageOf(from, limits) }),
  load: (from, limits) => ({
    do: "load",
    page: pageOf(from, limits),
    word: below(WORDS, "word", from.word),
  }),
  "flush-line": (from, limits) => ({
    do: "flush-line",
    page: pageOf(from, limits),
    line: below(LINES, "line", from.line),
  }),
  "flush-page": (from, limits) => ({ do: "flush-page", page: pageOf(from, limits) }),
  "write-register": (from, limits) => ({
    do: "write-register",
    offset: registerOffset(from.offset, width(from.width), limits),
    width: width(from.width),
    low: bits("low", from.low),
    high: bits("high", from.high),
  }),
  "read-register": (from, limits) => ({
    do: "read-register",
    offset: registerOffset(from.offset, width(from.width), limits),
    width: width(from.width),
  }),
  "poll-register": (from, limits) => ({
    do: "poll-register",
    offset: registerOffset(from.offset, 4, limits),
    mask: bits("mask", from.mask),
    value: bits("value", from.value),
  }),
  "poll-memory": (from, limits) => ({
    do: "poll-memory",
    page: pageOf(from, limits),
    word: below(WORDS, "word", from.word),
    value: bits("value", from.value),
  }),
  lock: (from) => ({ do: "lock", lock: text("lock", from.lock) }),
  unlock: (from) => ({ do: "unlock", lock: text("lock", from.lock) }),
  "allocate-table": () => ({ do: "allocate-table" }),
  "free-table": (from, limits) => ({ do: "free-table", page: pageOf(from, limits) }),
  "reset-device": (from) => ({
    do: "reset-device",
    requester: below(REQUESTERS, "requester", from.requester),
  }),
  settled: (from) => ({ do: "settled", ticket: below(Number.MAX_SAFE_INTEGER, "ticket", from.ticket) }),
};

const checks = new Map<unknown, Checks[Access["do"]]>(Object.entries(CHECKS));

/**
 * The access that `value` says, as an object of its own: what yields it may go on and change it.
 * @throws Malformed when it is none
 */
export function wellFormed(value: unknown, limits: Limits): Access {
  const from = fieldsOf(value);
  const check = checks.get(from.do);
  if (!check) throw new Malformed(`do has to be one of ${[...checks.keys()].join(", ")}`);
  return check(from, limits);
}

/** What an access says. @throws Malformed when the value is not an object */
export function fieldsOf(value: unknown): Fields {
  if (typeof value === "object" && value !== null) return value as Fields;
  throw new Malformed("an access has to be an object such as { do: 'load', page, word }");
}

function pageOf(from: Fields, { memoryPages }: Limits): HostPage {
  return below(memoryPages, "page", from.page);
}

/** A whole number from 0 to `end - 1`. */
export function below(end: number, field: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value < end && Number.isInteger(value)) return value;
  throw new Malformed(`${field} has to be a whole number from 0 to 0x${(end - 1).toString(16)}`);
}

/** 32 bits, unsigned. */
function bits(field: string, value: unknown): number {
  if (typeof value === "number" && value >>> 0 === value) return value;
  const hint =
    typeof value === "number" && (value | 0) === value ? ": of a negative number make one by >>> 0" : "";
  throw new Malformed(`${field} has to be a whole number from 0 to 0xffffffff${hint}`);
}

function width(value: unknown): 4 | 8 {
  if (value === 4 || value === 8) return value;
  throw new Malformed("width has to be 4 or 8");
}

/** 11.2: registers are accessed at offsets that the width divides. */
function registerOffset(value: unknown, size: 4 | 8, { registerBytes }: Limits): number {
  const offset = below(registerBytes, "offset", value);
  if (offset % size !== 0) throw new Malformed(`offset has to be a multiple of ${size}`);
  return offset;
}

export function text(field: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new Malformed(`${field} has to be a string`);
}
