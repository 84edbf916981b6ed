/** Variants that invalidate the wrong thing, at the wrong time, or not at all. */
import { coveringMask } from "../../shared/address-mask.js";
import { variant } from "./variant.js";

/** The mask for a run of this size, wherever it begins. */
function maskOfSize(_: number, pages: number): number {
  return Math.ceil(Math.log2(pages));
}

export const invalidationVariants = [
  variant(
    "no-flush",
    "Unmapping clears the entries and leaves the IOTLB alone",
    ["I1"],
    3,
    "attach, map, unmap",
    { unmapsWithoutFlush: true },
  ),
  variant(
    "permission-change-without-flush",
    "Changing rights stores the entries and leaves the IOTLB alone",
    ["I2"],
    3,
    "attach, map, protect with a right less",
    { protectsWithoutFlush: true },
  ),
  variant(
    "free-after-submit",
    "Invalidations are submitted, and nobody waits until they are complete",
    ["I1"],
    2,
    "attach and map in caching mode; else attach, map, unmap",
    { neverWaits: true },
  ),
  variant(
    "free-before-submit",
    "Intents are settled before their invalidations are submitted",
    ["I1"],
    3,
    "attach, map, unmap",
    { settlesBeforeFlush: true },
  ),
  variant(
    "flush-before-store",
    "The IOTLB is invalidated before the entries are cleared",
    ["I1"],
    3,
    "attach, map, unmap",
    { flushesBeforeStore: true },
  ),
  variant(
    "leaf-flush-when-table-freed",
    "The invalidation hint spares paging-structure caches although a table was unlinked and is freed",
    ["I5"],
    3,
    "attach, map, unmap of the only page of a table",
    { hintsAlthoughUnlinked: true },
  ),
  variant(
    "merge-leaf-flush",
    "The invalidation hint is given although a superpage replaced a table, which is freed",
    ["I5"],
    5,
    "attach, map of a superpage, protect a page, protect all of it alike, merge",
    { hintsAlthoughMerged: true },
  ),
  variant(
    "wrong-domain-id",
    "Invalidations of pages name the domain id after the right one",
    ["I1"],
    2,
    "attach and map in caching mode; else attach, map, unmap",
    { flushedDomainId: (domainId) => domainId + 1 },
  ),
  variant(
    "range-rounded-wrong",
    "The address mask follows from the size of a run, whose first page is rounded down: its end is left out",
    ["I1"],
    2,
    "attach and map of an unaligned run in caching mode; else attach, map, unmap",
    { addressMask: maskOfSize },
  ),
  variant(
    "flush-one-page-short",
    "An invalidation of several pages leaves the last one out",
    ["I1"],
    2,
    "attach and map of two pages in caching mode; else attach, map, unmap",
    { addressMask: (iova, pages) => coveringMask(iova, Math.max(1, pages - 1)) },
  ),
  variant(
    "superpage-flushed-as-page",
    "A 2 MiB range is invalidated with the address mask of one page",
    ["I1"],
    2,
    "attach and map of 512 pages that are no superpage in caching mode; else attach, map of a superpage, unmap",
    { addressMask: (iova, pages) => (pages === 512 ? 0 : coveringMask(iova, pages)) },
  ),
  variant(
    "no-drain",
    "Invalidations do not ask for posted writes to be drained",
    ["I1"],
    3,
    "attach, map, unmap",
    { drainsNothing: true },
  ),
  variant(
    "map-without-flush-in-caching-mode",
    "Nothing is invalidated after mapping although entries that were not present may be cached",
    ["I17"],
    2,
    "attach, map",
    { mapsWithoutFlush: true },
  ),
  variant(
    "attach-without-flush-in-caching-mode",
    "Nothing is invalidated after attaching although context entries that were not present may be cached",
    ["I17"],
    2,
    "map, attach",
    { attachesWithoutFlush: true },
  ),
  variant(
    "deferred-frees-at-once",
    "With deferred flushing, pages are given back when their entries are cleared",
    ["I1"],
    3,
    "attach, map, unmap",
    { settlesDeferredAtOnce: true },
  ),
  variant(
    "lazy-reuses-iova",
    "With deferred flushing, an address is mapped again before its invalidation",
    ["I17"],
    4,
    "attach, map, unmap, map",
    { remapsPendingAddress: true },
  ),
];
