/** What VT-d calls the parts of the model, for explanations and witnesses. */

import { Cache, type CacheTags } from "../windows/invalidation-log.js";
import type { Wording } from "../windows/wording.js";
import { showAddress, showRequester } from "../words/address.js";
import type { InvalidationTarget } from "./invalidations.js";
import { missOf } from "./misses.js";

/** An invalidation in words. */
export function describeTarget(target: InvalidationTarget): string {
  if (target.cache === "all") return "set-root-table-pointer operation";
  const cache = target.cache === "context" ? "context-cache" : "IOTLB";
  if (target.granularity === "global") return `global ${cache} invalidation`;
  if (target.granularity === "domain") return `${cache} invalidation of domain ${target.domainId}`;
  if (target.granularity === "device") {
    return `${cache} invalidation of ${showRequester(target.sourceId)} in domain ${target.domainId}`;
  }
  const hint = target.leafOnly ? ", leaf entries only" : "";
  const pages = target.pageCount === 1 ? "1 page" : `${target.pageCount} pages`;
  return `${cache} invalidation of ${pages} at ${showAddress(target.firstPage)} in domain ${target.domainId}${hint}`;
}

function wanted(cache: Cache, { requester, domainId, page }: CacheTags): string {
  return cache === Cache.device
    ? `context-cache invalidation for ${showRequester(requester)} in domain ${domainId}`
    : `IOTLB invalidation for ${showAddress(page)} in domain ${domainId}`;
}

export const wording: Wording<InvalidationTarget> = {
  links: ["translation-enable status", "root-table pointer", "root entry", "context entry"],
  tableEntry: (level) => `level-${level} entry`,
  caches: {
    [Cache.device]: "the context cache",
    [Cache.table]: "a paging-structure cache",
    [Cache.iotlb]: "the IOTLB",
  },
  queue: "the queue",
  sections: {
    steering: "in GSTS (VT-d 11.4.4.2)",
    lineFlush: "(ECAP.C = 0, VT-d 11.4.3)",
    bufferFlush: "(CAP.RWBF = 1, VT-d 6.8)",
    queueCompletion: "VT-d 6.5.2.12",
    registerCompletion: "VT-d 6.5.1",
    invalidation: "VT-d 6.5.3.3",
    order: {
      [Cache.device]: "VT-d 6.2.2.1",
      [Cache.table]: "VT-d 6.5.3.3",
      [Cache.iotlb]: "VT-d 6.5.3.3",
    },
    drain: "VT-d 6.5.4",
  },
  pointerWord: (page) => ({ low: (page * 0x1000) >>> 0, high: Math.floor(page / 0x100000) }),
  describe: describeTarget,
  wanted,
  concerns: (target, cache) =>
    target.cache === "all" || (target.cache === "context") === (cache === Cache.device),
  missOf,
};
