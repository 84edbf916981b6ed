/**
 * Bringing a unit from a reset to where translating runs start, as software would: for programs that cannot begin there.
 * Nothing is cached after a reset, so nothing has to be invalidated.
 */
import { Offset as AmdViOffset, ControlBit, StatusBit } from "../../../model/amdvi/registers.js";
import { startContents } from "../../../model/amdvi/start-contents.js";
import type { Profile } from "../../../model/profile.js";
import type { RunStart } from "../../../model/run-start.js";
import type { Action } from "../../../model/trace.js";
import { platformOf, vtdProfile } from "../../../model/vtd/profile.js";
import { GlobalBit, Offset as VtdOffset } from "../../../model/vtd/registers.js";
import type { HostPage } from "../../../model/words/address.js";

/** ComLen and EventLen 8: 256 entries. */
const LENGTH_OF_PAGE = 8 << 24;
const LINES_OF_PAGE = 64;

/** The actions; every poll among them has to succeed. */
export function startActions(profile: Profile, start: RunStart): Action[] {
  return profile.architecture === "vtd" ? startVtd(profile, start) : startAmdVi(start);
}

/** VT-d 6.2.3.1, 6.5.2, 11.4.4.1: the root table is set, then the queue switched on, then translation. */
function startVtd(profile: Profile, { rootPage, queuePage }: RunStart): Action[] {
  const { translationEnable, setRootTablePointer, queuedInvalidationEnable } = GlobalBit;
  const actions = [writePage(VtdOffset.RTADDR, rootPage), ...command(0, setRootTablePointer)];
  const queue = platformOf(vtdProfile(profile)).queuedInvalidation ? queuedInvalidationEnable : 0;
  if (queue !== 0)
    actions.push(writePage(VtdOffset.IQT, 0), writePage(VtdOffset.IQA, queuePage), ...command(0, queue));
  return [...actions, ...command(queue, translationEnable)];
}

/** Sets one more bit of GCMD_REG and waits until GSTS_REG has it. */
function command(levels: number, bit: number): Action[] {
  const mask = bit >>> 0;
  return [
    { do: "write-register", offset: VtdOffset.GCMD, width: 4, low: (levels | bit) >>> 0, high: 0 },
    { do: "poll-register", offset: VtdOffset.GSTS, mask, value: mask },
  ];
}

/** AMD-Vi 2.5: a device table that lets nothing through, command buffer and event log on, then the unit. */
function startAmdVi(start: RunStart): Action[] {
  const { rootPage, rootPages, queuePage, logPage } = start;
  const on = ControlBit.IommuEn | ControlBit.EventLogEn | ControlBit.CmdBufEn;
  const running = StatusBit.EventLogRun | StatusBit.CmdBufRun;
  return [
    ...storesOfTable(start),
    writePage(AmdViOffset.DevTabBase, rootPage, rootPages - 1),
    writePage(AmdViOffset.CmdBase, queuePage, 0, LENGTH_OF_PAGE),
    writePage(AmdViOffset.EvtBase, logPage ?? 0, 0, LENGTH_OF_PAGE),
    { do: "write-register", offset: AmdViOffset.Control, width: 8, low: on, high: 0 },
    { do: "poll-register", offset: AmdViOffset.Status, mask: running, value: running },
  ];
}

/** What the model takes the device table to hold, written back to memory. */
function storesOfTable(start: RunStart): Action[] {
  const contents = startContents({ ...start, start: "translating" });
  return Array.from({ length: start.rootPages }, (_, index) => start.rootPage + index).flatMap((page) => {
    const halves = contents.get(page)!;
    const stores: Action[] = [];
    for (let word = 0; word < halves.length / 2; word++) {
      const [low, high] = [halves[2 * word]!, halves[2 * word + 1]!];
      if ((low | high) !== 0) stores.push({ do: "store", page, word, low, high });
    }
    for (let line = 0; line < LINES_OF_PAGE; line++) stores.push({ do: "flush-line", page, line });
    return stores;
  });
}

/** Writes the address of a page to a register of 64 bits, with other fields. */
function writePage(offset: number, page: HostPage, low = 0, high = 0): Action {
  return {
    do: "write-register",
    offset,
    width: 8,
    low: ((page << 12) | low) >>> 0,
    high: (Math.floor(page / 0x100000) | high) >>> 0,
  };
}
