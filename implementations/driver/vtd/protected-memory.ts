/** The protected memory registers (VT-d 11.4.8): memory that no device reaches, while translation is off too. */
import { Offset } from "../../../model/vtd/registers.js";
import type { HostPage } from "../../../model/words/address.js";
import type { Routine } from "../interface.js";
import { expectSeen, register } from "../shared/steps.js";
import type { Unit } from "./unit.js";

/** EPM of PMEN_REG, and PRS, which follows it. */
const ENABLE = 0x80000000;
const STATUS = 1;
/** Pages below 4 GiB. */
const LOW_PAGES = 0x100000;

/** @throws RangeError when the unit has no register for such pages */
export function* protectMemory({ platform }: Unit, page: HostPage, pages: number): Routine {
  const last = page + pages - 1;
  if (last < LOW_PAGES && platform.protectsLow) {
    yield register(Offset.PLMBASE, 4, (page << 12) >>> 0, 0);
    yield register(Offset.PLMLIMIT, 4, (last << 12) >>> 0, 0);
  } else if (platform.protectsHigh) {
    yield highRegister(Offset.PHMBASE, page);
    yield highRegister(Offset.PHMLIMIT, last);
  } else throw new RangeError("the unit has no protected memory registers for these pages");
  yield register(Offset.PMEN, 4, ENABLE, 0);
  yield* seesStatus(STATUS);
}

/** Lets devices reach protected memory as the tables say. Where there is none, or it is off, nothing is to be done. */
export function* releaseMemory({ platform }: Unit): Routine {
  if (!platform.protectsLow && !platform.protectsHigh) return;
  const { low } = yield { do: "read-register", offset: Offset.PMEN, width: 4 };
  if ((low & STATUS) === 0) return;
  yield register(Offset.PMEN, 4, 0, 0);
  yield* seesStatus(0);
}

function highRegister(offset: number, page: HostPage) {
  return register(offset, 8, (page << 12) >>> 0, Math.floor(page / LOW_PAGES));
}

function* seesStatus(value: number): Routine {
  expectSeen(yield { do: "poll-register", offset: Offset.PMEN, mask: STATUS, value }, "protected memory so");
}
