/** Hand-made runs on `amd-iommu`: one domain, tables of three levels, a command buffer, an event log. */
import { encodeCommand, Opcode } from "../../../../model/amdvi/commands.js";
import { profileNamed } from "../../../../model/amdvi/profiles.js";
import {
  deviceTableEntryAt,
  deviceTableEntryLayout,
  pdeLayout,
  pteLayout,
} from "../../../../model/amdvi/tables.js";
import type { StartState } from "../../../../model/run-start.js";
import type { Action, Word } from "../../../../model/trace.js";
import type { HostPage, RequesterId } from "../../../../model/words/address.js";
import { encode } from "../../../../model/words/layout.js";
import type { RunSetup } from "../../interface.js";
import { device, store, write64 } from "../testing.js";
import { COMMAND_BYTES, Control, Register, RING_LENGTH } from "./registers.js";

/** The pages of a hand-made run. */
export const page = {
  deviceTable: 0x10000,
  deviceTablePages: 5,
  commands: 0x10005,
  log: 0x10006,
  status: 0x10007,
  tables: [0x10008, 0x10009, 0x1000a],
  behind: 0x1000b,
  data: [0x10010, 0x10011, 0x10012, 0x10013],
} as const;

export const DOMAIN = 5;

/** A setup with the pages above. */
export function setupFor(
  start: StartState = "translating",
  requesters: readonly RequesterId[] = [device],
): RunSetup {
  const { deviceTable, deviceTablePages, commands, log, status, tables, behind, data } = page;
  const entries = Array.from({ length: deviceTablePages }, (_, index) => deviceTable + index);
  return {
    profile: profileNamed("amd-qemu"),
    start,
    requesters,
    dataPages: data,
    tablePages: [...entries, commands, log, status, ...tables, behind],
    timing: 0,
    rootPage: deviceTable,
    rootPages: deviceTablePages,
    queuePage: commands,
    logPage: log,
  };
}

function storeWords(at: HostPage, word: number, words: readonly Word[]): Action[] {
  return words.map((one, index) => ({ do: "store", page: at, word: word + index, ...one }));
}

/** Stores of a device table entry with these fields. */
export function storeDeviceEntry(id: RequesterId, fields: Readonly<Record<string, number>>): Action[] {
  const place = deviceTableEntryAt(id);
  const words = encode(deviceTableEntryLayout, fields);
  return storeWords(page.deviceTable + place.page, place.word, words);
}

/** The fields of an entry that translates by the tables of the run. */
export const translating = {
  V: 1,
  TV: 1,
  Mode: 3,
  HostPTRoot: page.tables[0],
  IR: 1,
  IW: 1,
  DomainID: DOMAIN,
} as const;

/** Stores that map IOVA page 0 upwards to `targets` and point the entry of the device to these tables. */
export function attach(
  targets: readonly HostPage[],
  rights: { IR: number; IW: number } = { IR: 1, IW: 1 },
  id: RequesterId = device,
): Action[] {
  const [upper, middle, lowest] = page.tables;
  const pointer = (to: HostPage, NextLevel: number) =>
    encode(pdeLayout, { PR: 1, NextLevel, Address: to, IR: 1, IW: 1 });
  const leaf = (to: HostPage) => encode(pteLayout, { PR: 1, Address: to, ...rights });
  return [
    ...storeWords(upper, 0, pointer(middle, 2)),
    ...storeWords(middle, 0, pointer(lowest, 1)),
    ...targets.flatMap((target, index) => storeWords(lowest, index, leaf(target))),
    ...storeDeviceEntry(id, translating),
  ];
}

/** The store that unmaps IOVA page `index` of {@link attach}. */
export function unmap(index: number): Action {
  return store(page.tables[2], index, 0);
}

/** Puts commands into the buffer from the n-th place on, lets them run, and waits until the last has stored `ticket`. */
export function issue(n: number, ticket: number, ...commands: readonly Word[][]): Action[] {
  const wait = encodeCommand(Opcode.completionWait, {
    s: 1,
    StoreAddress: (page.status * 4096) / 8,
    StoreDataLow: ticket,
  });
  const all = [...commands, wait];
  return [
    ...all.flatMap((command, index) => storeWords(page.commands, 2 * (n + index), command)),
    write64(Register.commandTail, ((n + all.length) * COMMAND_BYTES) % 4096),
    { do: "poll-memory", page: page.status, word: 0, value: ticket },
  ];
}

/** INVALIDATE_DEVTAB_ENTRY. */
export function invalidateDevice(id: RequesterId = device): Word[] {
  return encodeCommand(Opcode.invalidateDevtabEntry, { DeviceID: id });
}

/** INVALIDATE_IOMMU_PAGES of one page of the domain. */
export function invalidatePage(iovaPage: number): Word[] {
  return encodeCommand(Opcode.invalidateIommuPages, { DomainID: DOMAIN, Address: iovaPage });
}

/** What software does after a reset to get translation going, command buffer and event log included. */
export function enable(): Action[] {
  const ring = (offset: number, at: HostPage): Action => ({
    do: "write-register",
    offset,
    width: 8,
    low: at * 4096,
    high: RING_LENGTH,
  });
  return [
    write64(Register.deviceTableBase, page.deviceTable * 4096 + page.deviceTablePages - 1),
    ring(Register.commandBase, page.commands),
    ring(Register.eventBase, page.log),
    write64(Register.control, Control.iommu | Control.eventLog | Control.commandBuffer),
  ];
}
