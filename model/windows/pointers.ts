/** Which words of memory have pointed to which page, as the entry of some table. */
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import { eachValue } from "./tops.js";
import { LeadsTo, type TableEntries } from "./unit.js";

/** The values in which a word points to a page. */
export interface Pointer {
  since: number;
  until: number;
  access: number;
}

/** The same of values that say the same of the level of the table they point to. */
interface TablePointer extends Pointer {
  readonly next: number;
}

const NO_WORDS: ReadonlySet<number> = new Set();
const NO_SIZES: readonly number[] = [];

export class Pointers {
  /** By page: the words (`page * 512 + word`) that have pointed to it. */
  private readonly to = new Map<number, Set<number>>();
  /** By page: its words that have held an entry. */
  private readonly from = new Map<number, Set<number>>();
  /** By word, where memory keeps no history of it: the pages that it points to. */
  private readonly filled = new Map<number, readonly number[]>();

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly entries: TableEntries,
  ) {}

  reset(): void {
    this.to.clear();
    this.from.clear();
    this.filled.clear();
  }

  /** A word was stored to. */
  stored(page: number, word: number, low: number, high: number): void {
    const key = page * 512 + word;
    const hasHistory = this.memory.newestVersion(this.memory.frameOf(page), word) !== 0;
    const before = this.filled.get(key);
    if (before !== undefined) {
      this.filled.delete(key);
      if (!hasHistory) {
        for (const target of before) remove(this.to, target, key);
        remove(this.from, page, word);
      }
    }
    if (!this.isPresent(low)) return;
    const targets = this.entries.targets(low, high);
    for (const target of targets) add(this.to, target, key);
    add(this.from, page, word);
    if (!hasHistory) this.filled.set(key, targets);
  }

  /** An old value of a word was forgotten. */
  forgot(page: number, word: number, low: number, high: number): void {
    if (!this.isPresent(low)) return;
    let present = false;
    const kept = new Set<number>();
    eachValue(this.memory, page, word, (keptLow, keptHigh) => {
      if (!this.isPresent(keptLow)) return;
      present = true;
      for (const target of this.entries.targets(keptLow, keptHigh)) kept.add(target);
    });
    for (const target of this.entries.targets(low, high))
      if (!kept.has(target)) remove(this.to, target, page * 512 + word);
    if (!present) remove(this.from, page, word);
  }

  isPresent(low: number): boolean {
    return (low & this.entries.presentMask) !== 0;
  }

  /** The words that have pointed to a page, as `page * 512 + word`. */
  toPage(page: number): ReadonlySet<number> {
    return this.to.get(page) ?? NO_WORDS;
  }

  /** The words of a page that have held an entry. */
  inPage(page: number): ReadonlySet<number> {
    return this.from.get(page) ?? NO_WORDS;
  }

  /**
   * How many pages the values of a word, in a table of `level`, map from `first` on; without those that ended before step
   * `from`.
   */
  sizesFrom(key: number, first: number, level: number, from: number): readonly number[] {
    const { entries } = this;
    let sizes = NO_SIZES;
    eachValue(this.memory, Math.floor(key / 512), key % 512, (low, high, _, until) => {
      if (until <= from || entries.next(level, low, high) !== LeadsTo.pages) return;
      if (entries.first(level, low, high) !== first) return;
      const pages = entries.pages(level, low, high);
      if (!sizes.includes(pages)) sizes = [...sizes, pages];
    });
    return sizes;
  }

  /**
   * Finds the values of a word, in a table of `level`, that map `pages` pages from `first` on; not those that ended before
   * step `from`. False when there is none.
   */
  findLeaf(key: number, first: number, pages: number, level: number, from: number, into: Pointer): boolean {
    const { entries } = this;
    into.since = OPEN;
    into.until = 0;
    into.access = 0;
    eachValue(this.memory, Math.floor(key / 512), key % 512, (low, high, since, until) => {
      const there =
        until > from &&
        entries.next(level, low, high) === LeadsTo.pages &&
        entries.pages(level, low, high) === pages &&
        entries.first(level, low, high) === first;
      if (there) widen(into, entries.access(low, high), since, until);
    });
    return into.until !== 0;
  }

  /** The values of a word that point to a table. */
  tablePointers(key: number, table: number): readonly TablePointer[] {
    const { entries } = this;
    const found: TablePointer[] = [];
    eachValue(this.memory, Math.floor(key / 512), key % 512, (low, high, since, until) => {
      const next = entries.nextByItself(low, high);
      if (next === LeadsTo.nowhere || entries.table(low, high) !== table || until === 0) return;
      let pointer = found.find((one) => one.next === next);
      if (!pointer) {
        pointer = { next, since: OPEN, until: 0, access: 0 };
        found.push(pointer);
      }
      widen(pointer, entries.access(low, high), since, until);
    });
    return found;
  }
}

function widen(pointer: Pointer, access: number, since: number, until: number): void {
  pointer.since = Math.min(pointer.since, since);
  pointer.until = Math.max(pointer.until, until);
  pointer.access |= access;
}

function add(sets: Map<number, Set<number>>, key: number, value: number): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

function remove(sets: Map<number, Set<number>>, key: number, value: number): void {
  const set = sets.get(key);
  if (set?.delete(value) && set.size === 0) sets.delete(key);
}
