/** Reading and clearing the fault recording registers (VT-d 7.2.1, 11.4.7). */
import type { Platform } from "../../../model/vtd/profile.js";
import { FaultStatusBit, Offset } from "../../../model/vtd/registers.js";
import type { PlatformFaults } from "../platform/faults.js";
import type { UnitFault } from "../platform/unit.js";
import { register, type Steps } from "../shared/steps.js";

/** F: bit 127 of a record, in its last 32 bits. */
const FAULT = 0x80000000;
const LAST_PART = 12;
const RECORD_BYTES = 16;
/** FRI in FSTS: the record that was written first; the others follow it. */
const INDEX_SHIFT = 8;

/**
 * Takes every fault, and has the unit go on recording. 7.2.1: after an overflow, once every record is free and PFO is
 * cleared; faults of the meantime are lost.
 */
export function* takeFaultRecords(platform: Platform, faults: PlatformFaults): Steps<readonly UnitFault[]> {
  const taken: UnitFault[] = [];
  while (true) {
    const { low: status } = yield { do: "read-register", offset: Offset.FSTS, width: 4 };
    const overflow = status & FaultStatusBit.overflow;
    if ((status & FaultStatusBit.pending) === 0) {
      if (overflow === 0 || faults.leavesOverflow) return taken;
      yield register(Offset.FSTS, 4, FaultStatusBit.overflow, 0);
    } else {
      const first = (status >>> INDEX_SHIFT) & 0xff;
      const last = platform.faultRecords - 1;
      for (let count = 0; count <= last; count++) {
        const index = (first + count) % platform.faultRecords;
        if (index === last && faults.scansOneRecordLess) continue;
        const fault = yield* takeRecord(platform, index);
        if (fault) taken.push(fault);
      }
      if (faults.scansOneRecordLess) return taken;
    }
  }
}

/** Reads a record and frees it; null when it is free. */
function* takeRecord({ faultRecordOffset }: Platform, index: number): Steps<UnitFault | null> {
  const offset = faultRecordOffset + RECORD_BYTES * index;
  const upper = yield { do: "read-register", offset: offset + 8, width: 8 };
  if ((upper.high & FAULT) === 0) return null;
  const { low, high } = yield { do: "read-register", offset, width: 8 };
  yield register(offset + LAST_PART, 4, FAULT, 0);
  return { requester: upper.low & 0xffff, page: (low >>> 12) + high * 0x100000 };
}
