/** Reading the event log, and starting it again when it has overflowed (AMD-Vi 2.5). */
import { decodeEvent, EventCode } from "../../../model/amdvi/events.js";
import { ControlBit, Offset, StatusBit } from "../../../model/amdvi/registers.js";
import type { HostPage } from "../../../model/words/address.js";
import type { Routine } from "../interface.js";
import type { PlatformFaults } from "../platform/faults.js";
import type { UnitFault } from "../platform/unit.js";
import { register, type Steps } from "../shared/steps.js";
import { base, LENGTH_HIGH } from "./boot.js";
import type { Control } from "./control.js";

const ENTRIES = 256;
/** Head and tail are byte offsets, entries of 16 bytes. */
const POINTER_SHIFT = 4;

/** Events that are about a request of a device. */
const OF_REQUESTS: ReadonlySet<number> = new Set([
  EventCode.illegalDevTableEntry,
  EventCode.ioPageFault,
  EventCode.invalidDeviceRequest,
]);

export class EventLog {
  private head = 0;

  constructor(
    private readonly control: Control,
    private readonly page: HostPage,
    private readonly faults: PlatformFaults,
  ) {}

  /** Moves the log of whoever had the unit before: 2.5, while it does not run. Writing the base makes head and tail zero. */
  *takeOver(): Routine {
    const { control, page } = this;
    yield* control.clear(ControlBit.EventLogEn, StatusBit.EventLogRun);
    yield base(Offset.EvtBase, page, 0, LENGTH_HIGH);
    yield register(Offset.Status, 8, StatusBit.EventOverflow, 0);
    this.head = 0;
  }

  /** Takes every event that is about a request, and has the unit go on logging. */
  *take(): Steps<readonly UnitFault[]> {
    const taken: UnitFault[] = [];
    while (true) {
      const { low: status } = yield { do: "read-register", offset: Offset.Status, width: 4 };
      const overflow = (status & StatusBit.EventOverflow) !== 0;
      taken.push(...(yield* this.takeEntries()));
      if (!overflow) return taken;
      if (this.faults.leavesOverflow) {
        yield register(Offset.Status, 4, StatusBit.EventOverflow, 0);
        return taken;
      }
      yield* this.restart();
    }
  }

  /** 2.5: clearing EventOverflow by itself starts nothing. */
  private *restart(): Routine {
    const { control } = this;
    yield* control.clear(ControlBit.EventLogEn, StatusBit.EventLogRun);
    yield register(Offset.Status, 4, StatusBit.EventOverflow, 0);
    yield* control.set(ControlBit.EventLogEn);
  }

  private *takeEntries(): Steps<UnitFault[]> {
    const taken: UnitFault[] = [];
    const { low } = yield { do: "read-register", offset: Offset.EvtTail, width: 8 };
    const tail = low >>> POINTER_SHIFT;
    if (tail === this.head) return taken;
    for (; this.head !== tail; this.head = (this.head + 1) % ENTRIES) {
      const { page, head } = this;
      const first = yield { do: "read-memory", page, word: head * 2 };
      const second = yield { do: "read-memory", page, word: head * 2 + 1 };
      const event = decodeEvent([first, second]);
      if (event && OF_REQUESTS.has(event.code))
        taken.push({ requester: first.low & 0xffff, page: event.place.page });
    }
    yield register(Offset.EvtHead, 8, this.head << POINTER_SHIFT, 0);
    return taken;
  }
}
