/** What a driver remembers of the page tables it has built. */
import type { HostPage } from "../../../model/words/address.js";

/** Index bits of a table. */
export const INDEX_BITS = 9;
/** Entries of a table. */
export const ENTRIES = 512;

/** An entry that maps a page of 4 KiB or larger. Where it takes several entries, all of them are this one. */
export class Leaf {
  constructor(
    readonly page: HostPage,
    /** Pages of 4 KiB. */
    readonly pages: number,
    readonly access: number,
  ) {}
}

export class Table {
  /** Present entries by index. */
  readonly entries = new Map<number, Table | Leaf>();
  /** Pages of 4 KiB that one entry stands for. */
  readonly pagesOfEntry: number;

  constructor(
    readonly page: HostPage,
    readonly level: number,
  ) {
    this.pagesOfEntry = ENTRIES ** (level - 1);
  }

  /** True when a large page can stand for it: every page is mapped, in a row from `page` on, with these rights. */
  maps(page: HostPage, access: number): boolean {
    if (this.entries.size < ENTRIES) return false;
    for (const [index, entry] of this.entries)
      if (!entryMaps(entry, page + index * this.pagesOfEntry, access)) return false;
    return true;
  }
}

/** True when an entry maps all its pages, in a row from `page` on, with these rights. */
export function entryMaps(entry: Table | Leaf | undefined, page: HostPage, access: number): boolean {
  if (entry === undefined) return false;
  if (entry instanceof Table) return entry.maps(page, access);
  return entry.access === access && entry.page + (page % entry.pages) === page;
}
