/** The caches that units of every architecture have: finite, filled and emptied at their own discretion. */
import { ANY_REQUESTER, Cache, type InvalidationRules } from "../../../model/windows/invalidation-log.js";
import type { FaultRule, Translation } from "../../../model/windows/walk.js";
import type { Chance } from "../../../model/words/chance.js";
import { empty, removeAt, shorten } from "../../../model/words/lists.js";

/** Number of pages that a table of a level maps, all its entries together. */
export const PAGES_OF_TABLE = Array.from({ length: 8 }, (_, level) => 512 ** level);

/** What a device is translated by: VT-d context cache, AMD-Vi device table cache. */
export interface DeviceEntry {
  readonly requester: number;
  readonly domainId: number;
  readonly low: number;
  readonly high: number;
  readonly low2: number;
  readonly high2: number;
}

/** A way to a table of the page tables: VT-d paging-structure caches, AMD-Vi page directory cache. */
export interface TableEntry {
  readonly domainId: number;
  /** Level of the table it leads to, and the first page of the region that table maps. */
  readonly level: number;
  readonly firstPage: number;
  /** Pages that the entry reaches which was cached. */
  readonly pages: number;
  readonly table: number;
  readonly readable: number;
  readonly writable: number;
}

/** A mapping, or a failure: VT-d IOTLB, AMD-Vi I/O TLB. */
export interface Mapping<Fault extends FaultRule = FaultRule> {
  /** The cache it is removed from: one that points to tables for an entry above level 1 that leads nowhere. */
  readonly cache: Cache;
  readonly requester: number;
  readonly domainId: number;
  readonly firstPage: number;
  readonly pageCount: number;
  /** Pages that the entry of the tables maps of which this is all or a piece; 0 when no entry gives it a size. */
  readonly mappedPages: number;
  /** Host page of `firstPage`. */
  readonly page: number;
  readonly readable: number;
  readonly writable: number;
  readonly deviceAccess: number;
  readonly suppresses: boolean;
  readonly notPresent: boolean;
  /** The check that failed, where failures are cached. */
  readonly fault: Fault | null;
}

/** Which entries an invalidation removes. */
export interface RemovalRules<Target> {
  device(target: Target, entry: DeviceEntry): boolean;
  table(target: Target, entry: TableEntry): boolean;
  mapping(target: Target, entry: Mapping): boolean;
  /** It may remove the mapping although it need not. */
  mayTake(target: Target, entry: Mapping): boolean;
}

type Covers<Target> = InvalidationRules<Target>["covers"];
type RequiredRemoval<Target> = Pick<RemovalRules<Target>, "device" | "table" | "mapping">;

/**
 * What the specification requires to go.
 * @param sizeOf number of pages that a mapping is removed with; 0 when no entry of a table gives it a size
 */
export function requiredBy<Target>(
  covers: Covers<Target>,
  sizeOf: (entry: Mapping) => number,
): RequiredRemoval<Target> {
  return {
    device: (target, { requester, domainId }) =>
      covers(target, Cache.device, { requester, domainId, page: 0, pages: 0 }),
    table: (target, { domainId, firstPage, pages }) =>
      covers(target, Cache.table, { requester: ANY_REQUESTER, domainId, page: firstPage, pages }),
    mapping: (target, entry) =>
      covers(target, entry.cache, {
        requester: entry.requester,
        domainId: entry.domainId,
        page: entry.firstPage,
        pages: sizeOf(entry),
      }),
  };
}

/** What of a walk's result is kept, and where. */
export interface Extent {
  /** Pages that the entry maps which was found last; 0 when no entry gives the result a size. */
  readonly pages: number;
  /** Pages that the result is the answer for: all of them, if nothing is said. */
  readonly kept?: number;
  /** As in {@link Mapping.cache}; that of translations, if nothing is said. */
  readonly cache?: Cache;
}

const CAPACITY = { devices: 6, tables: 8, mappings: 8 } as const;

/** The caches of one unit. */
export class Caches<Target> {
  readonly devices: DeviceEntry[] = [];
  readonly tables: TableEntry[] = [];
  readonly mappings: Mapping[] = [];

  constructor(
    private readonly chance: Chance,
    private readonly rules: RemovalRules<Target>,
  ) {}

  clear(): void {
    empty(this.devices);
    empty(this.tables);
    empty(this.mappings);
  }

  addDevice(entry: DeviceEntry): void {
    this.add(this.devices, entry, CAPACITY.devices);
  }

  /** Keeps the table that a walk has just reached from an entry in a table of level `from`. */
  addTable(walk: Translation, from: number): void {
    const { domainId, level, table, readable, writable } = walk;
    const firstPage = walk.input - (walk.input % PAGES_OF_TABLE[level]!);
    const pages = PAGES_OF_TABLE[from - 1]!;
    this.add(this.tables, { domainId, level, firstPage, pages, table, readable, writable }, CAPACITY.tables);
  }

  /** Keeps what a walk found. Of several pages a unit may always keep the one that was asked for. */
  addMapping(requester: number, walk: Translation, extent: Extent): void {
    const { pages, kept = Math.max(pages, 1), cache = Cache.iotlb } = extent;
    const pageCount = kept > 1 && !this.chance.happens(128) ? kept : 1;
    const offset = walk.input % pageCount;
    const entry: Mapping = {
      cache,
      requester,
      domainId: walk.domainId,
      firstPage: walk.input - offset,
      pageCount,
      mappedPages: pages,
      page: walk.page - offset,
      readable: walk.readable,
      writable: walk.writable,
      deviceAccess: walk.deviceAccess,
      suppresses: walk.suppresses,
      notPresent: walk.notPresent,
      fault: walk.fault,
    };
    this.add(this.mappings, entry, CAPACITY.mappings);
  }

  /** Room is made by dropping any entry: nothing says which. */
  private add<T>(list: T[], entry: T, capacity: number): void {
    if (list.length < capacity) list.push(entry);
    else list[this.chance.below(capacity)] = entry;
  }

  evictOne(): void {
    const cache = this.chance.below(3);
    const list: unknown[] = cache === 0 ? this.devices : cache === 1 ? this.tables : this.mappings;
    if (list.length > 0) removeAt(list, this.chance.below(list.length));
  }

  invalidate(target: Target): void {
    const { rules } = this;
    removeFrom(this.devices, (entry) => rules.device(target, entry));
    removeFrom(this.tables, (entry) => rules.table(target, entry));
    removeFrom(
      this.mappings,
      (entry) => rules.mapping(target, entry) || (rules.mayTake(target, entry) && this.chance.happens(128)),
    );
  }
}

/** The pages of the entry and the range have a page in common. */
export function overlaps(entry: Mapping, firstPage: number, pageCount: number): boolean {
  return firstPage < entry.firstPage + entry.pageCount && entry.firstPage < firstPage + pageCount;
}

function removeFrom<T>(list: T[], goes: (entry: T) => boolean): void {
  let kept = 0;
  for (const entry of list) if (!goes(entry)) list[kept++] = entry;
  shorten(list, kept);
}
