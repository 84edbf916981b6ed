/** Second-stage tables of one domain: 4 KiB pages and, where the unit has them, 2 MiB superpages (VT-d 3.7, 9.8). */
import { tableIndex } from "../../../model/vtd/walk.js";
import { type HostPage, type IovaPage, showAddress } from "../../../model/words/address.js";
import type { DriverMapping, Routine } from "../interface.js";
import type { Change } from "./change.js";
import type { Flusher } from "./invalidation.js";
import type { Steps } from "./steps.js";
import { Leaf, Table } from "./table.js";
import { flushLineOf, type Unit } from "./unit.js";

/** Pages of a superpage, and of a table of level 1. */
const SUPERPAGE = 512;
const READ_AND_WRITE = 3;

export class PageTables {
  private readonly superpages: boolean;

  /** @param top an empty table of the largest level that the unit supports */
  constructor(
    readonly domainId: number,
    private readonly top: Table,
    private readonly unit: Unit,
    private readonly flusher: Flusher,
  ) {
    this.superpages = unit.platform.superpages2M || unit.faults.superpagesAlways === true;
  }

  get topPage(): HostPage {
    return this.top.page;
  }

  /** Maps pages that are not mapped. */
  *map(mapping: DriverMapping): Routine {
    for (const { iova, page, pages, access } of inRegions(mapping)) {
      const level = this.superpages && pages === SUPERPAGE && page % SUPERPAGE === 0 ? 2 : 1;
      const table = yield* this.tableFor(iova, level);
      yield* this.store(table, tableIndex(iova, level), level === 2 ? 1 : pages, page, access);
    }
    yield* this.unit.flushWriteBuffer();
  }

  /** Changes the rights of pages that are mapped. @throws RangeError when they are not */
  *protect(mapping: DriverMapping): Routine {
    for (const piece of inRegions(mapping)) {
      const { page, access } = piece;
      const [table, index, count] = yield* this.entriesOf(piece);
      yield* this.store(table, index, count, page, access);
    }
  }

  /** Makes the entries of pages not present and unlinks tables that are empty then. @throws RangeError when unmapped */
  *unmap(mapping: DriverMapping, change: Change): Routine {
    for (const piece of inRegions(mapping)) {
      const [table, index, count] = yield* this.entriesOf(piece);
      yield* this.clear(table, index, count);
      yield* this.unlinkEmpty(piece.iova, change);
    }
    if (this.unit.faults.hintsAlthoughUnlinked) change.leafOnly = true;
  }

  /** Maps an aligned run of 512 pages by a superpage in place of a table, where the table's entries say the same. */
  *merge({ iova, pages }: DriverMapping, change: Change): Routine {
    if (!this.superpages || pages !== SUPERPAGE || iova % SUPERPAGE !== 0) return;
    const { mergeWidensRights, hintsAlthoughMerged } = this.unit.faults;
    const upper = this.tableAt(iova, 2);
    const index = tableIndex(iova, 2);
    const table = upper.entries.get(index);
    if (!(table instanceof Table && table.saysSuperpage())) return;
    const { page, access } = table.entries.get(0) as Leaf;
    // 6.2.4: nothing but the page size changes, so it does not matter which of the two answers until the invalidation.
    yield* this.store(upper, index, 1, page, mergeWidensRights ? READ_AND_WRITE : access);
    yield* this.retire(table, iova, change);
    if (hintsAlthoughMerged) change.leafOnly = true;
  }

  /** The table of `level` on the way to an address; links empty ones where there is none. */
  private *tableFor(iova: IovaPage, level: number): Steps<Table> {
    let table = this.top;
    while (table.level > level) {
      const below = table.entries.get(tableIndex(iova, table.level));
      table = below instanceof Table ? below : yield* this.addTable(table, iova);
    }
    return table;
  }

  private *addTable(upper: Table, iova: IovaPage): Steps<Table> {
    const { unit } = this;
    const table = new Table(yield* unit.allocateTable(), upper.level - 1);
    const parts = [unit.clearTable(table.page), this.link(upper, iova, table)];
    if (unit.faults.linksBeforeClearing) parts.reverse();
    for (const part of parts) yield* part;
    return table;
  }

  /** The table of `level` on the way to an address. @throws RangeError when there is none */
  private tableAt(iova: IovaPage, level: number): Table {
    let table = this.top;
    while (table.level > level) {
      const below = table.entries.get(tableIndex(iova, table.level));
      if (!(below instanceof Table)) throw notMapped(iova);
      table = below;
    }
    return table;
  }

  /** The entries that map a piece of a 2 MiB region: table, first index and count. Splits a superpage for part of it. */
  private *entriesOf({ iova, pages }: DriverMapping): Steps<readonly [Table, number, number]> {
    const upper = this.tableAt(iova, 2);
    const index = tableIndex(iova, 2);
    const below = upper.entries.get(index);
    if (below === undefined) throw notMapped(iova);
    if (below instanceof Leaf && pages === SUPERPAGE) return [upper, index, 1];
    const table = below instanceof Table ? below : yield* this.split(upper, iova, below);
    return [table, tableIndex(iova, 1), pages];
  }

  /**
   * Replaces a superpage by a table whose pages say the same, so that nothing is missing at any moment, and has the
   * superpage forgotten before one of the pages changes (6.2.4, 6.5.3.3). That takes the mask of the superpage: the
   * invalidation of one page need not remove it (6.5.2.3).
   */
  private *split(upper: Table, iova: IovaPage, { page, access }: Leaf): Steps<Table> {
    const { unit, flusher, domainId } = this;
    const table = new Table(yield* unit.allocateTable(), 1);
    yield* this.store(table, 0, SUPERPAGE, page, unit.faults.splitWidensRights ? READ_AND_WRITE : access);
    yield* unit.flushWriteBuffer();
    yield* this.link(upper, iova, table);
    const region = { domainId, iova: iova - (iova % SUPERPAGE), pages: SUPERPAGE, leafOnly: false };
    if (!unit.faults.splitsWithoutFlush) yield* flusher.flush([flusher.forPages(region)]);
    return table;
  }

  /** Unlinks the table of an address and those above it as far as they are empty; the top table stays. */
  private *unlinkEmpty(iova: IovaPage, change: Change): Routine {
    for (let level = 2; level <= this.top.level; level++) {
      const upper = this.tableAt(iova, level);
      const index = tableIndex(iova, level);
      const table = upper.entries.get(index);
      // A superpage that was cleared leaves nothing here.
      if (!(table instanceof Table)) continue;
      if (table.entries.size > 0) return;
      yield* this.clear(upper, index, 1);
      yield* this.retire(table, iova, change);
    }
  }

  /** No entry links the table any more: its page is free once no cache leads there. */
  private *retire(table: Table, iova: IovaPage, change: Change): Routine {
    change.tableChanged(table.level, iova);
    if (this.unit.faults.freesTableAtOnce) yield { do: "free-table", page: table.page };
    else change.tables.push(table.page);
  }

  private *link(upper: Table, iova: IovaPage, table: Table): Routine {
    const { unit } = this;
    const word = tableIndex(iova, upper.level);
    upper.entries.set(word, table);
    yield { do: "store", page: upper.page, word, ...unit.encodings.table(upper.level, table.page) };
    if (unit.needsLineFlush) yield flushLineOf(upper.page, word);
  }

  /** Stores leaf entries for pages in a row. */
  private *store(table: Table, first: number, count: number, page: HostPage, access: number): Routine {
    const { unit } = this;
    for (let word = first; word < first + count; word++) {
      const leaf = new Leaf(page + word - first, access);
      table.entries.set(word, leaf);
      const { low, high } = unit.encodings.leaf(table.level, leaf.page, access);
      if (unit.faults.storesRightsFirst)
        yield { do: "store", page: table.page, word, low: low & 0xfff, high: 0 };
      yield { do: "store", page: table.page, word, low, high };
      if (unit.writesBack(word, first, count)) yield flushLineOf(table.page, word);
    }
  }

  /** Makes entries in a row not present. */
  private *clear(table: Table, first: number, count: number): Routine {
    for (let word = first; word < first + count; word++) {
      table.entries.delete(word);
      yield { do: "store", page: table.page, word, low: 0, high: 0 };
      if (this.unit.writesBack(word, first, count)) yield flushLineOf(table.page, word);
    }
  }
}

/** A mapping in pieces that lie in one 2 MiB region each. */
function inRegions(mapping: DriverMapping): readonly DriverMapping[] {
  const { iova, page, pages, access } = mapping;
  const pieces: DriverMapping[] = [];
  for (let done = 0; done < pages; ) {
    const count = Math.min(pages - done, SUPERPAGE - ((iova + done) % SUPERPAGE));
    pieces.push({ iova: iova + done, page: page + done, pages: count, access });
    done += count;
  }
  return pieces;
}

function notMapped(iova: IovaPage): RangeError {
  return new RangeError(`nothing is mapped at ${showAddress(iova)}`);
}
