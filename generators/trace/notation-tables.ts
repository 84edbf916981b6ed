/** The tables of a trace, as the CPU sees them: what was stored last in each word, and where the entries are. */
import type { Word } from "../../model/trace.js";
import type { Place } from "../software.js";
import type { DeviceEntry, DeviceEntryFormat, PageTableFormat, Table } from "./notation-dialect.js";
import { firstUnnamedTable } from "./notation-words.js";

const ZERO: Word = { low: 0, high: 0 };

/** Takes what building tables takes. */
export interface TableListener {
  allocated(page: number): void;
  stored(page: number, word: number, value: Word): void;
}

export class TraceTables {
  private readonly words = new Map<number, Word>();
  private handedOut = 0;

  constructor(
    private readonly pageTables: PageTableFormat,
    private readonly deviceEntries: DeviceEntryFormat,
    private readonly listener: TableListener,
  ) {}

  /** What the CPU stored there last. */
  wordAt({ page, word }: Place): Word {
    return this.words.get(page * 512 + word) ?? ZERO;
  }

  store({ page, word }: Place, value: Word): void {
    this.words.set(page * 512 + word, value);
    this.listener.stored(page, word, value);
  }

  /** Stores both words of a device entry, the one that puts it to use last, or first when it is out of use. */
  storeDeviceEntry(at: Place, [first, second]: DeviceEntry): void {
    const used = this.deviceEntries.isInUse(first);
    const behind = { page: at.page, word: at.word + 1 };
    if (used) this.store(behind, second);
    this.store(at, first);
    if (!used) this.store(behind, second);
  }

  /** A page for another table. */
  allocate(): number {
    const page = firstUnnamedTable + this.handedOut++;
    this.listener.allocated(page);
    return page;
  }

  /** Where the device entry of a requester is; null where there is none. */
  deviceEntryAt(requester: number): Place | null {
    return this.deviceEntries.placeOf(requester, this);
  }

  /**
   * Where the entry of `level` for an address is; builds the tables above it where they are missing and `build` is set.
   * Null where they are missing otherwise, and where an entry above maps a page or leaves the level out.
   */
  entryAt(top: Table, iova: number, level: number, build: boolean): Place | null {
    let table: Table | null = top;
    while (table !== null && table.level > level)
      table = this.tableBelow({ page: table.page, word: indexOf(iova, table.level) }, table.level, build);
    return table?.level === level ? { page: table.page, word: indexOf(iova, level) } : null;
  }

  private tableBelow(at: Place, level: number, build: boolean): Table | null {
    const entry = this.wordAt(at);
    if (this.pageTables.isPresent(entry)) return this.pageTables.linked(level, entry);
    if (!build) return null;
    const page = this.allocate();
    this.store(at, this.pageTables.link(level, level - 1, page));
    return { page, level: level - 1 };
  }
}

function indexOf(iova: number, level: number): number {
  return Math.floor(iova / 512 ** (level - 1)) % 512;
}
