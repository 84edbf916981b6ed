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
} from "./invalidation-log.js";
import type { QueueView } from "./queue-view.js";
import type { Leaf } from "./table-graph.js";
import type { Top } from "./tops.js";

/** How much of what led through entries is over. */
export const Removed = { nothing: 0, requests: 1, everything: 3 } as const;
export type Removed = (typeof Removed)[keyof typeof Removed];

type LeafWindow = Pick<Leaf, "since" | "until" | "upperUntil" | "level" | "iova">;

export class Removals {
  private readonly tags: CacheTags = { sourceId: 0, domainId: 0, page: 0, level: 0 };

  constructor(
    private readonly log: InvalidationLog,
    private readonly queue: QueueView,
  ) {}

  /**
   * What is surely over of the requests and posted writes to a leaf under a top. An invalidation that removes the
   * translation and every entry above it leaves only what was read since it was submitted, and a superseded entry cannot
   * have been. One that removed the entries above before the leaf was there leaves nothing.
   */
  on(top: Top, { since, until, upperUntil, level, iova }: LeafWindow, now: number): Removed {
    const { tags, log } = this;
    const first = Math.min(until, upperUntil, top.until);
    if (first > now) return Removed.nothing;
    const { entries } = log;
    let removed: Removed = Removed.nothing;
    for (let index = this.firstSince(first); index < entries.length; index++) {
      const entry = entries[index]!;
      if (entry.observed > now) continue;
      const upper = !isLeafOnly(entry) && this.upperGone(top, upperUntil, entry, index);
      if (upper && entry.observed <= since && this.coversAbove(entry, top, level, iova))
        return Removed.everything;
      if (!upper && entry.submitted < until) continue;
      tags.domainId = top.domainId;
      tags.page = iova;
      tags.level = level;
      if (!covers(entry.target, Cache.iotlb, tags)) continue;
      if (this.isDraining(entry)) return Removed.everything;
      removed = Removed.requests;
    }
    return removed;
  }

  /**
   * True when nothing read at step `at` or later can have been found in a table of `level` at `iova`, to which entries
   * have pointed until `upperUntil`.
   */
  ofTable(top: Top, upperUntil: number, level: number, iova: number, at: number): boolean {
    const { entries } = this.log;
    const first = Math.min(upperUntil, top.until);
    if (first > at) return false;
    for (let index = this.firstSince(first); index < entries.length; index++) {
      const entry = entries[index]!;
      if (entry.observed > at || isLeafOnly(entry) || !this.coversAbove(entry, top, level, iova)) continue;
      if (this.upperGone(top, upperUntil, entry, index)) return true;
    }
    return false;
  }

  /** It removes the entries between the context entry and a table of `level`, or what they lead to. */
  private coversAbove({ target }: Invalidation, top: Top, level: number, iova: number): boolean {
    const { tags } = this;
    tags.domainId = top.domainId;
    tags.page = iova;
    tags.level = Math.min(level + 1, top.levels);
    return covers(target, Cache.pagingStructure, tags);
  }

  private upperGone(top: Top, upperUntil: number, entry: Invalidation, index: number): boolean {
    return (
      entry.submitted >= upperUntil || (entry.submitted >= top.until && this.contextsGone(top, entry, index))
    );
  }

  /** Every context entry of the way was removed before the invalidation was executed. */
  private contextsGone(top: Top, entry: Invalidation, index: number): boolean {
    if (entry.target.cache === "all") return true;
    for (const { source, until } of top.contexts)
      if (!this.contextGone(top, source, until, entry, index)) return false;
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

  /** It was submitted to drain writes; what it covers is what it drains. */
  private isDraining(invalidation: Invalidation): boolean {
    const { drains } = this.queue;
    let low = 0;
    let high = drains.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (drains[middle]!.invalidation.submitted < invalidation.submitted) low = middle + 1;
      else high = middle;
    }
    for (; drains[low]?.invalidation.submitted === invalidation.submitted; low++)
      if (drains[low]!.invalidation === invalidation) return true;
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
