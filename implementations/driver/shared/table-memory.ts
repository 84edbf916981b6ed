/** Memory that holds tables: getting a page, clearing it, and making stores visible to walks. */
import type { HostPage } from "../../../model/words/address.js";
import type { Routine } from "../interface.js";
import type { SharedFaults } from "./faults.js";
import type { Steps } from "./steps.js";

/** Words of a line. */
const LINE = 8;

export class TableMemory {
  /** @param needsLineFlush walks do not snoop: lines that were stored to are written back */
  constructor(
    readonly needsLineFlush: boolean,
    readonly faults: SharedFaults,
  ) {}

  /** What else it takes, lines apart, until walks see what was stored. */
  *completeStores(): Routine {}

  /** Whether the line of `word` is to be written back now, in a run of `count` words: once for each line. */
  writesBack(word: number, first: number, count: number): boolean {
    if (!this.needsLineFlush || (word % LINE !== LINE - 1 && word !== first + count - 1)) return false;
    return !this.faults.flushesFirstLineOnly || word - (word % LINE) <= first;
  }

  /** A page for a table, with what its last user left there. */
  *allocateTable(): Steps<HostPage> {
    const { low } = yield { do: "allocate-table" };
    return low;
  }

  /** Makes a page an empty table, for walks too. */
  *clearTable(page: HostPage): Routine {
    yield { do: "clear-page", page };
    if (this.needsLineFlush && !this.faults.leavesTableDirty) yield { do: "flush-page", page };
    yield* this.completeStores();
  }
}
