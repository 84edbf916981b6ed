/**
 * The invalidations software has submitted, when each was submitted and when it was seen to be complete, and the
 * fences that follow (VT-d 6.5; design: visibility windows).
 */
import { OPEN } from "../words/memory.js";

/** What a request removes. Granularities as the specification prints them. */
export type InvalidationTarget =
  | { readonly cache: "context"; readonly granularity: "global" }
  | { readonly cache: "context"; readonly granularity: "domain"; readonly domainId: number }
  | {
      readonly cache: "context";
      readonly granularity: "device";
      readonly domainId: number;
      readonly sourceId: number;
      /** Bits of the source id that are not compared. */
      readonly ignoredSourceBits: number;
    }
  | { readonly cache: "iotlb"; readonly granularity: "global" }
  | { readonly cache: "iotlb"; readonly granularity: "domain"; readonly domainId: number }
  | {
      readonly cache: "iotlb";
      readonly granularity: "page";
      readonly domainId: number;
      readonly firstPage: number;
      readonly pageCount: number;
      /** Invalidation hint: entries that point to tables may stay. */
      readonly leafOnly: boolean;
    }
  /** Setting the root-table pointer on a platform with CAP.ESRTPS = 1. */
  | { readonly cache: "all" };

export interface Invalidation {
  readonly target: InvalidationTarget;
  /** Step at which hardware could first execute it. */
  submitted: number;
  /** Step at which software had seen its completion; {@link OPEN} while it has not. */
  observed: number;
  /** Invalidations of a higher group execute after every one of a lower group (a wait descriptor with FN = 1). */
  readonly fenceGroup: number;
  /** The lowest group that waits for it: the next one, or none where that wait does not cover it (6.5.2.12). */
  fencedBy: number;
  /** Submitted through the queue, where the ordering of descriptors applies (6.5.2.12). */
  readonly queued: boolean;
}

/** The cache whose entry is asked about. */
export const Cache = { context: 0, pagingStructure: 1, iotlb: 2 } as const;
export type Cache = (typeof Cache)[keyof typeof Cache];

/** Number of pages that one entry of a level maps or reaches. */
export const PAGES_BY_LEVEL = [0, 1, 0x200, 0x40000, 0x8000000, 0x1000000000];

/** In place of its level, for a pass-through result: no entry of the second stage gives it a page size. */
export const NO_PAGE_SIZE = 0;

/** FM (VT-d 6.5.2.1): which function bits of the source id are not compared. */
export const FUNCTION_MASK_BITS = [0, 4, 6, 7];

/** True when the invalidation must remove a context-cache entry of that source, filled under that domain id. */
function coversContext(target: InvalidationTarget, sourceId: number, domainId: number): boolean {
  if (target.cache === "all") return true;
  if (target.cache !== "context") return false;
  if (target.granularity === "global") return true;
  if (target.domainId !== domainId) return false;
  return target.granularity === "domain" || ((target.sourceId ^ sourceId) & ~target.ignoredSourceBits) === 0;
}

/**
 * True when it must remove the IOTLB entry for the page of `level` around `page`, filled under that domain id. 6.5.2.3
 * leaves the mask that fits a large page to software. Choice: with a smaller one hardware may keep the entry, and use
 * it for the pages in the range too. Choice: no mask fits a pass-through result.
 */
function coversIotlb(target: InvalidationTarget, domainId: number, page: number, level: number): boolean {
  if (target.cache === "all") return true;
  if (target.cache !== "iotlb") return false;
  if (target.granularity === "global") return true;
  if (target.domainId !== domainId) return false;
  if (target.granularity === "domain") return true;
  if (level === NO_PAGE_SIZE) return false;
  const pages = PAGES_BY_LEVEL[level]!;
  const first = page - (page % pages);
  return first >= target.firstPage && first + pages <= target.firstPage + target.pageCount;
}

/** True when it must remove the paging-structure entry of `level` on the way to `page`. */
function coversPagingStructure(
  target: InvalidationTarget,
  domainId: number,
  page: number,
  level: number,
): boolean {
  if (target.cache !== "iotlb" || target.granularity !== "page")
    return coversIotlb(target, domainId, page, level);
  if (target.domainId !== domainId || target.leafOnly) return false;
  const pages = PAGES_BY_LEVEL[level]!;
  const first = page - (page % pages);
  return target.firstPage < first + pages && first < target.firstPage + target.pageCount;
}

/** In place of a domain id: a request is not translated. */
export const NO_DOMAIN = -1;

/**
 * 6.5.4: true when it drains, if it drains at all, every write to these untranslated pages that was translated under that
 * domain id.
 */
export function drains(
  target: InvalidationTarget,
  domainId: number,
  firstPage: number,
  pages: number,
): boolean {
  if (target.cache !== "iotlb") return false;
  if (target.granularity === "global") return true;
  if (target.domainId !== domainId) return false;
  if (target.granularity === "domain") return true;
  return target.firstPage <= firstPage && firstPage + pages <= target.firstPage + target.pageCount;
}

/** Tags of the cached entry a fence is asked for. */
export interface CacheTags {
  sourceId: number;
  domainId: number;
  page: number;
  /** Level of a paging-structure entry, or of the page that an IOTLB entry maps ({@link NO_PAGE_SIZE}). */
  level: number;
}

/** True when the invalidation must remove the entry with these tags from that cache. */
export function covers(target: InvalidationTarget, cache: Cache, tags: CacheTags): boolean {
  switch (cache) {
    case Cache.context:
      return coversContext(target, tags.sourceId, tags.domainId);
    case Cache.pagingStructure:
      return coversPagingStructure(target, tags.domainId, tags.page, tags.level);
    default:
      return coversIotlb(target, tags.domainId, tags.page, tags.level);
  }
}

/** 6.5.2.12: IOTLB invalidations execute after every earlier context-cache invalidation of the queue. */
function executesBefore(earlier: Invalidation, later: Invalidation): boolean {
  if (earlier.observed <= later.submitted) return true;
  if (!earlier.queued || !later.queued) return false;
  if (earlier.fencedBy <= later.fenceGroup) return true;
  return earlier.target.cache === "context" && later.target.cache === "iotlb";
}

/** The submission of the last covering invalidation known to be done, and which covering ones are known to be. */
export interface Fence {
  step: number;
  /** Indices into the log. */
  readonly done: number[];
}

export class InvalidationLog {
  readonly entries: Invalidation[] = [];

  reset(): void {
    this.entries.length = 0;
  }

  submit(target: InvalidationTarget, step: number, queued: boolean, fenceGroup: number): Invalidation {
    const entry = { target, submitted: step, observed: OPEN, fenceGroup, fencedBy: fenceGroup + 1, queued };
    this.entries.push(entry);
    return entry;
  }

  /**
   * The fence of a cache for an entry with these tags as of step `at`, given that the invalidations `known` are done.
   * Done means: seen complete by then, or executed before one that was or that is known to be done.
   */
  fence(cache: Cache, tags: CacheTags, at: number, known: readonly number[], into: Fence): void {
    into.step = 0;
    into.done.length = 0;
    const { entries } = this;
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index]!;
      if (entry.submitted > at || !covers(entry.target, cache, tags)) continue;
      if (entry.observed > at && !this.isImplied(index, at, known)) continue;
      into.done.push(index);
      if (entry.submitted > into.step) into.step = entry.submitted;
    }
  }

  /** The last step at which one of these was submitted: what was in the write buffer then has left it (6.8). */
  flushedBy(known: readonly number[]): number {
    let step = 0;
    for (const index of known) step = Math.max(step, this.entries[index]!.submitted);
    return step;
  }

  /**
   * Forgets entries that exclude nothing.
   * @param isIdle true for an entry that excludes nothing itself; it stays while it tells that another one is done
   */
  forget(isIdle: (entry: Invalidation) => boolean): void {
    const { entries } = this;
    const kept = new Set(entries.filter((one) => !isIdle(one)));
    if (kept.size === entries.length) return;
    entries.forEach((entry, index) => {
      const teller = isIdle(entry) ? null : this.firstToTell(index);
      if (teller) kept.add(teller);
    });
    const left = entries.filter((one) => kept.has(one));
    entries.splice(0, entries.length, ...left);
  }

  /** The first invalidation whose completion tells that this one is done, if software did not see its own before. */
  private firstToTell(index: number): Invalidation | null {
    const { entries } = this;
    const entry = entries[index]!;
    let first: Invalidation | null = null;
    for (let later = index + 1; later < entries.length; later++) {
      const one = entries[later]!;
      if (one.observed < (first ?? entry).observed && executesBefore(entry, one)) first = one;
    }
    return first;
  }

  private isImplied(index: number, at: number, known: readonly number[]): boolean {
    if (known.includes(index)) return true;
    const { entries } = this;
    for (let later = index + 1; later < entries.length; later++) {
      const done = entries[later]!.observed <= at || known.includes(later);
      if (done && executesBefore(entries[index]!, entries[later]!)) return true;
    }
    return false;
  }
}
