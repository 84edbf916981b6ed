/** What AMD-Vi calls the parts of the model, for explanations and witnesses. */

import { Cache, type CacheTags, NO_PAGE_SIZE } from "../windows/invalidation-log.js";
import type { ChainShape } from "../windows/unit.js";
import type { Miss, Wording } from "../windows/wording.js";
import { showAddress, showRequester } from "../words/address.js";
import { ALL_PAGES } from "./commands.js";
import type { InvalidationTarget } from "./invalidations.js";

type PagesTarget = Extract<InvalidationTarget, { readonly command: "invalidate-iommu-pages" }>;

/** An invalidation in words. */
function describe(target: InvalidationTarget): string {
  switch (target.command) {
    case "invalidate-iommu-all":
      return "INVALIDATE_IOMMU_ALL";
    case "invalidate-devtab-entry":
      return `INVALIDATE_DEVTAB_ENTRY of ${showRequester(target.deviceId)}`;
    case "invalidate-iommu-pages": {
      const directories = target.directories ? "" : ", PDE = 0";
      return `INVALIDATE_IOMMU_PAGES of ${describePages(target)} in domain ${target.domainId}${directories}`;
    }
  }
}

function describePages({ firstPage, pageCount }: PagesTarget): string {
  if (pageCount >= ALL_PAGES) return "all pages";
  return `${pageCount === 1 ? "1 page" : `${pageCount} pages`} at ${showAddress(firstPage)}`;
}

function wanted(cache: Cache, { requester, domainId, page }: CacheTags): string {
  if (cache === Cache.device) return `INVALIDATE_DEVTAB_ENTRY for ${showRequester(requester)}`;
  const directories = cache === Cache.table ? " with PDE = 1" : "";
  return `INVALIDATE_IOMMU_PAGES${directories} for ${showAddress(page)} in domain ${domainId}`;
}

function concerns(target: InvalidationTarget, cache: Cache): boolean {
  if (target.command === "invalidate-iommu-all") return true;
  return (target.command === "invalidate-devtab-entry") === (cache === Cache.device);
}

/** How a command that does not cover the entry misses it (2.4.2, 2.4.3); null when it shares nothing with it. */
function missOf(target: InvalidationTarget, cache: Cache, tags: CacheTags): Miss | null {
  switch (target.command) {
    case "invalidate-iommu-all":
      return null;
    case "invalidate-devtab-entry": {
      if (cache !== Cache.device) return null;
      const text = `misses it: the entry is that of ${showRequester(tags.requester)} (AMD-Vi 2.4.2)`;
      return { kind: "wrong-device", near: 2, text };
    }
    case "invalidate-iommu-pages":
      return cache === Cache.device ? null : pagesMiss(target, cache, tags);
  }
}

function pagesMiss(target: PagesTarget, cache: Cache, tags: CacheTags): Miss | null {
  const { domainId, page, pages } = tags;
  const size = Math.max(pages, 1);
  const first = page - (page % size);
  const aimed = target.firstPage < first + size && first < target.firstPage + target.pageCount;
  if (target.domainId !== domainId) {
    const text = `misses it: it was filled under domain ${domainId} (AMD-Vi 2.4.3)`;
    return aimed ? { kind: "wrong-domain", near: 4, text } : null;
  }
  if (cache === Cache.table && !target.directories && aimed) {
    const text = "spares it: with PDE = 0 entries of the page directory cache may stay (AMD-Vi 2.4.3)";
    return { kind: "leaf-only", near: 6, text };
  }
  return { kind: "wrong-range", near: aimed ? 5 : 2, text: outOfRange(cache, first, pages) };
}

function outOfRange(cache: Cache, first: number, pages: number): string {
  if (cache === Cache.iotlb && pages === NO_PAGE_SIZE)
    return "may spare it: a Mode 0 result has no page size and takes all pages of its domain (AMD-Vi 2.4.3)";
  if (pages === 1) return `misses it: the entry maps ${showAddress(first)} (AMD-Vi 2.4.3)`;
  const is = cache === Cache.table ? "is for the" : "maps";
  return `misses it: the entry ${is} ${pages} pages at ${showAddress(first)} (AMD-Vi 2.4.3)`;
}

/** Names of the parts of a chain above the tables. */
function linksOf({ device, lastDevice }: ChainShape): string[] {
  const entry = "device table entry";
  const parts = lastDevice > device ? [`${entry}, bits 63:0,`, `${entry}, bits 127:64,`] : [entry];
  return ["IommuEn", "device table base address", ...parts];
}

/** The words of a unit whose chains have that shape. */
export function wordingOf(shape: ChainShape): Wording<InvalidationTarget> {
  return {
    links: linksOf(shape),
    tableEntry: (level) => `level-${level} page table entry`,
    caches: {
      [Cache.device]: "the device table cache",
      [Cache.table]: "the page directory cache",
      [Cache.iotlb]: "the I/O TLB",
    },
    queue: "the command buffer",
    sections: {
      steering: "(AMD-Vi MMIO 0018h)",
      lineFlush: "(table walks do not snoop, AMD-Vi 2.2.3)",
      bufferFlush: "(AMD-Vi 2.2.3)",
      queueCompletion: "AMD-Vi 2.4.1",
      registerCompletion: "AMD-Vi 2.4.1",
      invalidation: "AMD-Vi 2.4",
      order: {
        [Cache.device]: "AMD-Vi 2.4.2",
        [Cache.table]: "AMD-Vi 2.4.3",
        [Cache.iotlb]: "AMD-Vi 2.4.3",
      },
      drain: "AMD-Vi 2.4",
    },
    // DevTabBase: the address in bits 51:12, Size in bits 8:0.
    pointerWord(pointer) {
      const page = Math.floor(pointer / 512);
      return { low: (page * 0x1000 + (pointer % 512)) >>> 0, high: Math.floor(page / 0x100000) };
    },
    describe,
    wanted,
    concerns,
    missOf,
  };
}
