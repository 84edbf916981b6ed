/** What invalidations remove from the caches of a VT-d unit (VT-d 6.2, 6.5.2). */
import { covers, type InvalidationTarget } from "../../../../model/vtd/invalidations.js";
import { NO_PAGE_SIZE } from "../../../../model/windows/invalidation-log.js";
import { type Mapping, overlaps, type RemovalRules, requiredBy } from "../caches.js";

/** A piece of a large page is an entry like any other. */
function sizeOf({ mappedPages, pageCount }: Mapping): number {
  return mappedPages === 0 ? NO_PAGE_SIZE : pageCount;
}

const required = requiredBy(covers, sizeOf);

/** What the specification says. */
export const removalRules: RemovalRules<InvalidationTarget> = {
  ...required,
  /** A page-selective invalidation reaches the entry, but its mask does not fit the entry's page. */
  mayTake(target, entry) {
    if (target.cache !== "iotlb" || target.granularity !== "page") return false;
    if (target.domainId !== entry.domainId || required.mapping(target, entry)) return false;
    return overlaps(entry, target.firstPage, target.pageCount);
  },
};
