/** The command buffer (AMD-Vi 2.4): the only way to have something invalidated. */
import { Offset } from "../../../model/amdvi/registers.js";
import type { Word } from "../../../model/trace.js";
import type { HostPage } from "../../../model/words/address.js";
import type { Routine } from "../interface.js";
import { Ring, type Status } from "../shared/ring.js";
import type { Command, Encodings } from "./encodings.js";
import type { AmdViFaults } from "./faults.js";

/** Offset of a command in the buffer, bits 18:4 of head and tail. */
const OFFSET_SHIFT = 4;

export class CommandBuffer extends Ring<Command> {
  private last: Command = [];

  constructor(
    private readonly encodings: Encodings,
    private readonly faults: AmdViFaults,
    page: HostPage,
    statusPage: HostPage,
  ) {
    super(page, statusPage, Offset.CmdTail);
  }

  /** Goes on where a buffer that is in use stands. */
  *takeOver(): Routine {
    const { low } = yield { do: "read-register", offset: Offset.CmdTail, width: 8 };
    this.tail = low >>> OFFSET_SHIFT;
  }

  protected entryOf(command: Command): Command {
    return command;
  }

  /** 2.4.1: complete after every command ahead of it. */
  protected waitEntry(status: Status): Command {
    return this.encodings.completionWait(status);
  }

  protected override statusOf(wait: number): Status {
    return super.statusOf(this.faults.reusesWaitValue ? Math.min(wait, 1) : wait);
  }

  protected override checkSeen(answer: Word): void {
    if (!this.faults.passesTimeouts) super.checkSeen(answer);
  }

  protected override put(command: Command): Routine {
    const [first, second] = command;
    const stale = this.faults.leavesStaleHalf && second!.low === 0 && second!.high === 0;
    const stored = stale ? [first!, this.last[1] ?? second!] : command;
    this.last = stored;
    return super.put(stored);
  }
}
