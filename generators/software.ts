/** Tables as the software of a scenario builds them: where they are, what it stored in them, which lines are dirty. */

import type { Action, Word } from "../model/trace.js";
import { rootEntryLayout, secondStageLayout } from "../model/vtd/tables.js";
import { tableIndex } from "../model/vtd/walk.js";
import { encode } from "../model/words/layout.js";
import { freeTables, rootPages } from "./places.js";

/** Key of a word of memory among the words software has stored. */
function wordKey(page: number, word: number): number {
  return page * 512 + word;
}

export class Software {
  readonly actions: Action[] = [];
  private readonly shadow = new Map<number, Word>();
  private readonly tables = new Map<string, number>();
  private readonly dirty = new Set<number>();
  private handedOut = 0;
  root = 0;

  /** Without effect where walks see stores at once. */
  constructor(private readonly needsLineFlush: boolean) {}

  /** What software last stored there. */
  wordAt(page: number, word: number): Word {
    return this.shadow.get(wordKey(page, word)) ?? { low: 0, high: 0 };
  }

  store(page: number, word: number, value: Word): void {
    this.shadow.set(wordKey(page, word), value);
    this.actions.push({ do: "store", page, word, low: value.low, high: value.high });
    if (this.needsLineFlush) this.dirty.add(page * 64 + (word >>> 3));
  }

  /** Stores a 128-bit entry, its present bit last. */
  storePair(page: number, word: number, [first, second]: readonly Word[]): void {
    this.store(page, word + 1, second!);
    this.store(page, word, first!);
  }

  writeBack(): void {
    for (const line of this.dirty) {
      this.actions.push({ do: "flush-line", page: Math.floor(line / 64), line: line % 64 });
    }
    this.dirty.clear();
  }

  /** The page of a table, handed out when it is first asked for; null when none is left. */
  private tableOf(name: string): number | null {
    const known = this.tables.get(name);
    if (known !== undefined) return known;
    const page = freeTables[this.handedOut];
    if (page === undefined) return null;
    this.handedOut++;
    this.tables.set(name, page);
    return page;
  }

  /** Where the root entry of a bus is. */
  rootEntryAt(requester: number): { page: number; word: number } {
    return { page: rootPages[this.root]!, word: (requester >>> 8) * 2 };
  }

  /** Where the context entry of a function is; builds the root entry when there is none. Null when out of pages. */
  contextEntryAt(requester: number): { page: number; word: number } | null {
    const bus = requester >>> 8;
    const page = this.tableOf(`context table ${this.root}/${bus}`);
    if (page === null) return null;
    const at = this.rootEntryAt(requester);
    if (this.wordAt(at.page, at.word).low === 0) {
      this.storePair(at.page, at.word, encode(rootEntryLayout, { P: 1, CTP: page }));
    }
    return { page, word: (requester & 0xff) * 2 };
  }

  /** The top table of a domain; null when out of pages. */
  topTable(domain: string, levels: number): number | null {
    return this.tableOf(`${domain}/${levels}/0`);
  }

  /** Points a subtree of a domain elsewhere, from now on also for software's own accesses. */
  moveTable(domain: string, level: number, iova: number, page: number): void {
    this.tables.set(this.nameOf(domain, level, iova), page);
  }

  private nameOf(domain: string, level: number, iova: number): string {
    return `${domain}/${level}/${Math.floor(iova / 512 ** level)}`;
  }

  /** Where the entry of `level` for `iova` is; builds the tables above it if `build`. Null when there is none. */
  entryAt(
    domain: string,
    levels: number,
    iova: number,
    level: number,
    build: boolean,
  ): { page: number; word: number } | null {
    if (level > levels) return null;
    let table = this.topTable(domain, levels);
    for (let at = levels; at > level; at--) {
      if (table === null) return null;
      const below = this.step(domain, iova, at, table, build);
      if (below === null) return null;
      table = below;
    }
    return table === null ? null : { page: table, word: tableIndex(iova, level) };
  }

  /** The table that the entry of `level` points to; links a new one where the entry is empty or maps a page. */
  private step(domain: string, iova: number, level: number, table: number, build: boolean): number | null {
    const word = tableIndex(iova, level);
    const name = this.nameOf(domain, level - 1, iova);
    const present = (this.wordAt(table, word).low & 3) !== 0 && this.tables.has(name);
    const below = this.tableOf(name);
    if (present || below === null) return below;
    if (!build) return null;
    const [entry] = encode(secondStageLayout(level, false), { R: 1, W: 1, ADDR: below });
    this.store(table, word, entry!);
    return below;
  }
}
