/** The unit as the driver's parts see it: global commands, and making stores visible to walks (VT-d 6.8, 11.4.4). */
import type { Platform } from "../../../model/vtd/profile.js";
import { GLOBAL_LEVEL_BITS, GlobalBit, Offset } from "../../../model/vtd/registers.js";
import type { HostPage } from "../../../model/words/address.js";
import type { Access, Routine } from "../interface.js";
import type { Encodings } from "./encodings.js";
import type { DriverFaults } from "./faults.js";
import { expectSeen, type Steps } from "./steps.js";

/** Words of a line. */
const LINE = 8;

export class Unit {
  readonly platform: Platform;
  /** Walks do not snoop (ECAP.C = 0): lines that were stored to are written back. */
  readonly needsLineFlush: boolean;
  private readonly needsBufferFlush: boolean;
  /** Bits of GCMD that keep their level, as last written: every write has to repeat them. */
  private levels = 0;

  constructor(
    readonly encodings: Encodings,
    readonly faults: DriverFaults,
  ) {
    this.platform = encodings.platform;
    this.needsLineFlush = !this.platform.coherentWalks && !faults.skipsLineFlush;
    this.needsBufferFlush = this.platform.writeBufferFlushRequired && !faults.skipsBufferFlush;
  }

  /** Takes the levels over from a unit that is in use. */
  *readLevels(): Routine {
    const { low } = yield { do: "read-register", offset: Offset.GSTS, width: 4 };
    this.levels = (low & GLOBAL_LEVEL_BITS) >>> 0;
  }

  isOn(bit: number): boolean {
    return (this.levels & bit) !== 0;
  }

  /** Writes GCMD with one level bit switched; the caller waits for it with {@link sees}. */
  switchLevel(bit: number, on: boolean): Access {
    this.levels = (on ? this.levels | bit : this.levels & ~bit) >>> 0;
    return register(Offset.GCMD, 4, this.levels, 0);
  }

  /** Writes GCMD with a bit that acts once; the caller waits for it with {@link sees}. */
  once(bit: number): Access {
    return register(Offset.GCMD, 4, (this.levels | bit) >>> 0, 0);
  }

  /** Waits until GSTS shows the bit so. @throws Error when it never does */
  *sees(bit: number, set: boolean): Routine {
    const value = set ? bit : 0;
    expectSeen(
      yield { do: "poll-register", offset: Offset.GSTS, mask: bit, value },
      "a global command as done",
    );
  }

  /**
   * 6.8: what no invalidation follows has to leave the write buffer by itself. A store that others depend on, such as
   * the clearing of a table that is linked next, has to leave it before them.
   */
  *flushWriteBuffer(): Routine {
    if (!this.needsBufferFlush) return;
    yield this.once(GlobalBit.writeBufferFlush);
    yield* this.sees(GlobalBit.writeBufferFlush, false);
  }

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
    yield* this.flushWriteBuffer();
  }
}

/** The CPU writes a register of 4 or 8 bytes. */
export function register(offset: number, width: 4 | 8, low: number, high: number): Access {
  return { do: "write-register", offset, width, low, high };
}

/** The CPU writes the line of a word back. */
export function flushLineOf(page: HostPage, word: number): Access {
  return { do: "flush-line", page, line: word >>> 3 };
}
