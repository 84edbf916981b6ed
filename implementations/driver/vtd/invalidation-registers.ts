/** The invalidation registers (VT-d 6.5.1, 11.4.6): one command at a time, while the queue is off. */
import { Granularity } from "../../../model/vtd/descriptors.js";
import { Offset } from "../../../model/vtd/registers.js";
import type { Routine } from "../interface.js";
import type { InvalidationInterface } from "../shared/flusher.js";
import { expectSeen, register } from "../shared/steps.js";
import type { Invalidation } from "./invalidation.js";
import type { Unit } from "./unit.js";

/** ICC of CCMD_REG and IVT of IOTLB_REG, both bit 63: set until the command is done. */
const COMMAND = 0x80000000;
/** IOTLB_REG follows IVA_REG. */
const IOTLB_COMMAND = 8;

export class InvalidationRegisters implements InvalidationInterface<Invalidation> {
  /** Offset of the register with the command that is under way, or null. */
  private underWay: number | null = null;

  /** @param drain 1 when reads and writes under way are to be drained (6.5.4) */
  constructor(
    private readonly unit: Unit,
    private readonly drain: 0 | 1,
  ) {}

  *submit(invalidations: readonly Invalidation[]): Routine {
    for (const one of invalidations) {
      // 6.9: the registers are hardware's until the last command is done.
      yield* this.wait();
      if (one.cache === "context") yield* this.contextCommand(one);
      else yield* this.iotlbCommand(one);
    }
  }

  *wait(): Routine {
    if (this.underWay === null) return;
    expectSeen(
      yield { do: "poll-register", offset: this.underWay + 4, mask: COMMAND, value: 0 },
      "an invalidation command as done",
    );
    this.underWay = null;
  }

  private *contextCommand(one: Extract<Invalidation, { cache: "context" }>): Routine {
    const [command] = this.unit.encodings.contextCommand({
      ICC: 1,
      CIRG: one.granularity,
      DID: one.domainId,
      SID: one.requester,
    });
    yield register(Offset.CCMD, 8, command!.low, command!.high);
    this.underWay = Offset.CCMD;
  }

  private *iotlbCommand(one: Extract<Invalidation, { cache: "iotlb" }>): Routine {
    const { encodings, platform } = this.unit;
    const { iotlbRegisterOffset: offset } = platform;
    if (one.granularity === Granularity.selective) {
      const [address] = encodings.iotlbAddress({ AM: one.mask, IH: one.leafOnly ? 1 : 0, ADDR: one.page });
      yield register(offset, 8, address!.low, address!.high);
    }
    const [command] = encodings.iotlbCommand({
      IVT: 1,
      IIRG: one.granularity,
      DR: this.drain,
      DW: this.drain,
      DID: one.domainId,
    });
    yield register(offset + IOTLB_COMMAND, 8, command!.low, command!.high);
    this.underWay = offset + IOTLB_COMMAND;
  }
}
