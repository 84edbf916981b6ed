/**
 * Legacy-mode address translation (VT-d 3.4.2, 3.7, 3.9), in the order of the specification's steps, over an abstract
 * reader. Which value of an entry is read (the current one, a cached one, any admissible one) is the reader's
 * business; what is checked, and in which order, is decided here and nowhere else.
 */
import { Effect, type Request } from "../trace.js";
import { Structure, type TableReader, type Translation } from "../windows/walk.js";
import { type Platform, type PlatformProfile, pageLimit, platformOf } from "./profile.js";
import { faultRules, type VtdFaultRule } from "./rules.js";
import { PAGES_BY_LEVEL, type ReservedBits, reservedBitsOf, TranslationType } from "./tables.js";

/** A platform with everything a walk looks up prepared. */
export interface WalkPlatform extends Platform {
  readonly reserved: ReservedBits;
  /** First page beyond 2^HAW. */
  readonly hostPageLimit: number;
  /** First page beyond 2^min(MGAW, AW), by number of levels. */
  readonly inputPageLimit: Float64Array;
}

export function walkPlatformOf(profile: PlatformProfile): WalkPlatform {
  const platform = platformOf(profile);
  const inputPageLimit = new Float64Array(6);
  for (const levels of [3, 4, 5]) {
    inputPageLimit[levels] = pageLimit(Math.min(platform.guestAddressWidth, 12 + 9 * levels));
  }
  return {
    ...platform,
    reserved: reservedBitsOf(platform),
    hostPageLimit: pageLimit(platform.hostAddressWidth),
    inputPageLimit,
  };
}

/** What a walk of legacy mode found. */
type Walk = Translation<VtdFaultRule>;

/** First and last page of the interrupt address range FEE0_0000h to FEEF_FFFFh (VT-d 3.15). */
export const INTERRUPT_RANGE_FIRST_PAGE = 0xfee00;
export const INTERRUPT_RANGE_LAST_PAGE = 0xfeeff;

export function inInterruptRange(page: number): boolean {
  return page >= INTERRUPT_RANGE_FIRST_PAGE && page <= INTERRUPT_RANGE_LAST_PAGE;
}

/** Number of a page from the halves of an entry that holds its address in bits 51:12. */
export function pageOf(low: number, high: number): number {
  return (high & 0xfffff) * 0x100000 + (low >>> 12);
}

/** Index into a table of `level` for a page number (VT-d 3.7: bits 20:12 at level 1, nine more for each level). */
export function tableIndex(page: number, level: number): number {
  switch (level) {
    case 1:
      return page & 511;
    case 2:
      return (page >>> 9) & 511;
    case 3:
      return (page / 0x40000) & 511;
    case 4:
      return Math.floor(page / 0x8000000) & 511;
    default:
      return Math.floor(page / 0x1000000000) & 511;
  }
}

/** Translates `page` for a requester with translation enabled; the mapping or the fault is left in `out`. */
export function walk(
  platform: WalkPlatform,
  reader: TableReader,
  requester: number,
  page: number,
  out: Walk,
): void {
  if (lookUpContext(platform, reader, requester, page, out)) translate(platform, reader, out);
}

/** The part of a walk below a context entry that passed its checks. */
export function translate(platform: WalkPlatform, reader: TableReader, out: Walk): void {
  if (out.passThrough) {
    passThrough(platform, out);
    return;
  }
  // 7.1.3 LGN.1.1: the address must be below 2^min(MGAW, AW).
  if (out.input >= platform.inputPageLimit[out.level]!) {
    out.fault = faultRules.addressBeyondWidth;
    return;
  }
  secondStage(platform, reader, out);
}

/** 3.4.2: root entry by bus, context entry by device and function. False when a check failed. */
export function lookUpContext(
  platform: WalkPlatform,
  reader: TableReader,
  requester: number,
  page: number,
  out: Walk,
): boolean {
  out.start(page);
  const { root, context } = platform.reserved;
  if (!reader.read(Structure.upper, reader.tablePointer(), (requester >>> 8) * 2)) {
    out.fault = faultRules.rootFetch;
    return false;
  }
  if ((reader.low & 1) === 0) {
    out.fault = faultRules.rootPresent;
    return false;
  }
  if (
    (reader.low & root[0]!) |
    (reader.high & root[1]!) |
    (reader.low2 & root[2]!) |
    (reader.high2 & root[3]!)
  ) {
    out.fault = faultRules.rootReserved;
    return false;
  }
  if (!reader.read(Structure.device, pageOf(reader.low, reader.high), (requester & 0xff) * 2)) {
    out.fault = faultRules.contextFetch;
    return false;
  }
  const { low, high, low2, high2 } = reader;
  // 7.1.1: FPD is honoured even when the entry is not present.
  out.suppresses = (low & 2) !== 0;
  if ((low & 1) === 0) {
    out.fault = faultRules.contextPresent;
    return false;
  }
  if ((low & context[0]!) | (high & context[1]!) | (low2 & context[2]!) | (high2 & context[3]!)) {
    // Choice: 9.3 says of SSPTPTR both that bits from HAW on are reserved and that TT = 10b ignores it.
    const addressOnly =
      (low & context[0]! & 0xfff) === 0 && (low2 & context[2]!) === 0 && (high2 & context[3]!) === 0;
    if (!addressOnly || ((low >>> 2) & 3) !== TranslationType.passThrough) {
      out.fault = faultRules.contextReserved;
      return false;
    }
    out.optionalFault = faultRules.contextReserved;
  }
  return contextTranslation(platform, low, high, low2, out);
}

/** 9.3: AW and TT must name what the unit supports; sets the first table, the level and the domain id. */
function contextTranslation(
  platform: WalkPlatform,
  low: number,
  high: number,
  low2: number,
  out: Walk,
): boolean {
  const translationType = (low >>> 2) & 3;
  const levels = (low2 & 7) + 2;
  if (levels > 5 || ((platform.supportedLevels >>> levels) & 1) === 0) {
    out.fault = faultRules.contextAddressWidth;
    return false;
  }
  // Choice: 9.3 asks software for the largest width with TT = 10b; LCT.4.1 faults only what is not supported.
  if (translationType === TranslationType.passThrough && levels !== platform.largestLevels) {
    out.optionalFault = faultRules.contextAddressWidth;
  }
  const known =
    translationType === TranslationType.untranslatedOnly ||
    (translationType === TranslationType.all && platform.deviceTlb) ||
    (translationType === TranslationType.passThrough && platform.passThrough);
  if (!known) {
    out.fault = faultRules.contextTranslationType;
    return false;
  }
  out.passThrough = translationType === TranslationType.passThrough;
  out.domainId = (low2 >>> 8) & 0xffff;
  out.firstLevel = levels;
  out.level = levels;
  out.table = pageOf(low, high);
  return true;
}

/** 3.9: pass-through takes the input address as the output address, up to 2^HAW. */
function passThrough(platform: WalkPlatform, out: Walk): void {
  if (out.input >= platform.hostPageLimit) out.fault = faultRules.passThroughBeyondWidth;
  out.page = out.input;
}

/** 3.7: the second-stage walk, from the table the context entry points to down to the entry that maps a page. */
function secondStage(platform: WalkPlatform, reader: TableReader, out: Walk): void {
  const { secondStageLow, secondStageHigh } = platform.reserved;
  const first = out.firstLevel;
  reader.startLevel(out);
  let level = out.level;
  while (true) {
    if (!reader.read(Structure.table, out.table, tableIndex(out.input, level))) {
      out.fault = level === first ? faultRules.firstTableFetch : faultRules.tableFetch;
      return;
    }
    const { low, high } = reader;
    // 9.8: an entry with R = W = 0 is not present; its other bits are not looked at.
    if ((low & 3) === 0) {
      out.notPresent = true;
      out.readable = 0;
      out.writable = 0;
      return;
    }
    out.readable &= low & 1;
    out.writable &= (low >>> 1) & 1;
    const leaf = level === 1 || (level <= 3 && (low & 0x80) !== 0) ? 1 : 0;
    if ((low & secondStageLow[level * 2 + leaf]!) | (high & secondStageHigh[level * 2 + leaf]!)) {
      out.fault = faultRules.secondStageReserved;
      return;
    }
    if (leaf) {
      out.pages = PAGES_BY_LEVEL[level]!;
      out.page = pageInSuperpage(pageOf(low, high), out.input, out.pages);
      return;
    }
    out.table = pageOf(low, high);
    level--;
    out.level = level;
    reader.tableReached(out);
  }
}

/** 3.7: an entry of level 2 or 3 maps 512 or 262,144 pages; the input address selects one of them. */
function pageInSuperpage(base: number, input: number, pages: number): number {
  return pages === 1 ? base : base - (base % pages) + (input % pages);
}

/**
 * What becomes of a request before any table is read: the interrupt address range (VT-d 3.15), and translation that is
 * not enabled (11.4.4.2). True when that decides it; effect and rule are then in `out`.
 */
export function decideBeforeWalk(request: Request, translationEnabled: boolean, out: Walk): boolean {
  const interruptRange = inInterruptRange(request.page);
  if (translationEnabled && !interruptRange) return false;
  out.start(request.page);
  out.page = request.page;
  out.rule = null;
  out.alternative = null;
  if (interruptRange && request.type === "write" && request.length === 4) {
    out.effect = Effect.interrupt;
  } else if (request.type === "zero-length-read") {
    out.effect = Effect.done;
  } else if (!translationEnabled) {
    // Choice: 3.15 does not say whether its checks hold with TES = 0; such requests then pass like any other.
    out.effect = request.page;
  } else {
    out.effect = Effect.blocked;
    out.rule = faultRules.interruptRangeAccess;
  }
  return true;
}

/** Decides a request from the mapping or the fault that {@link walk} left in `out`: permissions, output range. */
export function decide(platform: WalkPlatform, request: Request, out: Walk): void {
  out.rule = null;
  out.alternative = null;
  const lacksWrite = out.writable === 0 && (request.type === "write" || request.type === "atomic");
  const lacksRead = out.readable === 0 && readNeeded(platform, request, out.writable === 1);
  if (out.fault) {
    out.rule = out.fault;
    // Choice: 3.7 and 7.1.3 give no order between a right that an entry lacks and a fault of it or a lower one.
    if (lacksWrite) out.alternative = faultRules.writePermission;
    else if (lacksRead) out.alternative = faultRules.readPermission;
  } else if (lacksWrite) {
    out.rule = faultRules.writePermission;
    if (lacksRead) out.alternative = faultRules.readPermission;
  } else if (lacksRead) {
    out.rule = faultRules.readPermission;
  } else if (inInterruptRange(out.page)) {
    out.rule = faultRules.outputInInterruptRange;
  }
  if (out.rule) out.effect = Effect.blocked;
  else out.effect = request.type === "zero-length-read" ? Effect.done : out.page;
}

/** CAP.ZLR (3.14): a zero-length read of a write-only page succeeds where the platform says so. */
function readNeeded(platform: WalkPlatform, request: Request, writable: boolean): boolean {
  if (request.type === "write") return false;
  return !(request.type === "zero-length-read" && writable && platform.zeroLengthReads);
}
