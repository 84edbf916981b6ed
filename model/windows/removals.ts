/**
 * What invalidations that are known to be complete have removed for good: a cheap answer, never too strong, that spares
 * most superseded entries the search for a chain.
 */
import {
  ANY_REQUESTER,
  Cache,
  type CacheTags,
  type Invalidation,
  type InvalidationLog,
  NO_PAGE_SIZE,
} from "./invalidation-log.js";
import type { Leaf } from "./table-graph.js";
import type { Top } from "./tops.js";
import type { TableEntries } from "./unit.js";

/** How much of what led through entries is over. */
export const Removed = { nothing: 0, requests: 1, everything: 3 } as const;
export type Removed = (typeof Removed)[keyof typeof Removed];

type LeafWindow = Pick<Leaf, "since" | "until" | "upperUntil" | "level" | "iova" | "size">;

/** As many pages as addresses have. */
const EVERY_PAGE = 2 ** 52;

export class Removals {
  private readonly tags: CacheTags = { requester: 0, domainId: 0, page: 0, pages: 0 };

  private readonly writes: CacheTags = { requester: ANY_REQUESTER, domainId: 0, page: 0, pages: 0 };

  constructor(
    private readonly entriesOfTables: TableEntries,
    private readonly log: InvalidationLog,
  ) {}

  /**
   * What is surely over of the requests and posted writes to a leaf under a top. An invalidation that removes the
   * translation and every entry above it leaves only what was read since it was submitted, and a superseded entry cannot
   * have been. One that removed the entries above before the leaf was there leaves nothing.
   */
  on(top: Top, leaf: LeafWindow, now: number): Removed {
    const { since, until, upperUntil, level, iova, size } = leaf;
    const { tags, log } = this;
    const first = Math.min(until, upperUntil, top.until);
    if (first > now) return Removed.nothing;
    const { entries } = log;
    let removed: Removed = Removed.nothing;
    for (let index = log.firstSince(first); index < entries.length; index++) {
      const entry = entries[index]!;
      if (entry.observed > now) continue;
      const upper = !log.rules.sparesTables(entry.target) && this.upperGone(top, upperUntil, entry, index);
      if (upper && entry.observed <= since && this.coversAbove(entry, top, level, iova))
        return Removed.everything;
      if (!upper && entry.submitted < until) continue;
      tags.domainId = top.domainId;
      tags.page = iova;
      tags.pages = size;
      if (!log.covers(entry, Cache.iotlb, tags)) continue;
      if (log.drains(entry, this.writesTo(top, iova, size))) return Removed.everything;
      removed = Removed.requests;
    }
    return removed;
  }

  /** Tags of the writes by anyone to the pages of a leaf. */
  private writesTo({ domainId }: Top, iova: number, size: number): CacheTags {
    const { writes } = this;
    writes.domainId = domainId;
    writes.page = size === NO_PAGE_SIZE ? 0 : iova - (iova % size);
    writes.pages = size === NO_PAGE_SIZE ? EVERY_PAGE : size;
    return writes;
  }

  /**
   * True when nothing read at step `at` or later can have been found in a table of `level` at `iova`, to which entries
   * have pointed until `upperUntil`.
   */
  ofTable(top: Top, upperUntil: number, level: number, iova: number, at: number): boolean {
    const { log } = this;
    const { entries } = log;
    const first = Math.min(upperUntil, top.until);
    if (first > at) return false;
    for (let index = log.firstSince(first); index < entries.length; index++) {
      const entry = entries[index]!;
      if (entry.observed > at || log.rules.sparesTables(entry.target)) continue;
      if (this.coversAbove(entry, top, level, iova) && this.upperGone(top, upperUntil, entry, index))
        return true;
    }
    return false;
  }

  /** It removes the entries between the device entry and a table of `level`, or what they lead to. */
  private coversAbove(entry: Invalidation, top: Top, level: number, iova: number): boolean {
    const { tags } = this;
    tags.domainId = top.domainId;
    tags.page = iova;
    tags.pages = this.entriesOfTables.span(Math.min(level + 1, top.levels));
    return this.log.covers(entry, Cache.table, tags);
  }

  private upperGone(top: Top, upperUntil: number, entry: Invalidation, index: number): boolean {
    return (
      entry.submitted >= upperUntil || (entry.submitted >= top.until && this.devicesGone(top, entry, index))
    );
  }

  /** Every device entry of the way was removed before the invalidation was executed, or by it. */
  private devicesGone(top: Top, entry: Invalidation, index: number): boolean {
    for (const { requester, until } of top.devices)
      if (!this.deviceGone(top, requester, until, entry, index)) return false;
    return true;
  }

  private deviceGone(
    top: Top,
    requester: number,
    until: number,
    entry: Invalidation,
    index: number,
  ): boolean {
    const { tags, log } = this;
    tags.requester = requester;
    tags.domainId = top.domainId;
    if (log.covers(entry, Cache.device, tags)) return true;
    for (let at = log.firstSince(until); at < index; at++) {
      const earlier = log.entries[at]!;
      if (log.covers(earlier, Cache.device, tags) && log.executesBefore(earlier, entry)) return true;
    }
    return false;
  }
}
