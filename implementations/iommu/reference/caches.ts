/** The caches of the reference IOMMU: finite, filled and emptied at its own discretion. */
import {
  Cache,
  type CacheTags,
  covers,
  type InvalidationTarget,
  NO_PAGE_SIZE,
  PAGES_BY_LEVEL,
} from "../../../model/vtd/invalidation-log.js";
import type { Translation } from "../../../model/vtd/walk.js";
import type { Chance } from "../../../model/words/chance.js";

export interface ContextEntry {
  readonly sourceId: number;
  readonly domainId: number;
  readonly low: number;
  readonly high: number;
  readonly low2: number;
  readonly high2: number;
}

export interface PagingStructureEntry {
  readonly domainId: number;
  /** Level of the entry that was cached, and the first page of its region. */
  readonly level: number;
  readonly firstPage: number;
  readonly table: number;
  readonly readable: number;
  readonly writable: number;
}

export interface IotlbEntry {
  readonly sourceId: number;
  readonly domainId: number;
  readonly firstPage: number;
  readonly pageCount: number;
  /** Level of the page that it maps; `NO_PAGE_SIZE` for a pass-through result. */
  readonly level: number;
  /** Host page of `firstPage`. */
  readonly page: number;
  readonly readable: number;
  readonly writable: number;
  readonly faultProcessingDisabled: boolean;
  readonly notPresent: boolean;
}

/** What a faulty variant changes about invalidation. Each returns whether the entry goes. */
export interface RemovalRules {
  context(target: InvalidationTarget, entry: ContextEntry): boolean;
  pagingStructure(target: InvalidationTarget, entry: PagingStructureEntry): boolean;
  iotlb(target: InvalidationTarget, entry: IotlbEntry): boolean;
}

const tags: CacheTags = { sourceId: 0, domainId: 0, page: 0, level: 0 };

function tagged(sourceId: number, domainId: number, page: number, level: number): CacheTags {
  tags.sourceId = sourceId;
  tags.domainId = domainId;
  tags.page = page;
  tags.level = level;
  return tags;
}

/** What the specification requires to go. */
export const requiredRemoval: RemovalRules = {
  context: (target, entry) => covers(target, Cache.context, tagged(entry.sourceId, entry.domainId, 0, 0)),
  pagingStructure: (target, entry) =>
    covers(target, Cache.pagingStructure, tagged(0, entry.domainId, entry.firstPage, entry.level)),
  iotlb: (target, entry) =>
    covers(target, Cache.iotlb, tagged(entry.sourceId, entry.domainId, entry.firstPage, entry.level)),
};

/** A page-selective invalidation reaches the entry but need not remove it: its mask does not fit the entry's page. */
function isOptional(target: InvalidationTarget, entry: IotlbEntry): boolean {
  if (target.cache !== "iotlb" || target.granularity !== "page") return false;
  if (target.domainId !== entry.domainId || requiredRemoval.iotlb(target, entry)) return false;
  const overlapsStart = target.firstPage < entry.firstPage + entry.pageCount;
  return overlapsStart && entry.firstPage < target.firstPage + target.pageCount;
}

const CAPACITY = { context: 6, pagingStructure: 8, iotlb: 8 } as const;

export class Caches {
  readonly context: ContextEntry[] = [];
  readonly pagingStructure: PagingStructureEntry[] = [];
  readonly iotlb: IotlbEntry[] = [];

  constructor(
    private readonly chance: Chance,
    private readonly rules: RemovalRules,
  ) {}

  clear(): void {
    this.context.length = 0;
    this.pagingStructure.length = 0;
    this.iotlb.length = 0;
  }

  addContext(entry: ContextEntry): void {
    this.add(this.context, entry, CAPACITY.context);
  }

  addPagingStructure(walk: Translation): void {
    const level = walk.level + 1;
    const pages = PAGES_BY_LEVEL[level]!;
    this.add(
      this.pagingStructure,
      {
        domainId: walk.domainId,
        level,
        firstPage: walk.input - (walk.input % pages),
        table: walk.table,
        readable: walk.readable,
        writable: walk.writable,
      },
      CAPACITY.pagingStructure,
    );
  }

  /** Caches a mapping; a superpage as one entry or, at will, as the 4 KiB piece that was asked for. */
  addIotlb(sourceId: number, walk: Translation): void {
    const level = walk.passThrough ? NO_PAGE_SIZE : this.keptLevel(walk.level);
    const pageCount = walk.passThrough ? 1 : PAGES_BY_LEVEL[level]!;
    const offset = walk.input % pageCount;
    this.add(
      this.iotlb,
      {
        sourceId,
        domainId: walk.domainId,
        firstPage: walk.input - offset,
        pageCount,
        level,
        page: walk.page - offset,
        readable: walk.readable,
        writable: walk.writable,
        faultProcessingDisabled: walk.faultProcessingDisabled,
        notPresent: walk.notPresent,
      },
      CAPACITY.iotlb,
    );
  }

  private keptLevel(level: number): number {
    return level > 1 && this.chance.happens(128) ? 1 : level;
  }

  /** Room is made by dropping any entry: nothing says which. */
  private add<T>(list: T[], entry: T, capacity: number): void {
    if (list.length < capacity) list.push(entry);
    else list[this.chance.below(capacity)] = entry;
  }

  evictOne(): void {
    const list: unknown[] = [this.context, this.pagingStructure, this.iotlb][this.chance.below(3)]!;
    if (list.length > 0) list.splice(this.chance.below(list.length), 1);
  }

  invalidate(target: InvalidationTarget): void {
    if (target.cache !== "iotlb") removeFrom(this.context, (entry) => this.rules.context(target, entry));
    if (target.cache === "context") return;
    removeFrom(this.pagingStructure, (entry) => this.rules.pagingStructure(target, entry));
    removeFrom(
      this.iotlb,
      (entry) => this.rules.iotlb(target, entry) || (isOptional(target, entry) && this.chance.happens(128)),
    );
  }
}

function removeFrom<T>(list: T[], goes: (entry: T) => boolean): void {
  let kept = 0;
  for (const entry of list) if (!goes(entry)) list[kept++] = entry;
  list.length = kept;
}
