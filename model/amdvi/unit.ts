/** AMD-Vi as the visibility windows see it: its chains, caches and tags (AMD-Vi 2.2, 2.4). */
import type { Request } from "../trace.js";
import {
  type ChainShape,
  chainShape,
  LeadsTo,
  type Pages,
  type SpecialPages,
  type TableEntries,
  type Unit,
} from "../windows/unit.js";
import type { TableReader } from "../windows/walk.js";
import type { StoreVisibility } from "../words/memory.js";
import type { Rule } from "../words/rule.js";
import { type InvalidationTarget, invalidations } from "./invalidations.js";
import type { AmdViPlatform } from "./profile.js";
import { type AmdViFaultRule, faultRules } from "./rules.js";
import {
  HYPERTRANSPORT_FIRST_PAGE,
  HYPERTRANSPORT_LAST_PAGE,
  INTERRUPT_RANGE_FIRST_PAGE,
  INTERRUPT_RANGE_LAST_PAGE,
} from "./special-ranges.js";
import { codedPages, defaultPages, NextLevel } from "./tables.js";
import {
  type AmdViTranslation,
  decide,
  decideBeforeWalk,
  isLegalSize,
  lookUpDevice,
  pageOf,
  translate,
} from "./walk.js";
import { wordingOf } from "./wording.js";

const MOST_LEVELS = 6;
/** Levels whose leaves map more than one page by default. */
const LEVELS_OF_LARGER_PAGES = [2, 3, 4, 5] as const;

function nextLevelOf(low: number): number {
  return (low >>> 9) & 7;
}

function mapsPages(next: number): boolean {
  return next === NextLevel.leaf || next === NextLevel.sizeCoded;
}

/** 2.2.3: the first of `pages` pages that an address field leads to. */
function aligned(page: number, pages: number): number {
  return page - (page % pages);
}

function pagesOf(level: number, low: number, high: number): number {
  return nextLevelOf(low) === NextLevel.sizeCoded ? codedPages(pageOf(low, high)) : defaultPages(level);
}

/** 2.2.3: the entries of the host page tables. */
const entries: TableEntries = {
  presentMask: 1,
  span: defaultPages,
  next(level, low, high) {
    if ((low & 1) === 0) return LeadsTo.nowhere;
    const next = nextLevelOf(low);
    if (next === NextLevel.leaf || next === NextLevel.sizeCoded)
      return isLegalSize(level, pagesOf(level, low, high), next === NextLevel.sizeCoded)
        ? LeadsTo.pages
        : LeadsTo.nowhere;
    return next < level ? next : LeadsTo.nowhere;
  },
  nextByItself: (low) =>
    (low & 1) !== 0 && !mapsPages(nextLevelOf(low)) ? nextLevelOf(low) : LeadsTo.nowhere,
  table: pageOf,
  first: (level, low, high) => aligned(pageOf(low, high), pagesOf(level, low, high)),
  pages: pagesOf,
  targets(low, high) {
    const page = pageOf(low, high);
    const next = nextLevelOf(low);
    if (next === NextLevel.sizeCoded) return [aligned(page, codedPages(page))];
    const found = [page];
    if (next !== NextLevel.leaf) return found;
    for (const level of LEVELS_OF_LARGER_PAGES) {
      const first = aligned(page, defaultPages(level));
      if (first !== found[found.length - 1]) found.push(first);
    }
    return found;
  },
  access: (_, high) => (high >>> 29) & 3,
  sizes: Array.from({ length: 41 }, (_, power) => 2 ** power),
};

/** What is not there to be read is not there to be cached. */
const FETCH_FAULTS: ReadonlySet<AmdViFaultRule | null> = new Set([
  faultRules.deviceFetch,
  faultRules.tableFetch,
]);

export class AmdViUnit implements Unit<InvalidationTarget, AmdViFaultRule> {
  readonly shape: ChainShape;
  readonly entries = entries;
  readonly special: SpecialPages;
  readonly invalidations = invalidations;
  readonly wording: Unit<InvalidationTarget>["wording"];
  readonly cachesInvalidDevices = true;
  // Choice: with IommuEn = 0 the tables are not looked at, and commands that would invalidate are not executed. What was
  // cached while it was set may stay, and is taken to be read at any time after.
  readonly readsWhileDisabled = false;
  readonly deviceRights = true;
  readonly protection = null;
  readonly validity: ReadonlySet<Rule | null> = new Set([
    faultRules.deviceReserved,
    faultRules.ioControl,
    faultRules.hostAccessedDirty,
    faultRules.mode,
    faultRules.guestLevels,
    faultRules.tableReserved,
    faultRules.levelIllegal,
    faultRules.pageSize,
  ]);
  readonly memoryPages: number;
  readonly storeVisibility: StoreVisibility;
  readonly cachesFaults: boolean;
  readonly iotlbLookup: "device" | "domain" | "either";

  constructor(readonly platform: AmdViPlatform) {
    const { profile } = platform;
    // Choice: a device table entry that is fetched 64 bits at a time may be kept with words of different moments.
    this.shape = chainShape(0, platform.deviceTableFetch === 64 ? 2 : 1, MOST_LEVELS);
    this.wording = wordingOf(this.shape);
    this.special = specialPagesOf(platform);
    this.memoryPages = profile.memoryPages;
    this.storeVisibility = platform.storeVisibility;
    this.cachesFaults = platform.npCache;
    this.iotlbLookup = ({ "device-id": "device", "domain-id": "domain", either: "either" } as const)[
      profile.iotlbLookup
    ];
  }

  get ordinaryPage(): number {
    const { exclusion } = this.platform;
    return exclusion.excludes(0, true) ? exclusion.limitPage + 1 : 0;
  }

  decideBeforeWalk(request: Request, enabled: boolean, out: AmdViTranslation): boolean {
    return decideBeforeWalk(this.platform, request, enabled, out);
  }

  lookUpDevice(reader: TableReader, requester: number, page: number, out: AmdViTranslation): boolean {
    return lookUpDevice(this.platform, reader, requester, page, out);
  }

  translate(reader: TableReader, out: AmdViTranslation): void {
    translate(this.platform, reader, out);
  }

  decide(request: Request, out: AmdViTranslation, access: number): void {
    decide(this.platform, request, out, access);
  }

  isEntryFault(fault: AmdViFaultRule | null): boolean {
    return !FETCH_FAULTS.has(fault);
  }

  walkLimit({ passThrough, firstLevel }: AmdViTranslation): number {
    return passThrough ? 0 : this.platform.inputPageLimit[firstLevel]!;
  }
}

/** 2.1.2: interrupts and the HyperTransport ranges; MMIO 0020h: the exclusion range as it is now. */
function specialPagesOf({ exclusion, ignoresHyperTransportRanges }: AmdViPlatform): SpecialPages {
  const interrupts = { first: INTERRUPT_RANGE_FIRST_PAGE, last: INTERRUPT_RANGE_LAST_PAGE };
  const hyperTransport = { first: HYPERTRANSPORT_FIRST_PAGE, last: HYPERTRANSPORT_LAST_PAGE };
  const none: readonly Pages[] = [];
  return {
    input: ignoresHyperTransportRanges ? [interrupts] : [interrupts, hyperTransport],
    output: none,
    untranslated: () =>
      exclusion.enabled ? [{ first: exclusion.basePage, last: exclusion.limitPage }] : none,
  };
}
