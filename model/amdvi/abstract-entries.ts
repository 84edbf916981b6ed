/** The entries that the abstract AMD-Vi unit keeps: their tags, what they say, and which commands remove them. */
import { Structure, type TableReader, Translation } from "../windows/walk.js";
import type { InvalidationTarget } from "./invalidations.js";
import type { AmdViPlatform } from "./profile.js";
import { type AmdViFaultRule, faultRules } from "./rules.js";
import { codedPages, defaultPages } from "./tables.js";
import { lookUpDevice, pageOf } from "./walk.js";

/** What a device table entry, or one of its two words where they are read one by one, was read as. */
export interface DeviceEntry {
  readonly cache: "device";
  readonly deviceId: number;
  /** Page that it was read from: the words of one entry are read at one place. */
  readonly page: number;
  /** 0 for the first word, or for both; 1 for the second. */
  readonly part: 0 | 1;
  readonly value: readonly number[];
}

/** What the tables say on the way to one page. */
export interface Found {
  readonly end: "table" | "page" | "not present" | "fault";
  readonly rule: AmdViFaultRule | null;
  /** The next table and its level, or the page that the input address gets. */
  readonly page: number;
  readonly level: number;
  /** Rights of the entries so far. */
  readonly readable: number;
  readonly writable: number;
  /** Pages that the entry is for, a power of two. */
  readonly span: number;
}

/** An entry of the page directory cache, for one page of its span. */
export interface DirectoryEntry extends Found {
  readonly cache: "directory";
  readonly domainId: number;
  readonly input: number;
}

/** An entry of the I/O TLB, for one page of its span; 0 for a result that no table gives (Mode 0). */
export interface TlbEntry extends Found {
  readonly cache: "tlb";
  readonly deviceId: number;
  readonly domainId: number;
  readonly input: number;
  /** Of the device table entry it was filled under. */
  readonly access: number;
  readonly suppresses: boolean;
}

export type Entry = DeviceEntry | DirectoryEntry | TlbEntry;

/** Where a walk may begin to read. */
export interface Start {
  readonly table: number;
  readonly level: number;
  readonly readable: number;
  readonly writable: number;
}

/** What a device table entry says of requests to one page. */
export interface Device {
  readonly deviceId: number;
  readonly fault: AmdViFaultRule | null;
  /** A check that some units apply. */
  readonly optionalFault: AmdViFaultRule | null;
  readonly domainId: number;
  readonly access: number;
  readonly suppresses: boolean;
  readonly passThrough: boolean;
  readonly levels: number;
  readonly table: number;
}

/** The meaning of a device table entry is the specification's own list of checks: it is asked of the walk. */
export function deviceOf(
  platform: AmdViPlatform,
  deviceId: number,
  page: number,
  value: readonly number[],
): Device {
  const [low, high, low2, high2] = value as [number, number, number, number];
  const reader: TableReader = {
    low,
    high,
    low2,
    high2,
    translationEnabled: () => true,
    tablePointer: () => 511,
    read: (structure) => structure === Structure.device,
    startLevel: () => undefined,
    tableReached: () => undefined,
  };
  const out = new Translation<AmdViFaultRule>();
  const passed = lookUpDevice(platform, reader, deviceId, page, out);
  return {
    deviceId,
    fault: passed ? null : out.fault,
    optionalFault: out.optionalFault,
    domainId: out.domainId,
    access: out.deviceAccess,
    suppresses: out.suppresses,
    passThrough: out.passThrough,
    levels: out.firstLevel,
    table: out.table,
  };
}

/** What an entry of a host page table says to a walk that reads it there (2.2.3). */
export function tableEntryOf(
  platform: AmdViPlatform,
  { level, readable, writable }: Start,
  input: number,
  value: readonly number[],
): Found {
  const [low, high] = value as [number, number];
  const slot = defaultPages(level);
  const rights = { readable: readable & (high >>> 29) & 1, writable: writable & (high >>> 30) & 1 };
  const ends = (end: Found["end"], rule: AmdViFaultRule | null, from = rights): Found => ({
    end,
    rule,
    page: 0,
    level,
    ...from,
    span: slot,
  });
  if ((low & 1) === 0) return ends("not present", faultRules.notPresent, { readable, writable });
  const next = (low >>> 9) & 7;
  const mapsPages = next === 0 || next === 7;
  const mask = mapsPages ? platform.reserved.pte : platform.reserved.pde;
  if ((low & mask[0]!) !== 0 || (high & mask[1]!) !== 0) return ends("fault", faultRules.tableReserved);
  const address = pageOf(low, high);
  if (!mapsPages) {
    if (next >= level) return ends("fault", faultRules.levelIllegal);
    const reached = defaultPages(next + 1);
    if (input % slot >= reached) return ends("fault", faultRules.skippedBits);
    return { ...ends("table", null), page: address, level: next };
  }
  const span = next === 0 ? slot : codedPages(address);
  const fits = next === 0 || (span > slot && span < slot * 512);
  if (!fits || level === 6) return ends("fault", faultRules.pageSize);
  const offset = input - Math.floor(input / span) * span;
  return { ...ends("page", null), page: Math.floor(address / span) * span + offset, span };
}

/** 2.2.2, Mode 0: an address is its own translation, and no table gives it a size. */
export function identity(page: number): Found {
  return { end: "page", rule: null, page, level: 0, readable: 1, writable: 1, span: 0 };
}

export function isFaulty(entry: DirectoryEntry | TlbEntry): boolean {
  return entry.end === "fault" || entry.end === "not present";
}

/** Tags and content of an entry in one string. */
export function nameOf(entry: Entry): string {
  if (entry.cache === "device") return `device ${entry.deviceId} ${entry.page} ${entry.part} ${entry.value}`;
  const { domainId, input, end, rule, page, level, readable, writable, span } = entry;
  const tags = entry.cache === "tlb" ? `${entry.deviceId} ${entry.access} ${entry.suppresses}` : "";
  return `${entry.cache} ${tags} ${domainId} ${input} ${end} ${rule?.id} ${page} ${level} ${readable} ${writable} ${span}`;
}

/** 2.4.2, 2.4.3, 2.4.8: what a command must remove. */
export function removes(target: InvalidationTarget, entry: Entry): boolean {
  if (target.command === "invalidate-iommu-all") return true;
  if (target.command === "invalidate-devtab-entry")
    return entry.cache === "device" && entry.deviceId === target.deviceId;
  if (entry.cache === "device" || entry.domainId !== target.domainId) return false;
  if (entry.cache === "directory" && !target.directories) return false;
  const first = entry.span === 0 ? 0 : entry.input - (entry.input % entry.span);
  const end = target.firstPage + target.pageCount;
  // A result without a size is certain to go only when every page does.
  if (entry.span === 0) return target.firstPage === 0 && target.pageCount >= 2 ** 52;
  return first < end && target.firstPage < first + entry.span;
}
