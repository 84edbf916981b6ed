/** What the invalidations of VT-d remove and drain, and in which order they execute (VT-d 6.5). */
import { Cache, type CacheTags, type InvalidationRules, NO_PAGE_SIZE } from "../windows/invalidation-log.js";

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
 * True when it must remove the IOTLB entry for `pages` pages around `page`, filled under that domain id. 6.5.2.3
 * leaves the mask that fits a large page to software. Choice: with a smaller one hardware may keep the entry, and use
 * it for the pages in the range too. Choice: no mask fits a pass-through result.
 */
function coversIotlb(target: InvalidationTarget, domainId: number, page: number, pages: number): boolean {
  if (target.cache === "all") return true;
  if (target.cache !== "iotlb") return false;
  if (target.granularity === "global") return true;
  if (target.domainId !== domainId) return false;
  if (target.granularity === "domain") return true;
  if (pages === NO_PAGE_SIZE) return false;
  const first = page - (page % pages);
  return first >= target.firstPage && first + pages <= target.firstPage + target.pageCount;
}

/** True when it must remove the paging-structure entry that reaches `pages` pages around `page`. */
function coversPagingStructure(
  target: InvalidationTarget,
  domainId: number,
  page: number,
  pages: number,
): boolean {
  if (target.cache !== "iotlb" || target.granularity !== "page")
    return coversIotlb(target, domainId, page, pages);
  if (target.domainId !== domainId || target.leafOnly) return false;
  const first = page - (page % pages);
  return target.firstPage < first + pages && first < target.firstPage + target.pageCount;
}

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

/** True when the invalidation must remove the entry with these tags from that cache. */
export function covers(target: InvalidationTarget, cache: Cache, tags: CacheTags): boolean {
  switch (cache) {
    case Cache.device:
      return coversContext(target, tags.requester, tags.domainId);
    case Cache.table:
      return coversPagingStructure(target, tags.domainId, tags.page, tags.pages);
    default:
      return coversIotlb(target, tags.domainId, tags.page, tags.pages);
  }
}

/** The entries that point to tables may stay: IH = 1 (6.5.2.3). */
export function isLeafOnly(target: InvalidationTarget): boolean {
  return target.cache === "iotlb" && target.granularity === "page" && target.leafOnly;
}

export const invalidations: InvalidationRules<InvalidationTarget> = {
  covers,
  drains: (target, { domainId, page, pages }) => drains(target, domainId, page, pages),
  // 6.5.2.12: IOTLB invalidations execute after every earlier context-cache invalidation of the queue.
  executesBefore: (earlier, later) => earlier.cache === "context" && later.cache === "iotlb",
  sparesTables: isLeafOnly,
  // 11.4.2 ESRTPS: what setting the root-table pointer invalidates is refilled through the new pointer only.
  switchesPointer: (target) => target.cache === "all",
  domainOf: (target) => ("domainId" in target ? target.domainId : null),
  rangeOf: (target) => ("firstPage" in target ? target : null),
};
