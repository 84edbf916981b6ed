/** The simplest invalidations there can be, for tests of what follows from any. */
import { Cache, type CacheTags, type InvalidationRules, type PageRange } from "./invalidation-log.js";

/** Of a cache, and of a domain or a run of pages. */
export interface SimpleTarget {
  readonly cache: Cache;
  readonly domain?: number;
  readonly range?: PageRange;
  /** Executes after those of lower rank. */
  readonly rank?: number;
  /** Entries that point to tables stay. */
  readonly sparing?: boolean;
}

const isWithin = ({ firstPage, pageCount }: PageRange, { page, pages }: CacheTags) =>
  page >= firstPage && page + pages <= firstPage + pageCount;
const isAbout = ({ domain, range }: SimpleTarget, tags: CacheTags) =>
  (domain === undefined || domain === tags.domainId) && (range === undefined || isWithin(range, tags));

/** Those of the IOTLB remove entries that point to tables too, unless they spare them, and drain. */
export const simpleRules: InvalidationRules<SimpleTarget> = {
  covers: (target, cache, tags) =>
    (target.cache === cache ||
      (target.cache === Cache.iotlb && cache === Cache.table && !(target.sparing ?? false))) &&
    isAbout(target, tags),
  drains: (target, tags) => target.cache === Cache.iotlb && isAbout(target, tags),
  executesBefore: (earlier, later) => (earlier.rank ?? 0) < (later.rank ?? 0),
  sparesTables: ({ cache, sparing }) => cache !== Cache.iotlb || (sparing ?? false),
  switchesPointer: () => false,
  domainOf: ({ domain }) => domain ?? null,
  rangeOf: ({ range }) => range ?? null,
};
