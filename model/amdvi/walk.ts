/**
 * Translation of requests without PASID through the device table and host page tables (AMD-Vi 2.2), in the order of the
 * specification's steps, over an abstract reader. Which value of an entry is read (the current one, a cached one, any
 * admissible one) is the reader's business; what is checked, and in which order, is decided here and nowhere else.
 */
import { OutsideModel } from "../finding.js";
import { Effect, type Request } from "../trace.js";
import { NO_DOMAIN, Structure, type TableReader, type Translation } from "../windows/walk.js";
import { fieldMask } from "../words/layout.js";
import type { AmdViPlatform } from "./profile.js";
import { type AmdViFaultRule, faultRules } from "./rules.js";
import { inHyperTransportRanges, inInterruptRange, rangeDecision } from "./special-ranges.js";
import {
  codedPages,
  DEVICE_TABLE_ENTRIES_PER_PAGE,
  DEVICE_TABLE_ENTRY_WORDS,
  defaultPages,
  deviceTableEntryLayout,
  NextLevel,
} from "./tables.js";

/** What a walk of AMD-Vi finds. */
export type AmdViTranslation = Translation<AmdViFaultRule>;

/** The mask of a field of the device table entry in the 32-bit half it is in; the halves of qw0 and qw1 are 0 to 3. */
function maskIn(half: 0 | 1 | 2 | 3, name: string): number {
  const word = fieldMask(deviceTableEntryLayout, name)[half >>> 1]!;
  return half & 1 ? word.high : word.low;
}

const V = maskIn(0, "V");
const TV = maskIn(0, "TV");
const GIOV_HIGH = maskIn(1, "GIoV");
const GV_HIGH = maskIn(1, "GV");
const GLX_HIGH = maskIn(1, "GLX");
const IO_CONTROL_HIGH2 = maskIn(3, "IoCtl");
const SA_HIGH2 = maskIn(3, "SA");
const EX_HIGH2 = maskIn(3, "EX");
const HAD_ACCESSED_AND_DIRTY = 3;
const HAD_ILLEGAL = 2;

/** Number of a page from the halves of an entry that holds its address in bits 51:12. */
export function pageOf(low: number, high: number): number {
  return (high & 0xfffff) * 0x100000 + (low >>> 12);
}

/** Index into a table of `level` for a page number (2.2.3: bits 20:12 at level 1, nine more for each level). */
export function tableIndex(page: number, level: number): number {
  // Bitwise operators look at the lowest 32 bits of a number.
  if (level === 1) return page & 511;
  if (level === 2) return (page >>> 9) & 511;
  return Math.floor(page / defaultPages(level)) & 511;
}

/** Translates `page` for a requester with translation enabled; the mapping or the fault is left in `out`. */
export function walk(
  platform: AmdViPlatform,
  reader: TableReader,
  requester: number,
  page: number,
  out: AmdViTranslation,
): void {
  if (lookUpDevice(platform, reader, requester, page, out)) translate(platform, reader, out);
}

/**
 * 2.2.2: the device table entry of a requester, and what it says of the page. False when a check failed.
 * @throws OutsideModel for what the entry asks for and the model does not have
 */
export function lookUpDevice(
  platform: AmdViPlatform,
  reader: TableReader,
  requester: number,
  page: number,
  out: AmdViTranslation,
): boolean {
  out.start(page);
  out.domainId = NO_DOMAIN;
  const pointer = reader.tablePointer();
  // 2.2.2: Size counts pages of the device table, minus one.
  if (requester >= ((pointer & 511) + 1) * DEVICE_TABLE_ENTRIES_PER_PAGE) {
    return fails(out, faultRules.deviceIdOutOfTable);
  }
  const tablePage = Math.floor(pointer / 512) + Math.floor(requester / DEVICE_TABLE_ENTRIES_PER_PAGE);
  const word = (requester % DEVICE_TABLE_ENTRIES_PER_PAGE) * DEVICE_TABLE_ENTRY_WORDS;
  if (!reader.read(Structure.device, tablePage, word)) return fails(out, faultRules.deviceFetch);

  const { low, high, low2, high2 } = reader;
  // 2.2.2: with V = 0 a request is forwarded untranslated with every right, whatever the rest of the entry says.
  if ((low & V) === 0) return forwarded(out);
  out.suppresses = (high2 & SA_HIGH2) !== 0;
  const { device } = platform.reserved;
  if ((low & device[0]!) | (high & device[1]!) | (low2 & device[2]!) | (high2 & device[3]!)) {
    return fails(out, faultRules.deviceReserved);
  }
  if ((high2 & IO_CONTROL_HIGH2) === IO_CONTROL_HIGH2) return fails(out, faultRules.ioControl);
  const special = rangeDecision(platform, page, high2);
  if (special === "forwarded") return forwarded(out);
  if (special !== "memory") return fails(out, special);
  // Choice: the exclusion range comes before TV, as it needs none of the page translation fields.
  if (platform.exclusion.excludes(page, (high2 & EX_HIGH2) !== 0)) return forwarded(out);
  if ((low & TV) === 0) return fails(out, faultRules.translationValid);
  return pageTranslation(platform, low, high, low2, out);
}

function fails(out: AmdViTranslation, rule: AmdViFaultRule): false {
  out.fault = rule;
  return false;
}

/** The request goes on as it came, under no domain. */
function forwarded(out: AmdViTranslation): true {
  out.passThrough = true;
  return true;
}

/**
 * 2.2.2: the page translation fields, valid with TV = 1. Sets the rights, the domain id, the first table and its level.
 * Choice: an encoding that is illegal is found before IR and IW are asked.
 */
function pageTranslation(
  platform: AmdViPlatform,
  low: number,
  high: number,
  low2: number,
  out: AmdViTranslation,
): boolean {
  const levels = (low >>> 9) & 7;
  if (levels > platform.hostLevels) return fails(out, faultRules.mode);
  if (!hostAccessedDirtyLegal(platform, (low >>> 7) & 3, out)) return false;
  if (high & GV_HIGH) {
    // 2.2.2: with GLXSup = 0 GLX is not looked at.
    if (platform.gcr3Levels > 1 && (high & GLX_HIGH) === GLX_HIGH) return fails(out, faultRules.guestLevels);
    if (high & GIOV_HIGH) throw new OutsideModel("requests without PASID through guest tables (GIoV = 1)");
  }
  out.deviceAccess = (high >>> 29) & 3;
  out.domainId = low2 & 0xffff;
  out.passThrough = levels === 0;
  out.firstLevel = levels;
  out.level = levels;
  out.table = pageOf(low, high);
  return true;
}

/** 2.2.2 HAD: 10b is no encoding. */
function hostAccessedDirtyLegal(platform: AmdViPlatform, had: number, out: AmdViTranslation): boolean {
  if (had === 0) return true;
  // Choice: older revisions have no HAD and call its bits reserved; units without the feature check them or do not.
  if (!platform.hostAccessed || (had === HAD_ACCESSED_AND_DIRTY && !platform.hostDirty))
    out.optionalFault = faultRules.deviceReserved;
  else if (had === HAD_ILLEGAL) return fails(out, faultRules.hostAccessedDirty);
  return true;
}

/** The part of a walk below a device table entry that passed its checks. */
export function translate(platform: AmdViPlatform, reader: TableReader, out: AmdViTranslation): void {
  if (out.passThrough) {
    out.page = out.input;
    return;
  }
  // 2.2.3: the address must be below 2^width of the first table's level.
  if (out.input >= platform.inputPageLimit[out.firstLevel]!) {
    out.fault = faultRules.addressBeyondWidth;
    return;
  }
  hostTables(platform, reader, out);
}

/** 2.2.3: from the table the device table entry points to down to the entry that maps the page. */
function hostTables(platform: AmdViPlatform, reader: TableReader, out: AmdViTranslation): void {
  const { pde, pte } = platform.reserved;
  reader.startLevel(out);
  while (true) {
    const { level } = out;
    if (!reader.read(Structure.table, out.table, tableIndex(out.input, level))) {
      out.fault = faultRules.tableFetch;
      return;
    }
    const { low, high } = reader;
    // 2.2.3: the other bits of an entry with PR = 0 are not looked at.
    if ((low & 1) === 0) {
      out.notPresent = true;
      return;
    }
    out.readable &= (high >>> 29) & 1;
    out.writable &= (high >>> 30) & 1;
    const next = (low >>> 9) & 7;
    const leaf = next === NextLevel.leaf || next === NextLevel.sizeCoded;
    const reserved = leaf ? pte : pde;
    if ((low & reserved[0]!) | (high & reserved[1]!)) {
      out.fault = faultRules.tableReserved;
      return;
    }
    if (leaf) {
      mapsPage(pageOf(low, high), next === NextLevel.sizeCoded, out);
      return;
    }
    if (next >= level) {
      out.fault = faultRules.levelIllegal;
      return;
    }
    if (!skippedBitsZero(out.input, level, next)) {
      out.fault = faultRules.skippedBits;
      return;
    }
    out.table = pageOf(low, high);
    out.level = next;
    reader.tableReached(out);
  }
}

/** 2.2.3: address bits of the levels between an entry's own and the next are zero. */
function skippedBitsZero(input: number, level: number, next: number): boolean {
  if (next === level - 1) return true;
  return Math.floor(input / 512 ** next) % 512 ** (level - 1 - next) === 0;
}

/** 2.2.3: the leaf of the level being looked at; the input address selects one of its pages. */
function mapsPage(address: number, sizeCoded: boolean, out: AmdViTranslation): void {
  const { level } = out;
  const pages = sizeCoded ? codedPages(address) : defaultPages(level);
  if (!isLegalSize(level, pages, sizeCoded)) {
    out.fault = faultRules.pageSize;
    return;
  }
  out.pages = pages;
  // Choice: address bits below the size of a page are not looked at.
  out.page = pages === 1 ? address : address - (address % pages) + (out.input % pages);
}

/** 2.2.3: true when a leaf of that level may map so many pages. */
export function isLegalSize(level: number, pages: number, sizeCoded: boolean): boolean {
  // Choice: level 6 has no leaves, as its default size would exceed every address.
  if (level >= 6) return false;
  // Choice: an address field without a zero bit codes no size.
  if (pages > LARGEST_CODED_PAGES) return false;
  return !sizeCoded || (pages > defaultPages(level) && pages < defaultPages(level + 1));
}

/** 2^52 bytes, for which every address bit but the highest is one. */
const LARGEST_CODED_PAGES = 2 ** 40;

/**
 * What becomes of a request before any table is read: with IommuEn = 0 it is forwarded untranslated. True when that
 * decides it; effect and rule are then in `out`.
 */
export function decideBeforeWalk(
  platform: AmdViPlatform,
  request: Request,
  enabled: boolean,
  out: AmdViTranslation,
): boolean {
  if (enabled) return false;
  out.start(request.page);
  out.domainId = NO_DOMAIN;
  out.rule = null;
  out.alternative = null;
  forwarded(out);
  out.page = request.page;
  out.effect = effectOf(platform, request, out);
  return true;
}

/**
 * Decides a request from the mapping or the fault that {@link walk} left in `out`.
 * @param access rights that the device table entry gives, when they are not those of the entry of this walk
 * @throws OutsideModel for requests to special ranges that the model does not have
 */
export function decide(
  platform: AmdViPlatform,
  request: Request,
  out: AmdViTranslation,
  access = out.deviceAccess,
): void {
  out.rule = blockingRule(request, out, access);
  out.alternative = null;
  // Choice: 2.2.3 gives no order between a right that an entry lacks and a fault of it or a lower one.
  const inTables = out.rule !== null && !out.rule.beforeTables && out.rule !== faultRules.tablePermission;
  if (inTables && lacksTableRight(request, out, access)) out.alternative = faultRules.tablePermission;
  out.effect = out.rule ? Effect.blocked : effectOf(platform, request, out);
}

/** The check that blocks the request; null when it is served. */
function blockingRule(request: Request, out: AmdViTranslation, access: number): AmdViFaultRule | null {
  const { fault } = out;
  if (fault?.beforeTables) return specialRangeRule(fault, request);
  if (lacksRight(request, (access & 1) !== 0, (access & 2) !== 0)) return faultRules.devicePermission;
  if (fault) return fault;
  if (out.notPresent) return faultRules.notPresent;
  return lacksTableRight(request, out, access) ? faultRules.tablePermission : null;
}

/** 2.2.3: a right is there when the device table entry and every entry of the tables give it. */
function lacksTableRight(
  request: Request,
  { readable, writable }: AmdViTranslation,
  access: number,
): boolean {
  return lacksRight(request, (readable & access) !== 0, (writable & (access >>> 1)) !== 0);
}

/** 2.1.2: what of a special range's checks holds for this request. */
function specialRangeRule(fault: AmdViFaultRule, request: Request): AmdViFaultRule | null {
  const posted = request.type === "write";
  if (fault === faultRules.interruptRange) return isInterrupt(request) ? null : fault;
  if (fault === faultRules.reservedInterruptRange) return posted ? fault : faultRules.interruptRange;
  return fault;
}

/** An interrupt message: a DWORD write to FEEx_xxxxh. */
function isInterrupt(request: Request): boolean {
  return inInterruptRange(request.page) && request.type === "write" && request.length === 4;
}

/** Choice: a zero-length read needs either right; an AtomicOp needs both. */
function lacksRight(request: Request, readable: boolean, writable: boolean): boolean {
  switch (request.type) {
    case "read":
      return !readable;
    case "write":
      return !writable;
    case "atomic":
      return !readable || !writable;
    case "zero-length-read":
      return !readable && !writable;
  }
}

/** Where a request that is served takes effect. */
function effectOf(platform: AmdViPlatform, request: Request, out: AmdViTranslation): number {
  // Choice: interrupt remapping is not modelled; a message goes to the interrupt unit whatever IV and IntCtl say.
  if (isInterrupt(request)) return Effect.interrupt;
  const translated = out.domainId !== NO_DOMAIN;
  if (!translated && inHyperTransportRanges(platform, request.page)) return Effect.nowhere;
  return request.type === "zero-length-read" ? Effect.done : out.page;
}
