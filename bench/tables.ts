/** Four-level second-stage tables over consecutive device addresses, in the model's memory and for a plain walk. */
import { tableIndex } from "../model/vtd/walk.js";
import { PhysicalMemory } from "../model/words/memory.js";

export const ROOT_PAGE = 0x2000;
const CONTEXT_PAGE = 0x2001;
const FIRST_TABLE = 0x2002;
const LEVELS = 4;
/** First host page that the tables map. */
const FIRST_DATA = 0x10000;
const MEMORY_PAGES = 0x800000;

export const REQUESTER = 0x0020;
export const DOMAIN = 5;
/** Device addresses begin here: not at zero, so that every index takes part. */
export const FIRST_IOVA = 0x8040200;

/** Stores one 64-bit word. */
export type StoreWord = (page: number, word: number, low: number, high: number) => void;

/** Builds a root entry, a context entry and tables that map `pages` pages; returns the page of the top table. */
export function buildTables(pages: number, store: StoreWord): number {
  const tables = new Map<string, number>();
  let next = FIRST_TABLE;
  const tableOf = (level: number, iova: number) => {
    const key = `${level}/${Math.floor(iova / 512 ** level)}`;
    let page = tables.get(key);
    if (page === undefined) {
      page = next++;
      tables.set(key, page);
      if (level < LEVELS) storeEntry(store, tableOf(level + 1, iova), tableIndex(iova, level + 1), page);
    }
    return page;
  };
  for (let index = 0; index < pages; index++) {
    const iova = FIRST_IOVA + index;
    storeEntry(store, tableOf(1, iova), tableIndex(iova, 1), FIRST_DATA + index);
  }
  const top = tableOf(LEVELS, FIRST_IOVA);
  store(ROOT_PAGE, (REQUESTER >>> 8) * 2, (CONTEXT_PAGE << 12) | 1, 0);
  store(CONTEXT_PAGE, (REQUESTER & 0xff) * 2 + 1, (DOMAIN << 8) | (LEVELS - 2), 0);
  store(CONTEXT_PAGE, (REQUESTER & 0xff) * 2, (top << 12) | 1, 0);
  return top;
}

function storeEntry(store: StoreWord, table: number, word: number, page: number): void {
  store(table, word, ((page << 12) | 3) >>> 0, page >>> 20);
}

/** Memory whose tables were there from the beginning. */
export function memoryWithTables(pages: number): PhysicalMemory {
  const memory = new PhysicalMemory(MEMORY_PAGES);
  buildTables(pages, (page, word, low, high) => memory.fill(page, word, low, high));
  return memory;
}

/** Memory whose tables software has stored, one word after the other. */
export function memoryWithStoredTables(pages: number): PhysicalMemory {
  const memory = new PhysicalMemory(MEMORY_PAGES);
  let step = 0;
  buildTables(pages, (page, word, low, high) => memory.store(page, word, low, high, ++step));
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
