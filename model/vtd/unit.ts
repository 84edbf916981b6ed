/** VT-d legacy mode as the visibility windows see it: its chains, caches and tags (VT-d 3.4, 3.7, 6.2). */
import type { Request } from "../trace.js";
import {
  chainShape,
  LeadsTo,
  ONE_BELOW,
  type ProtectionRules,
  type TableEntries,
  type Unit,
} from "../windows/unit.js";
import type { TableReader, Translation } from "../windows/walk.js";
import type { StoreVisibility } from "../words/memory.js";
import type { Rule } from "../words/rule.js";
import { type InvalidationTarget, invalidations } from "./invalidations.js";
import { faultRules, protectedMemory, type VtdFaultRule } from "./rules.js";
import { PAGES_BY_LEVEL } from "./tables.js";
import {
  decide,
  decideBeforeWalk,
  INTERRUPT_RANGE_FIRST_PAGE,
  INTERRUPT_RANGE_LAST_PAGE,
  lookUpContext,
  pageOf,
  translate,
  type WalkPlatform,
} from "./walk.js";
import { wording } from "./wording.js";

/** PS: the entry maps a large page. */
const LARGE = 0x80;

function mapsPages(level: number, low: number): boolean {
  return level === 1 || (level <= 3 && (low & LARGE) !== 0);
}

/** 9.8: the entries of the second stage. */
const entries: TableEntries = {
  presentMask: 3,
  span: (level) => PAGES_BY_LEVEL[level]!,
  next(level, low) {
    if ((low & 3) === 0) return LeadsTo.nowhere;
    return mapsPages(level, low) ? LeadsTo.pages : level - 1;
  },
  nextByItself: (low) => ((low & 3) !== 0 && (low & LARGE) === 0 ? ONE_BELOW : LeadsTo.nowhere),
  table: pageOf,
  first(level, low, high) {
    const page = pageOf(low, high);
    return page - (page % PAGES_BY_LEVEL[level]!);
  },
  pages: (level) => PAGES_BY_LEVEL[level]!,
  targets: (low, high) => [pageOf(low, high)],
  access: (low) => low & 3,
  sizes: [1, 2, 3].map((level) => PAGES_BY_LEVEL[level]!),
};

/** What is not there to be read is not there to be cached. */
const FETCH_FAULTS: ReadonlySet<VtdFaultRule | null> = new Set([
  faultRules.rootFetch,
  faultRules.contextFetch,
  faultRules.firstTableFetch,
  faultRules.tableFetch,
]);

const interruptRange = [{ first: INTERRUPT_RANGE_FIRST_PAGE, last: INTERRUPT_RANGE_LAST_PAGE }];

export class VtdUnit implements Unit<InvalidationTarget, VtdFaultRule> {
  // A root entry, then a context entry of 128 bits that is fetched at once (chapter 9).
  readonly shape = chainShape(1, 1, 5);
  readonly entries = entries;
  // 3.15: neither requests to the interrupt address range nor translations into it reach memory.
  readonly special = { input: interruptRange, output: interruptRange, untranslated: () => [] };
  readonly invalidations = invalidations;
  readonly wording = wording;
  readonly cachesInvalidDevices = false;
  readonly readsWhileDisabled = true;
  readonly deviceRights = false;
  readonly ordinaryPage = 0;
  readonly validity: ReadonlySet<Rule | null> = new Set([
    faultRules.rootReserved,
    faultRules.contextReserved,
    faultRules.contextAddressWidth,
    faultRules.contextTranslationType,
    faultRules.secondStageReserved,
  ]);
  readonly memoryPages: number;
  readonly storeVisibility: StoreVisibility;
  readonly cachesFaults: boolean;
  readonly iotlbLookup: "device" | "domain" | "either";
  readonly protection: ProtectionRules<VtdFaultRule> | null;

  constructor(private readonly platform: WalkPlatform) {
    const { memoryPages, iotlbLookup } = platform.profile;
    this.memoryPages = memoryPages;
    this.storeVisibility = platform.storeVisibility;
    this.cachesFaults = platform.cachingMode;
    this.iotlbLookup = ({ "source-id": "device", "domain-id": "domain", either: "either" } as const)[
      iotlbLookup
    ];
    const { protectsTranslated: ofTranslated, drainsWrites: drains } = platform;
    this.protection =
      platform.protectsLow || platform.protectsHigh
        ? { rule: protectedMemory, ofTranslated, drains, status: "in PMEN (VT-d 11.4.8.1)" }
        : null;
  }

  decideBeforeWalk(request: Request, enabled: boolean, out: Translation<VtdFaultRule>): boolean {
    return decideBeforeWalk(request, enabled, out);
  }

  lookUpDevice(
    reader: TableReader,
    requester: number,
    page: number,
    out: Translation<VtdFaultRule>,
  ): boolean {
    return lookUpContext(this.platform, reader, requester, page, out);
  }

  translate(reader: TableReader, out: Translation<VtdFaultRule>): void {
    translate(this.platform, reader, out);
  }

  decide(request: Request, out: Translation<VtdFaultRule>): void {
    decide(this.platform, request, out);
  }

  isEntryFault(fault: VtdFaultRule | null): boolean {
    return !FETCH_FAULTS.has(fault);
  }

  walkLimit({ passThrough, firstLevel }: Translation<VtdFaultRule>): number {
    return passThrough ? 0 : this.platform.inputPageLimit[firstLevel]!;
  }
}
