/**
 * What invalidations that are known to be complete have removed for good: a cheap answer, never too strong, that spares
 * most superseded entries the search for a chain (VT-d 6.5, 6.5.4).
 */
import {
  Cache,
  type CacheTags,
  covers,
  type Invalidation,
  type InvalidationLog,
  PAGES_BY_LEVEL,
} from "./invalidation-log.js";
import type { PostedWrites } from "./posted-writes.js";
import type { Top } from "./table-graph.js";

/** How much of what led through entries is over. */
export const Removed = { nothing: 0, requests: 1, everything: 3 } as const;
export type Removed = (typeof Removed)[keyof typeof Removed];

/** The entries on a way to pages: when the first of each kind was superseded ({@link OPEN} while none is). */
export interface Way {
  /** The root and context entries it may begin with. */
  readonly top: Top;
  /** Entries that point to tables. */
  readonly upperUntil: number;
  /** The entry that maps the pages. */
  readonly until: number;
  readonly level: number;
  readonly iova: number;
}

export class Removals {
  private readonly tags: CacheTags = { sourceId: 0, domainId: 0, page: 0, level: 0 };

  constructor(
    private readonly log: InvalidationLog,
    private readonly posted: PostedWrites,
  ) {}

  /**
   * What is surely over of the requests and posted writes on that way. An invalidation that removes the translation and
   * every entry above it leaves only what was read since it was submitted, and a superseded entry cannot have been.
   */
  on(way: Way, now: number): Removed {
    const { tags, log } = this;
    const { top, until, upperUntil } = way;
    const first = Math.min(until, upperUntil, top.until);
    if (first > now) return Removed.nothing;
    const { entries } = log;
    let removed: Removed = Removed.nothing;
    for (let index = this.firstSince(first); index < entries.length; index++) {
      const entry = entries[index]!;
      if (entry.observed > now) continue;
      tags.domainId = top.domainId;
      tags.page = way.iova;
      tags.level = way.level;
      if (!covers(entry.target, Cache.iotlb, tags)) continue;
      const gone =
        entry.submitted >= until || (!isLeafOnly(entry) && this.upperGone(top, upperUntil, entry, index));
      if (!gone) continue;
      if (this.posted.isDraining(entry)) return Removed.everything;
      removed = Removed.requests;
    }
    return removed;
  }

  /** True when no request can still read a table at `iova` that entries ending at `upperUntil` pointed to. */
  ofTable(top: Top, upperUntil: number, level: number, iova: number, now: number): boolean {
    const { entries } = this.log;
    if (Math.min(upperUntil, top.until) > now) return false;
    for (let index = this.firstSince(Math.min(upperUntil, top.until)); index < entries.length; index++) {
      const entry = entries[index]!;
      if (entry.observed > now) continue;
      if (this.coversTable(entry, top, level, iova) && this.upperGone(top, upperUntil, entry, index))
        return true;
    }
    return false;
  }

  /** It removes every entry below the context entry that leads to a table of that level. */
  private coversTable({ target }: Invalidation, top: Top, level: number, iova: number): boolean {
    const { tags } = this;
    tags.domainId = top.domainId;
    tags.page = iova;
    tags.level = level + 1;
    if (level < top.levels) return covers(target, Cache.pagingStructure, tags);
    tags.level = level;
    return target.cache === "all" || covers(target, Cache.pagingStructure, tags);
  }

  private upperGone(top: Top, upperUntil: number, entry: Invalidation, index: number): boolean {
    return entry.submitted >= upperUntil || (entry.submitted >= top.until && this.contextsGone(top, entry, index));
  }

  /** Every context entry of the way was removed before the invalidation was executed. */
  private contextsGone(top: Top, entry: Invalidation, index: number): boolean {
    if (entry.target.cache === "all") return true;
    for (const { source, until } of top.contexts) if (!this.contextGone(top, source, until, entry, index)) return false;
    return true;
  }

  private contextGone(top: Top, source: number, until: number, entry: Invalidation, index: number): boolean {
    const { tags, log } = this;
    tags.sourceId = source;
    tags.domainId = top.domainId;
    for (let at = this.firstSince(until); at < index; at++) {
      const earlier = log.entries[at]!;
      if (!covers(earlier.target, Cache.context, tags)) continue;
      // 6.5.2.12: IOTLB invalidations execute after every earlier context-cache invalidation of the queue.
      if (earlier.observed <= entry.submitted || (earlier.queued && entry.queued)) return true;
    }
    return false;
  }

  /** Index of the first invalidation that was submitted at `step` or later. */
  private firstSince(step: number): number {
    const { entries } = this.log;
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle]!.submitted < step) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isLeafOnly({ target }: Invalidation): boolean {
  return target.cache === "iotlb" && target.granularity === "page" && target.leafOnly;
}
