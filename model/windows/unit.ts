/** What the visibility windows need to know of an architecture and of a platform of it. */
import type { Request } from "../trace.js";
import type { StoreVisibility } from "../words/memory.js";
import type { Rule } from "../words/rule.js";
import type { InvalidationRules } from "./invalidation-log.js";
import type { FaultRule, TableReader, Translation } from "./walk.js";
import type { Wording } from "./wording.js";

/**
 * The parts of a chain, by position: whether translation is enabled, the pointer to the first structure, the entries
 * above the device entry, the device entry, then one table after the other.
 */
export interface ChainShape {
  /** Position of the first part of the device entry. */
  readonly device: number;
  /** Position of its last part. Two parts are two words that are fetched at different moments. */
  readonly lastDevice: number;
  /** Position of the entry of the first table. */
  readonly firstTable: number;
  /** Levels of tables, at most. */
  readonly levels: number;
}

/** Position of the registers in every chain. */
export const Link = { enabled: 0, pointer: 1, firstEntry: 2 } as const;

/** The shape with `upper` entries above a device entry of `deviceParts` parts. */
export function chainShape(upper: number, deviceParts: 1 | 2, levels: number): ChainShape {
  const device = Link.firstEntry + upper;
  return { device, lastDevice: device + deviceParts - 1, firstTable: device + deviceParts, levels };
}

/** In place of a level: where an entry of a table leads when not to a table. */
export const LeadsTo = { nowhere: -1, pages: 0 } as const;

/** In place of a level: one below that of the table which the entry is in. */
export const ONE_BELOW = 0;

/** Entries of the page tables. */
export interface TableEntries {
  /** Bits of the low half of which one is set in every entry that is present. */
  readonly presentMask: number;
  /** Pages that an entry of a table of `level` maps or reaches. */
  span(level: number): number;
  /** The level of the table that an entry in a table of `level` points to, or a {@link LeadsTo}. */
  next(level: number, low: number, high: number): number;
  /**
   * The level of the table that an entry points to, as far as it says itself: a level, {@link ONE_BELOW}, or
   * `LeadsTo.nowhere` when it does not point to a table, whatever the level of the table that it is in.
   */
  nextByItself(low: number, high: number): number;
  /** The page of the table that an entry points to. */
  table(low: number, high: number): number;
  /** The first of the pages that an entry in a table of `level` maps. */
  first(level: number, low: number, high: number): number;
  /** Pages that an entry maps when it is in a table of `level`; at least those of its own slot. */
  pages(level: number, low: number, high: number): number;
  /** Every page that an entry points to as a table, or that is the first it maps, in a table of some level. */
  targets(low: number, high: number): readonly number[];
  /** Rights that an entry gives: bit 0 to read, bit 1 to write. */
  access(low: number, high: number): number;
  /** Every number of pages that an entry of some table may map. */
  readonly sizes: readonly number[];
}

/** A run of page numbers. */
export interface Pages {
  readonly first: number;
  readonly last: number;
}

/** How many pages from `page` on are in one of the runs; 0 when it is in none. */
export function pagesWithin(runs: readonly Pages[], page: number): number {
  for (const { first, last } of runs) if (page >= first && page <= last) return last + 1 - page;
  return 0;
}

/** Where requests do not go through tables, or what they are translated to is not memory. */
export interface SpecialPages {
  /** Untranslated addresses with a meaning of their own. */
  readonly input: readonly Pages[];
  /** Translated addresses with one. */
  readonly output: readonly Pages[];
  /** Untranslated addresses that are not translated for some requesters whatever the tables say. */
  untranslated(): readonly Pages[];
}

/** How a unit that has protected memory keeps requests out of it. */
export interface ProtectionRules<Fault extends FaultRule = FaultRule> {
  /** Blocks them; nothing is recorded. */
  readonly rule: Fault;
  /** Those that go through tables are kept out by every implementation of the platform, not just by some. */
  readonly ofTranslated: boolean;
  /** Writes under way are drained before it shows that it is in force. */
  readonly drains: boolean;
  /** Where software sees that it is in force: the words with the section in brackets. */
  readonly status: string;
}

export interface Unit<Target = unknown, Fault extends FaultRule = FaultRule> {
  readonly shape: ChainShape;
  readonly entries: TableEntries;
  readonly special: SpecialPages;
  readonly invalidations: InvalidationRules<Target>;
  readonly wording: Wording<Target>;
  readonly memoryPages: number;
  readonly storeVisibility: StoreVisibility;
  /** Entries that fault are cached like others (VT-d Caching Mode, AMD-Vi NpCache). */
  readonly cachesFaults: boolean;
  /** Every device entry is cached, be it valid or not. */
  readonly cachesInvalidDevices: boolean;
  /** Entries may be read, and cached, before translation was enabled for the first time. */
  readonly readsWhileDisabled: boolean;
  /** Device entries give rights of their own, and translations are cached with those they were filled under. */
  readonly deviceRights: boolean;
  /** By what a cached translation is found, beside the address. */
  readonly iotlbLookup: "device" | "domain" | "either";
  /** Rules about what an entry may say on the platform. */
  readonly validity: ReadonlySet<Rule | null>;
  /** A page whose requests go through tables, if any do. */
  readonly ordinaryPage: number;
  /** Null where no memory can be protected. */
  readonly protection: ProtectionRules<Fault> | null;

  /** What becomes of a request before any table is read; true when that decides it. */
  decideBeforeWalk(request: Request, enabled: boolean, out: Translation<Fault>): boolean;
  /** The part of a walk down to the device entry; false when a check failed. */
  lookUpDevice(reader: TableReader, requester: number, page: number, out: Translation<Fault>): boolean;
  /** The part of a walk below a device entry that passed its checks. */
  translate(reader: TableReader, out: Translation<Fault>): void;
  /** Decides a request from what a walk found, with the rights that a device entry gives. */
  decide(request: Request, out: Translation<Fault>, access: number): void;
  /** The fault lies in what an entry says; else the entry could not be read. */
  isEntryFault(fault: Fault | null): boolean;
  /** First page that the tables of a device entry that passed its checks do not reach; 0 without tables. */
  walkLimit(found: Translation<Fault>): number;
}
