/** Invalidations that were meant for an entry, as it seems, but do not cover it (VT-d 6.5.2.1, 6.5.2.3). */
import type { Excuse, ExcuseKind } from "../isolation/exposure.js";
import { showAddress, showRequester } from "../words/address.js";
import { describeTarget } from "./explain.js";
import {
  Cache,
  type CacheTags,
  type Invalidation,
  type InvalidationTarget,
  NO_PAGE_SIZE,
  PAGES_BY_LEVEL,
} from "./invalidation-log.js";

/** How an invalidation misses an entry. */
interface Miss {
  readonly kind: ExcuseKind;
  /** How near it comes: of several, the nearest was most likely meant. */
  readonly near: number;
  /** What it does to the entry, and why. */
  readonly text: string;
}

type Selective<C extends "context" | "iotlb"> = Extract<InvalidationTarget, { readonly cache: C }>;

/** The excuse that the nearest of these invalidations is; null when all of them are about something else. */
export function nearestMiss(
  candidates: readonly Invalidation[],
  cache: Cache,
  tags: CacheTags,
): Excuse | null {
  let nearest: Miss | null = null;
  for (const { target, submitted } of candidates) {
    const miss = missOf(target, cache, tags);
    if (!miss || (nearest && nearest.near >= miss.near)) continue;
    nearest = { ...miss, text: `the ${describeTarget(target)} (action ${submitted - 1}) ${miss.text}` };
  }
  return nearest && { kind: nearest.kind, text: nearest.text };
}

/** How an invalidation that does not cover the entry misses it; null when it shares nothing with it. */
function missOf(target: InvalidationTarget, cache: Cache, tags: CacheTags): Miss | null {
  if (target.cache === "all") return null;
  return target.cache === "context" ? contextMiss(target, tags) : iotlbMiss(target, cache, tags);
}

function contextMiss(target: Selective<"context">, { sourceId, domainId }: CacheTags): Miss | null {
  if (target.granularity === "global") return null;
  const sameSource =
    target.granularity === "device" && ((target.sourceId ^ sourceId) & ~target.ignoredSourceBits) === 0;
  if (target.domainId !== domainId) {
    if (target.granularity === "device" && !sameSource) return null;
    return { kind: "wrong-domain", near: sameSource ? 3 : 1, text: filledUnder(domainId) };
  }
  const text = `misses it: the entry is that of ${showRequester(sourceId)} (VT-d 6.5.2.1)`;
  return { kind: "wrong-device", near: 2, text };
}

function iotlbMiss(target: Selective<"iotlb">, cache: Cache, tags: CacheTags): Miss | null {
  if (target.granularity === "global") return null;
  const { domainId, page, level } = tags;
  if (target.granularity === "domain") return { kind: "wrong-domain", near: 3, text: filledUnder(domainId) };
  const pages = Math.max(PAGES_BY_LEVEL[level]!, 1);
  const first = page - (page % pages);
  const aimed = target.firstPage < first + pages && first < target.firstPage + target.pageCount;
  if (target.domainId !== domainId)
    return aimed ? { kind: "wrong-domain", near: 4, text: filledUnder(domainId) } : null;
  if (cache === Cache.pagingStructure && target.leafOnly && aimed) {
    const text = "spares it: with IH = 1 entries that point to tables may stay (VT-d 6.5.2.3)";
    return { kind: "leaf-only", near: 6, text };
  }
  return { kind: "wrong-range", near: aimed ? 5 : 2, text: outOfRange(cache, tags, aimed) };
}

function filledUnder(domainId: number): string {
  return `misses it: it was filled under domain ${domainId} (VT-d 6.2.1)`;
}

function outOfRange(cache: Cache, { page, level }: CacheTags, aimed: boolean): string {
  if (cache === Cache.iotlb && level === NO_PAGE_SIZE)
    return "may spare it: a pass-through result has no page size and takes a domain-selective one";
  const pages = PAGES_BY_LEVEL[level]!;
  const first = showAddress(page - (page % pages));
  if (pages === 1) return `misses it: the entry maps ${first} (VT-d 6.5.2.3)`;
  if (cache === Cache.pagingStructure)
    return `misses it: the entry is for the ${pages} pages at ${first} (VT-d 6.5.2.3)`;
  const why = aimed ? "has too small a mask: the entry" : "misses it: the entry";
  return `${why} maps ${pages} pages at ${first} (VT-d 6.5.2.3)`;
}
