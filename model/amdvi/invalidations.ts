/** What the invalidation commands remove and drain (AMD-Vi 2.4.2, 2.4.3, 2.4.8). */
import { Cache, type CacheTags, type InvalidationRules, NO_PAGE_SIZE } from "../windows/invalidation-log.js";
import { ALL_PAGES, type Command } from "./commands.js";

/** What a command removes, named after the command. */
export type InvalidationTarget =
  | { readonly command: "invalidate-devtab-entry"; readonly deviceId: number }
  /** Of GN = 0: with GN = 1 it removes guest translations only, which the model does not have. */
  | {
      readonly command: "invalidate-iommu-pages";
      readonly domainId: number;
      readonly firstPage: number;
      readonly pageCount: number;
      /** PDE: entries of the page directory cache go too. */
      readonly directories: boolean;
    }
  | { readonly command: "invalidate-iommu-all" };

/** What a command removes of what the model has; null when nothing. */
export function targetOf(command: Command): InvalidationTarget | null {
  switch (command.command) {
    case "invalidate-devtab-entry":
      return { command: command.command, deviceId: command.deviceId };
    case "invalidate-iommu-pages": {
      const { domainId, firstPage, pageCount, directories } = command;
      return command.guest ? null : { command: command.command, domainId, firstPage, pageCount, directories };
    }
    case "invalidate-iommu-all":
      return { command: command.command };
    default:
      return null;
  }
}

/**
 * True when the command must remove the entry with these tags from that cache. 2.4.3: an entry goes when any of its pages
 * is in the range. Choice: a Mode 0 result, which no range fits, goes with all pages of its domain only.
 */
export function covers(target: InvalidationTarget, cache: Cache, tags: CacheTags): boolean {
  switch (target.command) {
    case "invalidate-iommu-all":
      return true;
    case "invalidate-devtab-entry":
      return cache === Cache.device && tags.requester === target.deviceId;
    case "invalidate-iommu-pages":
      if (cache === Cache.device || tags.domainId !== target.domainId) return false;
      if (cache === Cache.table && !target.directories) return false;
      return tags.pages === NO_PAGE_SIZE ? target.pageCount >= ALL_PAGES : overlaps(target, tags);
  }
}

function overlaps(range: { firstPage: number; pageCount: number }, { page, pages }: CacheTags): boolean {
  const first = page - (page % pages);
  return range.firstPage < first + pages && first < range.firstPage + range.pageCount;
}

/**
 * True when the completion of the command tells that every write by `tags.requester` to the `tags.pages` pages from
 * `tags.page` on that was translated before under `tags.domainId` has reached memory. Choice: INVALIDATE_IOMMU_PAGES
 * pushes the writes of its domain in its range, INVALIDATE_DEVTAB_ENTRY those of its device, translated or not.
 */
export function drains(target: InvalidationTarget, tags: CacheTags): boolean {
  switch (target.command) {
    case "invalidate-iommu-all":
      return true;
    case "invalidate-devtab-entry":
      return tags.requester === target.deviceId;
    case "invalidate-iommu-pages": {
      if (tags.domainId !== target.domainId) return false;
      const { firstPage, pageCount } = target;
      return firstPage <= tags.page && tags.page + tags.pages <= firstPage + pageCount;
    }
  }
}

/** True for a command that may leave entries of the page directory cache (PDE = 0). */
export function sparesTables(target: InvalidationTarget): boolean {
  return target.command === "invalidate-iommu-pages" && !target.directories;
}

export const invalidations: InvalidationRules<InvalidationTarget> = {
  covers,
  drains,
  // 2.4.1: nothing but a COMPLETION_WAIT with f = 1 orders commands.
  executesBefore: () => false,
  sparesTables,
  // DevTabBase is written without any command.
  switchesPointer: () => false,
  domainOf: (target) => (target.command === "invalidate-iommu-pages" ? target.domainId : null),
  rangeOf: (target) => (target.command === "invalidate-iommu-pages" ? target : null),
};
