/** Bringing the unit up (AMD-Vi 2.2.2, 2.4, 2.5, MMIO 0018h). */
import { ControlBit, Offset } from "../../../model/amdvi/registers.js";
import type { HostPage } from "../../../model/words/address.js";
import type { DriverSetup, Routine } from "../interface.js";
import { register } from "../shared/steps.js";
import type { DeviceTable } from "./device-table.js";
import type { Encodings } from "./encodings.js";
import type { AmdViFlusher } from "./flusher.js";

/** ComLen and EventLen, bits 59:56: 2^8 entries. */
export const LENGTH_HIGH = 8 << 24;
/** Pages below 2^32. */
const LOW_PAGES = 0x100000;

/**
 * From reset to a device table that lets nothing through. Writing the bases makes heads and tails zero. A reset leaves the
 * caches empty, and no table is looked at before IommuEn; where the unit has a command for it, that is made sure.
 */
export function* bootFromReset(
  { rootPage, rootPages, queuePage, logPage }: DriverSetup,
  { invalidateAll }: Encodings,
  flusher: AmdViFlusher,
  devices: DeviceTable,
): Routine {
  yield* devices.blockAll();
  yield base(Offset.DevTabBase, rootPage, rootPages - 1, 0);
  yield base(Offset.CmdBase, queuePage, 0, LENGTH_HIGH);
  if (logPage !== null) yield base(Offset.EvtBase, logPage, 0, LENGTH_HIGH);
  const log = logPage === null ? 0 : ControlBit.EventLogEn;
  yield register(Offset.Control, 8, ControlBit.IommuEn | ControlBit.CmdBufEn | log, 0);
  if (invalidateAll) yield* flusher.flush([invalidateAll]);
}

/** Writes the page and the size of a device table or ring to its base register. */
export function base(offset: number, page: HostPage, size: number, high: number) {
  return register(offset, 8, ((page % LOW_PAGES) * 0x1000 + size) >>> 0, high | Math.floor(page / LOW_PAGES));
}
