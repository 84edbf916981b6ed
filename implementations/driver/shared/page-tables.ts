/** Page tables of one domain, of as many levels as its top table has, with pages of every size that a unit has. */

import type { Word } from "../../../model/trace.js";
import { type HostPage, type IovaPage, showAddress } from "../../../model/words/address.js";
import type { DriverMapping, Routine } from "../interface.js";
import type { Change, ChangedPages } from "./change.js";
import { type LeafRun, leafRunsOf } from "./leaves.js";
import { flushLineOf, type Steps } from "./steps.js";
import { ENTRIES, entryMaps, INDEX_BITS, Leaf, Table } from "./table.js";
import type { TableMemory } from "./table-memory.js";

const READ_AND_WRITE = 3;

/** Entries as an architecture has them. */
export interface EntryFormat {
  /** One entry, or several alike, may map 2^n pages: every such n. */
  readonly leafOrders: readonly number[];
  /** An entry of `level` that points to a table of the level below. */
  table(level: number, page: HostPage): Word;
  /** An entry of `level` that maps `pages` pages with these rights, alone or together with others like it. */
  leaf(level: number, page: HostPage, pages: number, access: number): Word;
}

/** What page tables ask of invalidations. */
export interface SplitFlusher {
  /** Where part of a large page is invalidated, the unit may go on using all of it. */
  readonly sparesLargePages: boolean;
  flushPages(changed: ChangedPages): Routine;
}

/** Entries in a row of one table. */
interface Entries {
  readonly table: Table;
  readonly first: number;
  readonly count: number;
}

export class PageTables {
  /** @param top an empty table */
  constructor(
    readonly domainId: number,
    protected top: Table,
    protected readonly memory: TableMemory,
    protected readonly format: EntryFormat,
    private readonly flusher: SplitFlusher,
  ) {}

  get topPage(): HostPage {
    return this.top.page;
  }

  /** Pages of the tables that are left when nothing is mapped. */
  get pagesWhenEmpty(): readonly HostPage[] {
    return [this.topPage];
  }

  /** Maps pages that are not mapped. */
  *map(mapping: DriverMapping): Routine {
    for (const run of leafRunsOf(mapping, this.leafOrders())) {
      const table = yield* this.tableFor(run.iova, run.level);
      yield* this.storeRun(table, run, mapping.access);
    }
    yield* this.memory.completeStores();
  }

  /** Changes the rights of pages that are mapped. @throws RangeError when they are not */
  *protect(mapping: DriverMapping): Routine {
    for (let done = 0; done < mapping.pages; ) {
      const entries = yield* this.entriesOf(mapping.iova + done, mapping.pages - done);
      const { table, first, count } = entries;
      yield* this.store(
        entries,
        Array.from({ length: count }, (_, index) => {
          const page = mapping.page + done + index * table.pagesOfEntry;
          const old = table.entries.get(first + index);
          const pages = old instanceof Leaf ? old.pages : table.pagesOfEntry;
          return new Leaf(page - (page % pages), pages, mapping.access);
        }),
      );
      done += count * table.pagesOfEntry;
    }
  }

  /** Makes the entries of pages not present and unlinks tables that are empty then. @throws RangeError when unmapped */
  *unmap(mapping: DriverMapping, change: Change): Routine {
    if (this.memory.faults.passesFailedSplit && this.isPartOfLeaf(mapping)) return;
    for (let done = 0; done < mapping.pages; ) {
      const iova = mapping.iova + done;
      const entries = yield* this.entriesOf(iova, mapping.pages - done);
      yield* this.clear(entries);
      yield* this.unlinkEmpty(iova, entries.table.level, change);
      done += entries.count * entries.table.pagesOfEntry;
    }
    if (this.memory.faults.hintsAlthoughUnlinked) change.leafOnly = true;
  }

  /** Maps pages, mapped piece by piece, by the largest entries that say the same. */
  *merge(mapping: DriverMapping, change: Change): Routine {
    const { mergeWidensRights, hintsAlthoughMerged, mergeFreesNextTable } = this.memory.faults;
    const access = mergeWidensRights ? READ_AND_WRITE : mapping.access;
    for (const { iova, page, pages, pagesOfLeaf, level } of leafRunsOf(mapping, this.leafOrders())) {
      for (let done = 0; done < pages; done += pagesOfLeaf) {
        const one = { iova: iova + done, page: page + done, pages: pagesOfLeaf, pagesOfLeaf, level };
        const replaced = pagesOfLeaf === 1 ? null : this.mergeable(one, mapping.access);
        if (!replaced) continue;
        // Nothing but the page size changes, so it does not matter which of the two answers until the invalidation.
        yield* this.storeRun(this.tableAt(one.iova, level), one, access);
        for (const [at, table] of replaced) yield* this.retire(table, at, change);
        if (mergeFreesNextTable) yield* this.unlinkBehind(one, change);
      }
    }
    if (hintsAlthoughMerged) change.leafOnly = true;
  }

  /** Sizes of leaves that the tables have levels for. */
  private leafOrders(): readonly number[] {
    const { top } = this;
    return this.format.leafOrders.filter((order) => order < top.level * INDEX_BITS);
  }

  /**
   * The tables, and where they begin, that one entry, or several alike, can stand for; null where smaller entries do not say
   * the same, or there is nothing to merge.
   */
  private mergeable({ iova, page, pagesOfLeaf, level }: LeafRun, access: number): [IovaPage, Table][] | null {
    const upper = this.reached(iova, level);
    if (upper instanceof Leaf) return null;
    const tables: [IovaPage, Table][] = [];
    let isMerged = true;
    for (let done = 0; done < pagesOfLeaf; done += upper.pagesOfEntry) {
      const entry = upper.entries.get(indexIn(upper, iova + done));
      if (!entryMaps(entry, page + done, access)) return null;
      if (entry instanceof Table) tables.push(...withTablesBelow(entry, iova + done));
      if (!(entry instanceof Leaf && entry.pages >= pagesOfLeaf)) isMerged = false;
    }
    return isMerged ? null : tables;
  }

  /** The table of `level` on the way to an address; links empty ones where there is none. */
  private *tableFor(iova: IovaPage, level: number): Steps<Table> {
    let table = this.top;
    while (table.level > level) {
      const below = table.entries.get(indexIn(table, iova));
      table = below instanceof Table ? below : yield* this.addTable(table, iova);
    }
    return table;
  }

  private *addTable(upper: Table, iova: IovaPage): Steps<Table> {
    const { memory } = this;
    const table = new Table(yield* memory.allocateTable(), upper.level - 1);
    const parts = [memory.clearTable(table.page), this.link(upper, indexIn(upper, iova), table)];
    if (memory.faults.linksBeforeClearing) parts.reverse();
    for (const part of parts) yield* part;
    return table;
  }

  /** The table of `level` on the way to an address. @throws RangeError when there is none */
  private tableAt(iova: IovaPage, level: number): Table {
    const found = this.reached(iova, level);
    if (!(found instanceof Table)) throw notMapped(iova);
    return found;
  }

  /** The table of `level` on the way to an address, or the leaf above it. @throws RangeError when there is neither */
  private reached(iova: IovaPage, level: number): Table | Leaf {
    let at: Table | Leaf | undefined = this.top;
    while (at instanceof Table && at.level > level) at = at.entries.get(indexIn(at, iova));
    if (!at) throw notMapped(iova);
    return at;
  }

  /**
   * Entries that map an address and pages after it, `most` pages at most, in one table. Splits a large page that they are
   * only a part of.
   */
  private *entriesOf(iova: IovaPage, most: number): Steps<Entries> {
    let table = this.top;
    while (true) {
      const first = indexIn(table, iova);
      const entry = table.entries.get(first);
      if (entry instanceof Table) table = entry;
      else if (entry === undefined && table.level > 1) throw notMapped(iova);
      else if (entry && (iova % entry.pages !== 0 || entry.pages > most))
        yield* this.split(table, iova, entry);
      else return { table, first, count: wholeLeaves(table, first, most) };
    }
  }

  /**
   * Replaces a large page by smaller ones that say the same, so that nothing is missing at any moment: several entries alike
   * by entries for themselves, a single one by a table.
   */
  private *split(upper: Table, iova: IovaPage, { page, pages, access }: Leaf): Steps<void> {
    const { faults } = this.memory;
    const rights = faults.splitWidensRights ? READ_AND_WRITE : access;
    const start = iova - (iova % pages);
    if (pages > upper.pagesOfEntry) {
      const pagesOfLeaf = upper.pagesOfEntry;
      yield* this.storeRun(upper, { iova: start, page, pages, pagesOfLeaf, level: upper.level }, rights);
    } else yield* this.splitIntoTable(upper, { iova: start, page, pages, access: rights });
    const region = { domainId: this.domainId, iova: start, pages, leafOnly: false };
    if (this.flusher.sparesLargePages && !faults.splitsWithoutFlush) yield* this.flusher.flushPages(region);
  }

  private *splitIntoTable(upper: Table, region: DriverMapping): Routine {
    const { memory } = this;
    const table = new Table(yield* memory.allocateTable(), upper.level - 1);
    const run = { ...region, pagesOfLeaf: table.pagesOfEntry, level: table.level };
    const parts = [
      this.storeRun(table, run, region.access),
      memory.completeStores(),
      this.link(upper, indexIn(upper, region.iova), table),
    ];
    if (memory.faults.splitsThroughEmptyTable) parts.reverse().unshift(memory.clearTable(table.page));
    for (const part of parts) yield* part;
  }

  /** Unlinks tables of an address, from this level on, as far as they are empty; the top table stays. */
  private *unlinkEmpty(iova: IovaPage, lowest: number, change: Change): Routine {
    for (let level = lowest + 1; level <= this.top.level; level++) {
      const upper = this.tableAt(iova, level);
      const first = indexIn(upper, iova);
      const table = upper.entries.get(first);
      if (!(table instanceof Table)) continue;
      if (table.entries.size > 0) return;
      yield* this.clear({ table: upper, first, count: 1 });
      yield* this.retire(table, iova, change);
    }
  }

  /** Unlinks the table that the entry behind those of a run leads to, if it does. */
  private *unlinkBehind({ iova, pages, level }: LeafRun, change: Change): Routine {
    const upper = this.tableAt(iova, level);
    const first = indexIn(upper, iova) + pages / upper.pagesOfEntry;
    const table = upper.entries.get(first);
    if (!(table instanceof Table)) return;
    yield* this.clear({ table: upper, first, count: 1 });
    yield* this.retire(table, iova + pages, change);
  }

  /** A leaf maps these pages, and others beside them. */
  private isPartOfLeaf({ iova, pages }: DriverMapping): boolean {
    const leaf = this.leafOf(iova);
    return leaf !== undefined && leaf.pages > pages;
  }

  private leafOf(iova: IovaPage): Leaf | undefined {
    let at: Table | Leaf | undefined = this.top;
    while (at instanceof Table) at = at.entries.get(indexIn(at, iova));
    return at;
  }

  /** No entry links the table any more: its page is free once no cache leads there. */
  private *retire(table: Table, iova: IovaPage, change: Change): Routine {
    change.tableChanged(table.level, iova);
    if (this.memory.faults.freesTableAtOnce) yield { do: "free-table", page: table.page };
    else change.tables.push(table.page);
  }

  protected *link(upper: Table, word: number, table: Table): Routine {
    upper.entries.set(word, table);
    yield { do: "store", page: upper.page, word, ...this.format.table(upper.level, table.page) };
    if (this.memory.needsLineFlush) yield flushLineOf(upper.page, word);
  }

  /** Stores the entries of a run of leaves. */
  private storeRun(table: Table, { iova, page, pages, pagesOfLeaf }: LeafRun, access: number): Routine {
    const leaves: Leaf[] = [];
    for (let done = 0; done < pages; done += pagesOfLeaf) {
      const leaf = new Leaf(page + done, pagesOfLeaf, access);
      for (let at = 0; at < pagesOfLeaf; at += table.pagesOfEntry) leaves.push(leaf);
    }
    return this.store({ table, first: indexIn(table, iova), count: leaves.length }, leaves);
  }

  /** Stores leaf entries in a row. */
  private *store({ table, first, count }: Entries, leaves: readonly Leaf[]): Routine {
    const { memory, format } = this;
    for (let word = first; word < first + count; word++) {
      const leaf = leaves[word - first]!;
      table.entries.set(word, leaf);
      if (memory.faults.storesLeafOnce && leaf === leaves[word - first - 1]) continue;
      const { low, high } = format.leaf(table.level, leaf.page, leaf.pages, leaf.access);
      if (memory.faults.storesRightsFirst)
        yield {
          do: "store",
          page: table.page,
          word,
          ...format.leaf(table.level, 0, leaf.pages, leaf.access),
        };
      yield { do: "store", page: table.page, word, low, high };
      if (memory.writesBack(word, first, count)) yield flushLineOf(table.page, word);
    }
  }

  /** Makes entries in a row not present. */
  private *clear({ table, first, count }: Entries): Routine {
    for (let word = first; word < first + count; word++) {
      table.entries.delete(word);
      if (this.memory.faults.clearsFirstEntryOnly && word > first) continue;
      yield { do: "store", page: table.page, word, low: 0, high: 0 };
      if (this.memory.writesBack(word, first, count)) yield flushLineOf(table.page, word);
    }
  }
}

/** The entry of a table that an address leads through. */
function indexIn(table: Table, iova: IovaPage): number {
  return Math.floor(iova / table.pagesOfEntry) % ENTRIES;
}

/** Entries from `first` on, `most` pages at most, that are no part of a leaf that goes further. */
function wholeLeaves(table: Table, first: number, most: number): number {
  let count = 0;
  while (first + count < ENTRIES) {
    const entry = table.entries.get(first + count);
    if (entry instanceof Table || (entry === undefined && table.level > 1)) break;
    const pages = Math.max(entry?.pages ?? 0, table.pagesOfEntry);
    if (count * table.pagesOfEntry + pages > most) break;
    count += pages / table.pagesOfEntry;
  }
  return count;
}

/** A table and those below it, each with the first address that leads through it. */
function withTablesBelow(table: Table, iova: IovaPage): [IovaPage, Table][] {
  const tables: [IovaPage, Table][] = [[iova, table]];
  for (const [index, entry] of table.entries)
    if (entry instanceof Table) tables.push(...withTablesBelow(entry, iova + index * table.pagesOfEntry));
  return tables;
}

function notMapped(iova: IovaPage): RangeError {
  return new RangeError(`nothing is mapped at ${showAddress(iova)}`);
}
