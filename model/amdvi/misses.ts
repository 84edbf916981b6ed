/** Commands that were meant for an entry, as it seems, but do not cover it (AMD-Vi 2.4.2, 2.4.3). */
import { Cache, type CacheTags, NO_PAGE_SIZE } from "../windows/invalidation-log.js";
import type { Miss } from "../windows/wording.js";
import { showAddress, showRequester } from "../words/address.js";
import type { InvalidationTarget } from "./invalidations.js";

type Pages = Extract<InvalidationTarget, { readonly command: "invalidate-iommu-pages" }>;

/** How a command that does not cover the entry misses it; null when it shares nothing with it. */
export function missOf(target: InvalidationTarget, cache: Cache, tags: CacheTags): Miss | null {
  switch (target.command) {
    case "invalidate-iommu-all":
      return null;
    case "invalidate-devtab-entry":
      return {
        kind: "wrong-device",
        near: 2,
        text: `misses it: the entry is that of ${showRequester(tags.requester)} (AMD-Vi 2.4.2)`,
      };
    case "invalidate-iommu-pages":
      return pagesMiss(target, cache, tags);
  }
}

function pagesMiss(target: Pages, cache: Cache, tags: CacheTags): Miss | null {
  const { domainId, page } = tags;
  const pages = Math.max(tags.pages, 1);
  const first = page - (page % pages);
  const aimed = target.firstPage < first + pages && first < target.firstPage + target.pageCount;
  if (target.domainId !== domainId) {
    const text = `misses it: it was filled under domain ${domainId} (AMD-Vi 2.4.3)`;
    return aimed ? { kind: "wrong-domain", near: 4, text } : null;
  }
  if (cache === Cache.table && !target.directories && aimed) {
    const text = "spares it: with PDE = 0 page directory entries may stay (AMD-Vi 2.4.3)";
    return { kind: "leaf-only", near: 6, text };
  }
  return { kind: "wrong-range", near: aimed ? 5 : 2, text: outOfRange(tags, first) };
}

function outOfRange({ pages }: CacheTags, firstPage: number): string {
  if (pages === NO_PAGE_SIZE) return "may spare it: a Mode 0 result has no page size and takes all pages";
  const what = pages === 1 ? showAddress(firstPage) : `the ${pages} pages at ${showAddress(firstPage)}`;
  return `misses it: the entry is for ${what} (AMD-Vi 2.4.3)`;
}
