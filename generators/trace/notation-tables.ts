/** The tables of a trace, as the CPU sees them: what was stored last in each word, and where the entries are. */
import { Right } from "../../model/isolation/events.js";
import type { Word } from "../../model/trace.js";
import { PAGES_BY_LEVEL } from "../../model/vtd/invalidation-log.js";
import { rootEntryLayout, secondStageLayout } from "../../model/vtd/tables.js";
import { pageOf, tableIndex } from "../../model/vtd/walk.js";
import { encoderOf } from "../../model/words/layout.js";
import { rootPages } from "../places.js";
import { type Place, tableEntry } from "../software.js";
import { firstUnnamedTable } from "./notation-words.js";

const ZERO: Word = { low: 0, high: 0 };
const encodeRoot = encoderOf(rootEntryLayout, ["P", "CTP"]);
const encodePage = encoderOf(secondStageLayout(1, true), ["R", "W", "ADDR"]);
const encodeSuperpage = [2, 3].map((level) =>
  encoderOf(secondStageLayout(level, true), ["R", "W", "PS", "ADDR"]),
);

/** The page of the root table. */
export const rootPage = rootPages[0]!;

/**
 * An entry of `level` that maps a page, given as its first 4 KiB page, with `Right` bits.
 * @throws RangeError for a level whose entries map no pages
 */
export function pageEntry(level: number, page: number, rights: number): Word {
  const [R, W] = [rights & Right.read, rights >>> 1];
  if (level === 1) return encodePage({ R, W, ADDR: page })[0]!;
  const encode = encodeSuperpage[level - 2];
  if (!encode) throw new RangeError(`entries of level ${level} map no pages`);
  return encode({ R, W, PS: 1, ADDR: Math.floor(page / PAGES_BY_LEVEL[level]!) })[0]!;
}

/** Takes what building tables takes. */
export interface TableListener {
  allocated(page: number): void;
  stored(page: number, word: number, value: Word): void;
}

export class TraceTables {
  private readonly words = new Map<number, Word>();
  private handedOut = 0;

  constructor(private readonly listener: TableListener) {}

  /** What the CPU stored there last. */
  wordAt({ page, word }: Place): Word {
    return this.words.get(page * 512 + word) ?? ZERO;
  }

  store({ page, word }: Place, value: Word): void {
    this.words.set(page * 512 + word, value);
    this.listener.stored(page, word, value);
  }

  /** Stores the low half of a 128-bit entry, which has its present bit, last when it sets that and first otherwise. */
  storePair(at: Place, [low, high]: readonly [Word, Word]): void {
    const upper = { page: at.page, word: at.word + 1 };
    if (low.low & 1) this.store(upper, high);
    this.store(at, low);
    if (!(low.low & 1)) this.store(upper, high);
  }

  /** A page for another table. */
  allocate(): number {
    const page = firstUnnamedTable + this.handedOut++;
    this.listener.allocated(page);
    return page;
  }

  /** Where the context entry of a function is; builds the root entry where there is none. */
  contextEntryAt(requester: number): Place {
    const root = { page: rootPage, word: (requester >>> 8) * 2 };
    const word = (requester & 0xff) * 2;
    const { low, high } = this.wordAt(root);
    if (low & 1) return { page: pageOf(low, high), word };
    const page = this.allocate();
    const [first, second] = encodeRoot({ P: 1, CTP: page });
    this.storePair(root, [first!, second!]);
    return { page, word };
  }

  /**
   * Where the entry of `level` for an address is; builds the tables above it where they are missing and `build` is set.
   * Null where they are missing otherwise, and where an entry above maps a superpage.
   */
  entryAt(top: number, levels: number, iova: number, level: number, build: boolean): Place | null {
    let page = top;
    for (let at = levels; at > level; at--) {
      const next = this.tableBelow({ page, word: tableIndex(iova, at) }, at, build);
      if (next === null) return null;
      page = next;
    }
    return { page, word: tableIndex(iova, level) };
  }

  private tableBelow(at: Place, level: number, build: boolean): number | null {
    const { low, high } = this.wordAt(at);
    if (low & 3) return level <= 3 && low & 0x80 ? null : pageOf(low, high);
    if (!build) return null;
    const page = this.allocate();
    this.store(at, tableEntry(level, page));
    return page;
  }
}
