/** Tables as the software of a scenario builds them: where they are, what it stored in them, which lines are dirty. */
import type { Action, Word } from "../model/trace.js";
import { rootEntryLayout, secondStageLayout } from "../model/vtd/tables.js";
import { tableIndex } from "../model/vtd/walk.js";
import { encoderOf } from "../model/words/layout.js";
import { freeTables, rootPages, tablePages } from "./places.js";

/** Where an entry is: its page, and its first 64-bit word in it. */
export interface Place {
  readonly page: number;
  readonly word: number;
}

/** A set of second-stage tables; `index` tells it from the others of its scenario. */
export interface Tables {
  readonly index: number;
  readonly levels: number;
}

/** Pages that a table of each level reaches. */
const REACH = [0, 1, 2, 3, 4, 5].map((level) => 512 ** level);
const FIRST_PAGE = tablePages[0]!;
const PRESENT_ROOT = encoderOf(rootEntryLayout, ["P", "CTP"]);
/** Encoders of entries that point to a table, by level. */
const TABLE_ENTRIES = [2, 3, 4, 5].map((level) =>
  encoderOf(secondStageLayout(level, false), ["R", "W", "ADDR"]),
);

/** An entry of `level` that points to a table and allows everything. */
export function tableEntry(level: number, page: number): Word {
  return TABLE_ENTRIES[level - 2]!({ R: 1, W: 1, ADDR: page })[0]!;
}

export class Software {
  actions: Action[] = [];
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
    const at = (page - FIRST_PAGE) * 512 + word;
    this.low[at] = value.low;
    this.high[at] = value.high;
    this.stored.push(at);
    this.actions.push({ do: "store", page, word, low: value.low, high: value.high });
    if (this.needsLineFlush) this.dirty.add(page * 64 + (word >>> 3));
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
  private tableOf(name: number): number | null {
    const known = this.tables.get(name);
    if (known !== undefined) return known;
    const page = freeTables[this.handedOut];
    if (page === undefined) return null;
    this.handedOut++;
    this.tables.set(name, page);
    return page;
  }

  /** Where the root entry of a bus is. */
  rootEntryAt(requester: number): Place {
    return { page: rootPages[this.root]!, word: (requester >>> 8) * 2 };
  }

  /** Where the context entry of a function is; builds the root entry when there is none. Null when out of pages. */
  contextEntryAt(requester: number): Place | null {
    const page = this.tableOf(contextTableName(this.root, requester >>> 8));
    if (page === null) return null;
    const at = this.rootEntryAt(requester);
    if (this.lowAt(at.page, at.word) === 0) {
      this.storePair(at.page, at.word, PRESENT_ROOT({ P: 1, CTP: page }));
    }
    return { page, word: (requester & 0xff) * 2 };
  }

  /** The top table of a set; null when out of pages. */
  topTable(tables: Tables): number | null {
    return this.tableOf(tableName(tables.index, tables.levels, 0));
  }

  /** Points a subtree elsewhere, from now on also for software's own accesses. */
  moveTable(tables: Tables, level: number, iova: number, page: number): void {
    this.tables.set(tableName(tables.index, level, iova), page);
  }

  /** Where the entry of `level` for `iova` is; builds the tables above it if `build`. Null when there is none. */
  entryAt(tables: Tables, iova: number, level: number, build: boolean): Place | null {
    if (level > tables.levels) return null;
    let page = this.topTable(tables);
    for (let at = tables.levels; at > level; at--) {
      if (page === null) return null;
      page = this.below(tables, iova, at, page, build);
    }
    return page === null ? null : { page, word: tableIndex(iova, level) };
  }

  /** The table that the entry of `level` points to; links a new one where the entry is empty or maps a page. */
  private below(tables: Tables, iova: number, level: number, table: number, build: boolean): number | null {
    const word = tableIndex(iova, level);
    const name = tableName(tables.index, level - 1, iova);
    const present = (this.lowAt(table, word) & 3) !== 0 && this.tables.has(name);
    const page = this.tableOf(name);
    if (present || page === null) return page;
    if (!build) return null;
    this.store(table, word, tableEntry(level, page));
    return page;
  }
}

/** Tables are told apart by number: sets of tables from 1 on, 0 for context tables. */
function tableName(index: number, level: number, iova: number): number {
  return Math.floor(iova / REACH[level]!) * 1024 + (index + 1) * 8 + level;
}

function contextTableName(root: number, bus: number): number {
  return (root * 256 + bus) * 1024;
}
