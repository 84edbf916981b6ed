/** A change of a domain's tables: what has to be invalidated for it, and what has to wait for that. */
import type { HostPage, IovaPage } from "../../../model/words/address.js";

/** Pages whose entries were changed. */
export interface ChangedPages {
  readonly domainId: number;
  readonly iova: IovaPage;
  readonly pages: number;
  /** No entry that points to a table was changed, so paging-structure caches may keep theirs. */
  readonly leafOnly: boolean;
}

export class Change implements ChangedPages {
  leafOnly = true;
  /** Addresses whose old entries, tables included, may be in use until the invalidation is complete. */
  private first: IovaPage;
  private end: IovaPage;

  /** @param tables is given the pages of tables that are linked no longer */
  constructor(
    readonly domainId: number,
    readonly iova: IovaPage,
    readonly pages: number,
    readonly tables: HostPage[],
  ) {
    this.first = iova;
    this.end = iova + pages;
  }

  /** The entry through which a table of `level` reached the address, and all others beside it, has changed. */
  tableChanged(level: number, iova: IovaPage): void {
    const reach = 512 ** level;
    const first = iova - (iova % reach);
    this.leafOnly = false;
    this.first = Math.min(this.first, first);
    this.end = Math.max(this.end, first + reach);
  }

  /** True when one of the addresses may still be answered by an old entry. */
  overlaps(domainId: number, iova: IovaPage, pages: number): boolean {
    return domainId === this.domainId && iova < this.end && this.first < iova + pages;
  }
}
