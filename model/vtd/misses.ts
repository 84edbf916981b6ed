/** Invalidations that were meant for an entry, as it seems, but do not cover it (VT-d 6.5.2.1, 6.5.2.3). */

import { Cache, type CacheTags, NO_PAGE_SIZE } from "../windows/invalidation-log.js";
import type { Miss } from "../windows/wording.js";
import { showAddress, showRequester } from "../words/address.js";
import type { InvalidationTarget } from "./invalidations.js";

type Selective<C extends "context" | "iotlb"> = Extract<InvalidationTarget, { readonly cache: C }>;

/** How an invalidation that does not cover the entry misses it; null when it shares nothing with it. */
export function missOf(target: InvalidationTarget, cache: Cache, tags: CacheTags): Miss | null {
  if (target.cache === "all") return null;
  return target.cache === "context" ? contextMiss(target, tags) : iotlbMiss(target, cache, tags);
}

function contextMiss(target: Selective<"context">, { requester, domainId }: CacheTags): Miss | null {
  if (target.granularity === "global") return null;
  const sameSource =
    target.granularity === "device" && ((target.sourceId ^ requester) & ~target.ignoredSourceBits) === 0;
  if (target.domainId !== domainId) {
    if (target.granularity === "device" && !sameSource) return null;
    return { kind: "wrong-domain", near: sameSource ? 3 : 1, text: filledUnder(domainId) };
  }
  const text = `misses it: the entry is that of ${showRequester(requester)} (VT-d 6.5.2.1)`;
  return { kind: "wrong-device", near: 2, text };
}

function iotlbMiss(target: Selective<"iotlb">, cache: Cache, tags: CacheTags): Miss | null {
  if (target.granularity === "global") return null;
  const { domainId, page } = tags;
  if (target.granularity === "domain") return { kind: "wrong-domain", near: 3, text: filledUnder(domainId) };
  const pages = Math.max(tags.pages, 1);
  const first = page - (page % pages);
  const aimed = target.firstPage < first + pages && first < target.firstPage + target.pageCount;
  if (target.domainId !== domainId)
    return aimed ? { kind: "wrong-domain", near: 4, text: filledUnder(domainId) } : null;
  if (cache === Cache.table && target.leafOnly && aimed) {
    const text = "spares it: with IH = 1 entries that point to tables may stay (VT-d 6.5.2.3)";
    return { kind: "leaf-only", near: 6, text };
  }
  return { kind: "wrong-range", near: aimed ? 5 : 2, text: outOfRange(cache, tags, aimed) };
}

function filledUnder(domainId: number): string {
  return `misses it: it was filled under domain ${domainId} (VT-d 6.2.1)`;
}

function outOfRange(cache: Cache, { page, pages }: CacheTags, aimed: boolean): string {
  if (cache === Cache.iotlb && pages === NO_PAGE_SIZE)
    return "may spare it: a pass-through result has no page size and takes a domain-selective one";
  const first = showAddress(page - (page % pages));
  if (pages === 1) return `misses it: the entry maps ${first} (VT-d 6.5.2.3)`;
  if (cache === Cache.table)
    return `misses it: the entry is for the ${pages} pages at ${first} (VT-d 6.5.2.3)`;
  const why = aimed ? "has too small a mask: the entry" : "misses it: the entry";
  return `${why} maps ${pages} pages at ${first} (VT-d 6.5.2.3)`;
}
