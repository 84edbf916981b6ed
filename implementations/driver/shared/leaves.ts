/** Which entries map a run of pages. */
import type { HostPage, IovaPage } from "../../../model/words/address.js";
import type { DriverMapping } from "../interface.js";
import { ENTRIES, INDEX_BITS } from "./table.js";

/** Pages in a row that entries of one size map, all of them in one table. */
export interface LeafRun {
  readonly iova: IovaPage;
  readonly page: HostPage;
  readonly pages: number;
  readonly pagesOfLeaf: number;
  /** Level of the table that the entries are in. */
  readonly level: number;
}

/**
 * The fewest entries that map these pages, where entries may map 2^n pages for every n of `orders` (0 is one of them). An
 * entry of 2^n pages is in a table of level n / 9 + 1, rounded down; its pages are aligned on both sides.
 */
export function leafRunsOf(mapping: DriverMapping, orders: readonly number[]): readonly LeafRun[] {
  const runs: LeafRun[] = [];
  for (let done = 0; done < mapping.pages; ) {
    const iova = mapping.iova + done;
    const page = mapping.page + done;
    const order = largestOrder(iova, page, mapping.pages - done, orders);
    const pages = 2 ** order;
    const last = runs[runs.length - 1];
    if (last && last.pagesOfLeaf === pages && sameTable(last, iova))
      runs[runs.length - 1] = { ...last, pages: last.pages + pages };
    else runs.push({ iova, page, pages, pagesOfLeaf: pages, level: Math.floor(order / INDEX_BITS) + 1 });
    done += pages;
  }
  return runs;
}

function largestOrder(iova: IovaPage, page: HostPage, pages: number, orders: readonly number[]): number {
  let largest = 0;
  for (const order of orders) {
    const size = 2 ** order;
    if (order > largest && size <= pages && iova % size === 0 && page % size === 0) largest = order;
  }
  return largest;
}

function sameTable({ iova, level }: LeafRun, other: IovaPage): boolean {
  const reach = ENTRIES ** level;
  return Math.floor(iova / reach) === Math.floor(other / reach);
}
