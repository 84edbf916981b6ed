/** What invalidation commands remove from the caches of an AMD-Vi unit (AMD-Vi 2.4.2, 2.4.3, 2.4.8). */
import { covers, type InvalidationTarget } from "../../../../model/amdvi/invalidations.js";
import { overlaps, type RemovalRules, requiredBy } from "../caches.js";

/** What the specification says; a piece of a large page goes with any other piece of it. */
export const removalRules: RemovalRules<InvalidationTarget> = {
  ...requiredBy(covers, ({ mappedPages }) => mappedPages),
  /** A range reaches a result without page size, but does not fit it. */
  mayTake(target, entry) {
    if (target.command !== "invalidate-iommu-pages" || entry.mappedPages > 0) return false;
    return target.domainId === entry.domainId && overlaps(entry, target.firstPage, target.pageCount);
  },
};
