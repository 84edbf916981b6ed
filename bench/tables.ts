/** Four-level tables over consecutive device addresses, in the model's memory and for a plain walk. */
import type { Word } from "../model/trace.js";
import { PhysicalMemory } from "../model/words/memory.js";

/** The first structure, the one that it leads to where there are two, and the tables. */
export const ROOT_PAGE = 0x2000;
export const SECOND_PAGE = 0x2001;
const FIRST_TABLE = 0x2002;
export const LEVELS = 4;
/** First host page that the tables map. */
const FIRST_DATA = 0x10000;
const MEMORY_PAGES = 0x800000;

export const REQUESTER = 0x0020;
export const DOMAIN = 5;
/** Device addresses begin here: not at zero, so that every index takes part. */
export const FIRST_IOVA = 0x8040200;

/** Words, and where the first of them is. */
export interface Placed {
  readonly page: number;
  readonly word: number;
  readonly words: readonly Word[];
}

/** How entries look. */
export interface Entries {
  /** One in a table of `level` that points to the table below. */
  link(level: number, page: number): Word;
  /** One that maps a page. */
  leaf(page: number): Word;
  /** What leads from {@link REQUESTER} to its top table. */
  device(top: number): readonly Placed[];
}

/** Stores one 64-bit word. */
export type StoreWord = (page: number, word: number, low: number, high: number) => void;

/** Builds tables that map `pages` pages, and what leads to them; returns the page of the top table. */
export function buildTables(pages: number, entries: Entries, store: StoreWord): number {
  const tables = new Map<string, number>();
  let next = FIRST_TABLE;
  const storeWord = (page: number, word: number, { low, high }: Word) => store(page, word, low, high);
  const tableOf = (level: number, iova: number) => {
    const key = `${level}/${Math.floor(iova / 512 ** level)}`;
    let page = tables.get(key);
    if (page === undefined) {
      page = next++;
      tables.set(key, page);
      if (level < LEVELS)
        storeWord(tableOf(level + 1, iova), indexOf(iova, level + 1), entries.link(level + 1, page));
    }
    return page;
  };
  for (let index = 0; index < pages; index++) {
    const iova = FIRST_IOVA + index;
    storeWord(tableOf(1, iova), indexOf(iova, 1), entries.leaf(FIRST_DATA + index));
  }
  const top = tableOf(LEVELS, FIRST_IOVA);
  for (const { page, word, words } of entries.device(top)) {
    for (let index = words.length - 1; index >= 0; index--) storeWord(page, word + index, words[index]!);
  }
  return top;
}

function indexOf(iova: number, level: number): number {
  return Math.floor(iova / 512 ** (level - 1)) % 512;
}

/** Memory whose tables were there from the beginning. */
export function memoryWithTables(pages: number, entries: Entries): PhysicalMemory {
  const memory = new PhysicalMemory(MEMORY_PAGES);
  buildTables(pages, entries, (page, word, low, high) => memory.fill(page, word, low, high));
  return memory;
}

/** Memory whose tables software has stored, one word after the other. */
export function memoryWithStoredTables(pages: number, entries: Entries): PhysicalMemory {
  const memory = new PhysicalMemory(MEMORY_PAGES);
  let step = 0;
  buildTables(pages, entries, (page, word, low, high) => memory.store(page, word, low, high, ++step));
  return memory;
}

/** Page numbers to ask for, spread over all that are mapped: a power of two of them, to be gone through in a circle. */
export function spreadIovas(pages: number): Float64Array {
  const count = Math.min(pages, 1 << 16);
  let state = 1;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return FIRST_IOVA + (state % pages);
  });
}
