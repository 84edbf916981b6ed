/** The words that steps of a trace are made of: pages, addresses, rights, entries. Page numbers are hexadecimal. */
import { type Grant, Right } from "../../model/isolation/events.js";
import { dataRegions, tablePages } from "../places.js";
import type { Line } from "./notation-line.js";

/** Pages `p0`, `p1`, …: two regions of 2 MiB, the first page of each aligned for a superpage. */
const FIRST_DATA_PAGE = dataRegions[0]!;
const DATA_PAGES = dataRegions.length * 512;
/** Pages `t0`, `t1`, …: behind all that has a place of its own. */
const FIRST_NAMED_TABLE = tablePages[tablePages.length - 1]! + 1;
const NAMED_TABLES = 256;
/** Tables without a name, handed out in order of first use. */
export const firstUnnamedTable = FIRST_NAMED_TABLE + NAMED_TABLES;

/** Every page `p…`. */
export const tracePages: readonly number[] = Array.from(
  { length: DATA_PAGES },
  (_, index) => FIRST_DATA_PAGE + index,
);
/** A run of host pages. */
export interface Run {
  readonly page: number;
  readonly pages: number;
}

/** Where a store goes: an entry of a domain's tables by address, or of a page by index. */
export interface EntryPlace {
  /** A domain such as `d1`, or null for a page. */
  readonly domain: string | null;
  /** The page when there is no domain. */
  readonly page: number;
  /** First address, as a page number, or first index. */
  readonly first: number;
  readonly count: number;
  readonly level: number;
}

const PAGE = /^([pt@])([0-9a-f]+)$/;
const RUN = /^([pt@])([0-9a-f]+)(?:\.\.([pt@])([0-9a-f]+))?$/;
const MAPPING = /^(d\d+)\[([0-9a-f]+)\]$/;
const ENTRY = /^(?:(d\d+)|([pt])([0-9a-f]+))\[([0-9a-f]+)(?:\.\.([0-9a-f]+))?\](?:\/([1-6]))?$/;
const RIGHTS = { "-": 0, r: Right.read, w: Right.write, rw: Right.both } as const;
/** A device entry by its device, or one of its first two words. */
export const DEVICE_ENTRY = /^([A-Z][A-Za-z0-9]*)(?:\.(low|high))?$/;
const DEVICE = /^[A-Z][A-Za-z0-9]*$/;
const DOMAIN = /^d\d+$/;

const hex = (digits: string): number => Number.parseInt(digits, 16);

export function takeDevice(line: Line): string {
  return line.take("a device such as A", DEVICE)[0];
}

export function takeDomain(line: Line): string {
  return line.take("a domain such as d1", DOMAIN)[0];
}

/** A domain, if one comes next. */
export function takeDomainIf(line: Line): string | null {
  return line.takeIf(DOMAIN)?.[0] ?? null;
}

/** Whose pages are whose. */
export function takeOwner(line: Line): string {
  return line.take("an owner such as guest", /^[a-z][a-z0-9]*$/)[0];
}

export function takeIova(line: Line): number {
  return takeIovaIf(line) ?? line.fail("a device address such as 10, a hexadecimal page number");
}

/** A device address, as a page number, if one comes next. */
export function takeIovaIf(line: Line): number | null {
  const match = line.takeIf(/^[0-9a-f]+$/);
  return match && hex(match[0]);
}

/** A number written in decimal. */
export function takeNumber(line: Line, what: string): number {
  return Number(line.take(what, /^\d+$/)[0]);
}

export function takePage(line: Line): number {
  const [, space, digits] = line.take("a page such as p1, t1 or @fee00", PAGE);
  return pageOf(line, space!, digits!);
}

export function takeRun(line: Line): Run {
  const run = takeRunIf(line);
  return run ?? line.fail("a page such as p1, or pages such as p0..p1ff");
}

/** A page or a run of them, if one comes next. */
export function takeRunIf(line: Line): Run | null {
  const match = line.takeIf(RUN);
  if (!match) return null;
  const page = pageOf(line, match[1]!, match[2]!);
  const last = match[3] === undefined ? page : pageOf(line, match[3], match[4]!);
  if (last < page || (match[3] !== undefined && match[3] !== match[1]))
    line.reject("a run of pages goes up from its first page to a last one of the same letter");
  return { page, pages: last - page + 1 };
}

/** @throws TraceError when there is no such page */
function pageOf(line: Line, space: string, digits: string): number {
  const number = hex(digits);
  if (space === "@") return number;
  const [start, count] = space === "p" ? [FIRST_DATA_PAGE, DATA_PAGES] : [FIRST_NAMED_TABLE, NAMED_TABLES];
  if (number >= count) line.reject(`there are only pages ${space}0 to ${space}${(count - 1).toString(16)}`);
  return start + number;
}

/** `r`, `w`, `rw`, or `-` for neither, as `Right` bits, if they come next. */
export function takeRightsIf(line: Line): number | null {
  const match = line.takeIf(/^(-|r|w|rw)$/);
  return match && RIGHTS[match[0] as keyof typeof RIGHTS];
}

export function takeRights(line: Line): number {
  return takeRightsIf(line) ?? line.fail("rights: r, w, rw or -");
}

/** A bit of an entry that is to be set or cleared. */
export interface Bit {
  readonly bit: number;
  readonly set: boolean;
}

/** `+bit5` or `-bit5`, as many as there are, of an entry of so many bits. */
export function takeBits(line: Line, count: number): Bit[] {
  const bits: Bit[] = [];
  for (let match = takeBit(line); match; match = takeBit(line)) {
    const bit = Number(match[2]);
    if (bit >= count) line.reject(`the entry has bits 0 to ${count - 1}`);
    bits.push({ bit, set: match[1] === "+" });
  }
  return bits;
}

function takeBit(line: Line): RegExpExecArray | null {
  return line.takeIf(/^([+-])bit(\d+)$/);
}

/** Addresses of a domain without a level: `d1[10]`. */
export function takeMapping(line: Line): Pick<Grant, "domain" | "iova"> {
  const [, domain, iova] = line.take("addresses of a domain such as d1[10]", MAPPING);
  return { domain: domain!, iova: hex(iova!) };
}

/** `d1[10]`, `d1[0]/2`, `t1[3]`, `t1[0..1ff]`, if one comes next. */
export function takeEntryIf(line: Line): EntryPlace | null {
  const match = line.takeIf(ENTRY);
  if (!match) return null;
  const [, domain, space, digits, from, to, level] = match;
  const first = hex(from!);
  const count = to === undefined ? 1 : hex(to) - first + 1;
  if (count < 1) line.reject("a range of entries goes up from its first to its last");
  const page = domain === undefined ? pageOf(line, space!, digits!) : 0;
  if (domain === undefined && first + count > 512) line.reject("a page has entries 0 to 1ff");
  return { domain: domain ?? null, page, first, count, level: Number(level ?? 1) };
}

export function takeEntry(line: Line): EntryPlace {
  return takeEntryIf(line) ?? line.fail("an entry such as d1[10], d1[0]/2 or t1[3]");
}
