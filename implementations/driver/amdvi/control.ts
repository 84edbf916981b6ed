/** The control register (AMD-Vi MMIO 0018h), of which every write has to repeat what is to stay. */
import { Offset, type StatusBit } from "../../../model/amdvi/registers.js";
import type { Routine } from "../interface.js";
import { expectSeen, register } from "../shared/steps.js";

export class Control {
  private low = 0;
  private high = 0;

  /** Takes over what is set. */
  *read(): Routine {
    const { low, high } = yield { do: "read-register", offset: Offset.Control, width: 8 };
    this.low = low;
    this.high = high;
  }

  /** True when all these bits of the low half are set. */
  has(bits: number): boolean {
    return (this.low & bits) === bits;
  }

  *set(bits: number): Routine {
    this.low = (this.low | bits) >>> 0;
    yield register(Offset.Control, 8, this.low, this.high);
  }

  /** Clears bits that are set, and waits until a bit of Status is 0. @throws Error when it never is */
  *clear(bits: number, status?: (typeof StatusBit)[keyof typeof StatusBit]): Routine {
    if ((this.low & bits) === 0) return;
    this.low = (this.low & ~bits) >>> 0;
    yield register(Offset.Control, 8, this.low, this.high);
    if (status === undefined) return;
    const stopped = yield { do: "poll-register", offset: Offset.Status, mask: status, value: 0 };
    expectSeen(stopped, "that it has stopped");
  }
}
