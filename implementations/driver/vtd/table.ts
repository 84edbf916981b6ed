/** What the driver remembers of the second-stage tables it has built. */
import type { HostPage } from "../../../model/words/address.js";

/** An entry that maps a page, or a superpage. */
export class Leaf {
  constructor(
    readonly page: HostPage,
    readonly access: number,
  ) {}
}

export class Table {
  /** Present entries by index. */
  readonly entries = new Map<number, Table | Leaf>();

  constructor(
    readonly page: HostPage,
    readonly level: number,
  ) {}

  /** True when a superpage can stand for it: 512 pages in a row, from an aligned one on, with the same rights. */
  saysSuperpage(): boolean {
    const first = this.entries.get(0);
    if (this.entries.size < 512 || !(first instanceof Leaf) || first.page % 512 !== 0) return false;
    for (const [index, entry] of this.entries) {
      if (!(entry instanceof Leaf) || entry.page !== first.page + index || entry.access !== first.access)
        return false;
    }
    return true;
  }
}
