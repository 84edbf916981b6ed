/** The walk that both formats of guest tables share: four levels of 512 entries, with larger pages at levels 2 and 3. */
import type { PhysicalMemory } from "../words/memory.js";
import type { GuestPage, GuestTables } from "./guest-tables.js";

/** What an entry says, by its low half. */
export interface EntryMeaning {
  /** It leads somewhere, and everything in it is allowed. */
  isPresent(low: number, level: number): boolean;
  /** `Right` bits that it gives; those of a walk are those that every entry gives. */
  accessOf(low: number): number;
}

const LEVELS = 4;
const PAGE_SIZE_BIT = 1 << 7;
/** Bits 51:32 of an entry are of the address, in its high half. */
const HIGH_ADDRESS = 0xfffff;

/** Tables of four levels whose entries mean that. */
export function fourLevels(meaning: EntryMeaning): GuestTables {
  return {
    levels: LEVELS,
    walk: (memory, root, guestPage) => walk(meaning, memory, root, guestPage),
  };
}

function walk(
  meaning: EntryMeaning,
  memory: PhysicalMemory,
  root: number,
  guestPage: number,
): GuestPage | null {
  let table = root;
  let access = 3;
  for (let level = LEVELS; ; level--) {
    const span = 512 ** (level - 1);
    const frame = memory.frameOf(table);
    if (frame < 0) return null;
    const index = Math.floor(guestPage / span) % 512;
    const low = memory.low(frame, index);
    if (!meaning.isPresent(low, level)) return null;
    access &= meaning.accessOf(low);
    const page = (memory.high(frame, index) & HIGH_ADDRESS) * 0x100000 + (low >>> 12);
    const isLeaf = level === 1 || (low & PAGE_SIZE_BIT) !== 0;
    if (!isLeaf) {
      table = page;
      continue;
    }
    return access === 0 ? null : { page: page - (page % span) + (guestPage % span), access };
  }
}
