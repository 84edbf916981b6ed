/** The entries that the abstract IOMMU keeps: their tags, what they say, and which invalidations remove them. */
import type { InvalidationTarget } from "./invalidations.js";
import { faultRules, type VtdFaultRule } from "./rules.js";
import { PAGES_BY_LEVEL, TranslationType } from "./tables.js";
import { pageOf, type WalkPlatform } from "./walk.js";

/** What a walk carries down, and what an entry below the context entry says. */
export interface Rights {
  readonly readable: number;
  readonly writable: number;
}

/** What reading a second-stage entry leads to. `page` is the next table, or the page that the input address gets. */
export interface Found extends Rights {
  readonly end: "table" | "page" | "not present" | "fault";
  readonly page: number;
  /** The address passed through; absent when tables translated it. */
  readonly passedThrough?: true;
}

export interface RootEntry {
  readonly fault: VtdFaultRule | null;
  readonly table: number;
}

export interface ContextEntry {
  readonly cache: "context";
  readonly sourceId: number;
  /** Zero for an entry that faults (6.1). */
  readonly domainId: number;
  readonly fault: VtdFaultRule | null;
  readonly faultProcessingDisabled: boolean;
  readonly passThrough: boolean;
  readonly levels: number;
  readonly table: number;
}

/** An entry of `level` on the way to every page of its region. Found by domain id, so functions share it. */
export interface PagingEntry extends Found {
  readonly cache: "paging";
  readonly domainId: number;
  readonly level: number;
  readonly firstPage: number;
}

/** The result for one page, kept as a part of the largest entry that can give it. */
export interface IotlbEntry extends Found {
  readonly cache: "iotlb";
  readonly sourceId: number;
  readonly domainId: number;
  readonly input: number;
  /** How many pages that entry is for, aligned; all that there are with pass-through. */
  readonly span: number;
  readonly faultProcessingDisabled: boolean;
}

export type Entry = ContextEntry | PagingEntry | IotlbEntry;

/** Where a walk may begin to read: the table of the context entry, or the one a paging-structure entry leads to. */
export interface Start extends Rights {
  readonly table: number;
  readonly level: number;
  readonly first: boolean;
}

export function rootOf(platform: WalkPlatform, value: readonly number[]): RootEntry {
  if ((value[0]! & 1) === 0) return { table: 0, fault: faultRules.rootPresent };
  if (anyBit(value, platform.reserved.root)) return { table: 0, fault: faultRules.rootReserved };
  return { fault: null, table: pageOf(value[0]!, value[1]!) };
}

/** What a context entry says; both answers where some hardware applies a check that other hardware does not. */
export function contextsOf(
  platform: WalkPlatform,
  sourceId: number,
  value: readonly number[],
): ContextEntry[] {
  const fault = contextFault(platform, value);
  const disputed = disputedFault(platform, value, fault);
  const certain = fault ? faultyContext(sourceId, value, fault) : acceptedContext(sourceId, value);
  return disputed ? [certain, faultyContext(sourceId, value, disputed)] : [certain];
}

function acceptedContext(sourceId: number, value: readonly number[]): ContextEntry {
  const [low, high, low2] = value as [number, number, number];
  return {
    cache: "context",
    sourceId,
    domainId: (low2 >>> 8) & 0xffff,
    fault: null,
    faultProcessingDisabled: (low & 2) !== 0,
    passThrough: typeOf(value) === TranslationType.passThrough,
    levels: levelsOf(value),
    table: pageOf(low, high),
  };
}

function contextFault(platform: WalkPlatform, value: readonly number[]): VtdFaultRule | null {
  const [low, high, low2, high2] = value as [number, number, number, number];
  if ((low & 1) === 0) return faultRules.contextPresent;
  const type = typeOf(value);
  const checked =
    type === TranslationType.passThrough ? [low & 0xfff, 0, low2, high2] : [low, high, low2, high2];
  if (anyBit(checked, platform.reserved.context)) return faultRules.contextReserved;
  if (((platform.supportedLevels >>> levelsOf(value)) & 1) === 0) return faultRules.contextAddressWidth;
  const typesAllowed = [true, platform.deviceTlb, platform.passThrough, false];
  return typesAllowed[type] ? null : faultRules.contextTranslationType;
}

/** 9.3 can be read so that a pass-through entry needs the largest width, and an address like any other. */
function disputedFault(
  platform: WalkPlatform,
  value: readonly number[],
  fault: VtdFaultRule | null,
): VtdFaultRule | null {
  if (typeOf(value) !== TranslationType.passThrough) return null;
  if (fault === faultRules.contextPresent || fault === faultRules.contextReserved) return null;
  const widthUnsupported = fault === faultRules.contextAddressWidth;
  if (!widthUnsupported && levelsOf(value) !== platform.largestLevels) return faultRules.contextAddressWidth;
  return anyBit(value, platform.reserved.context) ? faultRules.contextReserved : null;
}

/** What a second-stage entry says to a walk that reads it there. */
export function secondStageOf(
  platform: WalkPlatform,
  { level, readable, writable }: Start,
  input: number,
  value: readonly number[],
): Found {
  const [low, high] = value as [number, number];
  const { secondStageLow, secondStageHigh } = platform.reserved;
  if ((low & 3) === 0) return { end: "not present", page: 0, readable: 0, writable: 0 };
  const leaf = level === 1 || (level <= 3 && (low & 0x80) !== 0);
  const layout = level * 2 + Number(leaf);
  const rights = { readable: readable & low, writable: writable & (low >>> 1) };
  if ((low & secondStageLow[layout]!) !== 0 || (high & secondStageHigh[layout]!) !== 0) {
    return { end: "fault", page: 0, ...rights };
  }
  const base = pageOf(low, high);
  if (!leaf) return { end: "table", page: base, ...rights };
  return { end: "page", page: base + (input % PAGES_BY_LEVEL[level]!), ...rights };
}

/** 3.9: a pass-through address is its own translation. */
export function identity(page: number): Found {
  return { end: "page", page, readable: 1, writable: 1, passedThrough: true };
}

export function iotlbTags(context: ContextEntry, input: number, span: number) {
  const { sourceId, domainId, faultProcessingDisabled } = context;
  return { cache: "iotlb", sourceId, domainId, input, span, faultProcessingDisabled } as const;
}

export function isFaulty(entry: Entry): boolean {
  if (entry.cache === "context") return entry.fault !== null;
  return entry.end === "fault" || entry.end === "not present";
}

/** Tags and content of an entry in one string. */
export function nameOf(entry: Entry): string {
  switch (entry.cache) {
    case "context":
      return `context ${entry.sourceId} ${entry.domainId} ${entry.levels} ${entry.table} ${entry.passThrough} ${entry.faultProcessingDisabled} ${entry.fault?.id}`;
    case "paging":
      return `paging ${entry.domainId} ${entry.level} ${entry.firstPage} ${entry.end} ${entry.page} ${entry.readable} ${entry.writable}`;
    default:
      return `iotlb ${entry.sourceId} ${entry.domainId} ${entry.input} ${entry.span} ${entry.faultProcessingDisabled} ${entry.end} ${entry.page} ${entry.readable} ${entry.writable}`;
  }
}

function typeOf(context: readonly number[]): number {
  return (context[0]! >>> 2) & 3;
}

function levelsOf(context: readonly number[]): number {
  return (context[2]! & 7) + 2;
}

/** In Caching Mode, entries that fault are kept under domain id 0 (6.1). */
function faultyContext(sourceId: number, value: readonly number[], fault: VtdFaultRule): ContextEntry {
  const faultProcessingDisabled = (value[0]! & 2) !== 0;
  return {
    cache: "context",
    sourceId,
    domainId: 0,
    fault,
    faultProcessingDisabled,
    passThrough: false,
    levels: 0,
    table: 0,
  };
}

function anyBit(value: readonly number[], mask: Uint32Array): boolean {
  return value.some((half, index) => (half & mask[index]!) !== 0);
}

/** 6.5.1, 6.5.3: what an invalidation must remove. */
export function removes(target: InvalidationTarget, entry: Entry): boolean {
  if (target.cache === "all") return true;
  if (target.cache === "context") {
    if (entry.cache !== "context") return false;
    if (target.granularity === "global") return true;
    if (entry.domainId !== target.domainId) return false;
    if (target.granularity === "domain") return true;
    return (entry.sourceId | target.ignoredSourceBits) === (target.sourceId | target.ignoredSourceBits);
  }
  if (entry.cache !== "paging" && entry.cache !== "iotlb") return false;
  if (target.granularity === "global") return true;
  if (entry.domainId !== target.domainId) return false;
  if (target.granularity === "domain") return true;
  const end = target.firstPage + target.pageCount;
  if (entry.cache === "iotlb") {
    // Entries and ranges are aligned: a range with one page of an entry has all of them unless it is the smaller one.
    return entry.span <= target.pageCount && entry.input >= target.firstPage && entry.input < end;
  }
  if (target.leafOnly) return false;
  return entry.firstPage < end && target.firstPage < entry.firstPage + PAGES_BY_LEVEL[entry.level]!;
}
