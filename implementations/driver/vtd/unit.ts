/** The unit as the driver's parts see it: global commands, and making stores visible to walks (VT-d 6.8, 11.4.4). */
import type { Platform } from "../../../model/vtd/profile.js";
import { GLOBAL_LEVEL_BITS, GlobalBit, Offset } from "../../../model/vtd/registers.js";
import type { Access, Routine } from "../interface.js";
import { expectSeen, register } from "../shared/steps.js";
import { TableMemory } from "../shared/table-memory.js";
import type { Encodings } from "./encodings.js";
import type { DriverFaults } from "./faults.js";

export class Unit extends TableMemory {
  readonly platform: Platform;
  private readonly needsBufferFlush: boolean;
  /** Bits of GCMD that keep their level, as last written: every write has to repeat them. */
  private levels = 0;
  /** A root pointer was in force when the levels were read. */
  rootPointerSet = false;

  constructor(
    readonly encodings: Encodings,
    override readonly faults: DriverFaults,
  ) {
    const { platform } = encodings;
    super(!platform.coherentWalks && !faults.skipsLineFlush, faults);
    this.platform = platform;
    this.needsBufferFlush = this.platform.writeBufferFlushRequired && !faults.skipsBufferFlush;
  }

  /** Takes the levels over from a unit that is in use. */
  *readLevels(): Routine {
    const { low } = yield { do: "read-register", offset: Offset.GSTS, width: 4 };
    this.levels = (low & GLOBAL_LEVEL_BITS) >>> 0;
    this.rootPointerSet = (low & GlobalBit.setRootTablePointer) !== 0;
  }

  /** Takes every level for off. */
  forgetLevels(): void {
    this.levels = 0;
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
  override *completeStores(): Routine {
    if (!this.needsBufferFlush) return;
    yield this.once(GlobalBit.writeBufferFlush);
    yield* this.sees(GlobalBit.writeBufferFlush, false);
  }
}
