/**
 * Tables as the software of a scenario builds them: where they are, what it stored in them, which lines are dirty. What
 * entries look like, and what leads from a device to its tables, is each architecture's own.
 */
import type { Action, Word } from "../model/trace.js";
import { type Places, tablePages } from "./places.js";

/** Where an entry is: its page, and its first 64-bit word in it. */
export interface Place {
  readonly page: number;
  readonly word: number;
}

/** A set of page tables; `index` tells it from the others of its scenario. */
export interface Tables {
  readonly index: number;
  readonly levels: number;
}

/** How entries of page tables lead to further tables. */
export interface TableFormat {
  /** An entry of `level` that points to a table of the level `next` and allows everything. */
  link(level: number, next: number, page: number): Word;
  /** The level of the table that an entry of `level` with this low half points to; 0 when it points to none. */
  linked(level: number, low: number): number;
}

/** Pages that a table of each level reaches. */
const REACH = [0, 1, 2, 3, 4, 5, 6].map((level) => 512 ** level);
const FIRST_PAGE = tablePages[0]!;

export class Software {
  actions: Action[] = [];
  /** Which of its root or device tables software uses. */
  root = 0;
  private needsLineFlush = false;
  private handedOut = 0;
  /** What software last stored, by word of the table pages; and which words it stored to. */
  private readonly low = new Uint32Array(tablePages.length * 512);
  private readonly high = new Uint32Array(tablePages.length * 512);
  private readonly stored: number[] = [];
  /** Pages by the name of the table they hold. */
  private readonly tables = new Map<number, number>();
  private readonly dirty = new Set<number>();

  constructor(
    protected readonly places: Places,
    private readonly format: TableFormat,
  ) {}

  /** Starts with empty tables. Lines need no write-back where walks see stores at once. */
  reset(needsLineFlush: boolean): void {
    this.actions = [];
    this.root = 0;
    this.needsLineFlush = needsLineFlush;
    this.handedOut = 0;
    for (const at of this.stored) {
      this.low[at] = 0;
      this.high[at] = 0;
    }
    this.stored.length = 0;
    this.tables.clear();
    this.dirty.clear();
  }

  /** The low half of what software last stored there. */
  lowAt(page: number, word: number): number {
    return this.low[(page - FIRST_PAGE) * 512 + word]!;
  }

  /** What software last stored there. */
  wordAt(page: number, word: number): Word {
    const at = (page - FIRST_PAGE) * 512 + word;
    return { low: this.low[at]!, high: this.high[at]! };
  }

  store(page: number, word: number, value: Word): void {
    this.remember(page, word, value);
    this.actions.push({ do: "store", page, word, low: value.low, high: value.high });
    if (this.needsLineFlush) this.dirty.add(page * 64 + (word >>> 3));
  }

  /** What is there without a store of the scenario's. */
  protected remember(page: number, word: number, value: Word): void {
    const at = (page - FIRST_PAGE) * 512 + word;
    this.low[at] = value.low;
    this.high[at] = value.high;
    this.stored.push(at);
  }

  /** Stores a 128-bit entry, its present bit last. */
  storePair(page: number, word: number, [first, second]: readonly Word[]): void {
    this.store(page, word + 1, second!);
    this.store(page, word, first!);
  }

  writeBack(): void {
    if (this.dirty.size === 0) return;
    for (const line of this.dirty) {
      this.actions.push({ do: "flush-line", page: Math.floor(line / 64), line: line % 64 });
    }
    this.dirty.clear();
  }

  /** The page of a table, handed out when it is first asked for; null when none is left. */
  protected tableOf(name: number): number | null {
    const known = this.tables.get(name);
    if (known !== undefined) return known;
    const page = this.places.freeTables[this.handedOut];
    if (page === undefined) return null;
    this.handedOut++;
    this.tables.set(name, page);
    return page;
  }

  /** The top table of a set; null when out of pages. */
  topTable(tables: Tables): number | null {
    return this.tableOf(tableName(tables.index, tables.levels, 0));
  }

  /** Points the entry of `level` at a spare table, from now on also for software's own accesses. */
  moveTable(at: Place, tables: Tables, level: number, iova: number, spare: number): void {
    const page = this.places.spareTables[spare]!;
    this.store(at.page, at.word, this.format.link(level, level - 1, page));
    this.tables.set(tableName(tables.index, level - 1, iova), page);
  }

  /**
   * Where the entry of `level` for `iova` is; builds the tables above it if `build`. Null when there is none.
   * @param skip levels that a new entry leaves out, as many as there are and as the address allows
   */
  entryAt(tables: Tables, iova: number, level: number, build: boolean, skip = 0): Place | null {
    if (level > tables.levels) return null;
    let page = this.topTable(tables);
    let at = tables.levels;
    while (page !== null && at > level) {
      const word = indexOf(iova, at);
      const linked = this.format.linked(at, this.lowAt(page, word));
      const present = linked >= level && isDirect(iova, at, linked) && this.isKnown(tables, linked, iova);
      const next = present ? linked : lowestDirect(iova, at, Math.max(level, at - 1 - skip));
      const below = this.tableOf(tableName(tables.index, next, iova));
      if (!present && below !== null) {
        if (!build) return null;
        this.store(page, word, this.format.link(at, next, below));
      }
      page = below;
      at = next;
    }
    return page === null ? null : { page, word: indexOf(iova, level) };
  }

  private isKnown(tables: Tables, level: number, iova: number): boolean {
    return this.tables.has(tableName(tables.index, level, iova));
  }
}

/** Index of an address in its table of `level`. */
function indexOf(iova: number, level: number): number {
  return Math.floor(iova / REACH[level - 1]!) & 511;
}

/** An entry of the level `from` can point to a table of the level `to`: the levels between have index 0. */
function isDirect(iova: number, from: number, to: number): boolean {
  return to === from - 1 || iova % REACH[from - 1]! < REACH[to]!;
}

/** The lowest level from `wanted` on that an entry of the level `from` can point to. */
function lowestDirect(iova: number, from: number, wanted: number): number {
  let to = wanted;
  while (!isDirect(iova, from, to)) to++;
  return to;
}

/** Tables are told apart by number: sets of tables from 1 on, 0 for what leads to them. */
function tableName(index: number, level: number, iova: number): number {
  return Math.floor(iova / REACH[level]!) * 1024 + (index + 1) * 8 + level;
}
