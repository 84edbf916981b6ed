/** Runs on an AMD-Vi unit for tests: where things are, how they are encoded, and what a run shows. */
import { encodeCommand, Opcode, rangeAddress } from "../../../../model/amdvi/commands.js";
import { profileNamed } from "../../../../model/amdvi/profiles.js";
import { Offset } from "../../../../model/amdvi/registers.js";
import { deviceTableEntryLayout, pdeLayout, pteLayout } from "../../../../model/amdvi/tables.js";
import type { StartState } from "../../../../model/run-start.js";
import type { Action, Observation, RequestType, Word } from "../../../../model/trace.js";
import { encode } from "../../../../model/words/layout.js";
import type { RunSetup } from "../../interface.js";
import { ReferenceIommu } from "../reference.js";

export const [DEVICE_TABLE, COMMANDS, STATUS, LOG, L3, L2, L1, OTHER_L1] = [1, 4, 5, 6, 7, 8, 9, 10] as const;
export const [DATA, OTHER] = [0x10, 0x11] as const;
/** 00:04.1. */
export const DEVICE = 0x21;
export const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);
/** For what takes several choices of the unit together. */
export const MANY_SEEDS = Array.from({ length: 800 }, (_, seed) => seed);

export function setup(profile: string, timing = 1, start: StartState = "translating"): RunSetup {
  return {
    profile: profileNamed(profile),
    start,
    requesters: [DEVICE],
    dataPages: [DATA, OTHER],
    tablePages: [DEVICE_TABLE, 2, COMMANDS, STATUS, LOG, L3, L2, L1, OTHER_L1],
    timing,
    rootPage: DEVICE_TABLE,
    rootPages: 2,
    queuePage: COMMANDS,
    logPage: LOG,
  };
}

/** Control: IommuEn, EventLogEn and CmdBufEn. */
export const ENABLED = 0x1005;

type Values = Readonly<Record<string, number>>;

export const store = (page: number, word: number, { low, high }: Word): Action => ({
  do: "store",
  page,
  word,
  low,
  high,
});
export const write = (offset: number, low: number, high = 0): Action => ({
  do: "write-register",
  offset,
  width: 8,
  low: low >>> 0,
  high: high >>> 0,
});
export const read = (offset: number): Action => ({ do: "read-register", offset, width: 8 });
export const poll = (offset: number, mask: number, value = mask): Action => ({
  do: "poll-register",
  offset,
  mask,
  value,
});
export const load = (page: number, word: number): Action => ({ do: "read-memory", page, word });
export const request = (type: RequestType, slot = 0, page = 0, requester: number = DEVICE): Action => ({
  do: "request",
  request: { requester, page, offset: 8, length: type === "zero-length-read" ? 0 : 8, type },
  slot,
});

/** Three levels from {@link L3}, domain 5, every right. */
export const deviceEntry = (values: Values = {}): Action[] => {
  const words = encode(deviceTableEntryLayout, {
    V: 1,
    TV: 1,
    Mode: 3,
    HostPTRoot: L3,
    IR: 1,
    IW: 1,
    DomainID: 5,
    ...values,
  });
  // The word with V last.
  return [3, 2, 1, 0].map((at) => store(DEVICE_TABLE, DEVICE * 4 + at, words[at]!));
};
export const pde = (level: number, page: number, values: Values = {}): Word =>
  encode(pdeLayout, { PR: 1, NextLevel: level, Address: page, IR: 1, IW: 1, ...values })[0]!;
export const pte = (page: number, values: Values = {}): Word =>
  encode(pteLayout, { PR: 1, Address: page, IR: 1, IW: 1, ...values })[0]!;
export const ABSENT: Word = { low: 0, high: 0 };

/** Page 0 mapped to DATA by three levels. */
export const TABLES: Action[] = [
  store(L3, 0, pde(2, L2)),
  store(L2, 0, pde(1, L1)),
  store(L1, 0, pte(DATA)),
  ...deviceEntry(),
];

export const pages = (first: number, count: number, values: Values = {}) =>
  encodeCommand(Opcode.invalidateIommuPages, { DomainID: 5, ...rangeAddress(first, count), ...values });
export const devtabEntry = (DeviceID: number = DEVICE) =>
  encodeCommand(Opcode.invalidateDevtabEntry, { DeviceID });
export const invalidateAll = encodeCommand(Opcode.invalidateIommuAll);
export const wait = (data: number, values: Values = {}) =>
  encodeCommand(Opcode.completionWait, { s: 1, StoreAddress: STATUS * 512, StoreDataLow: data, ...values });
export const ILLEGAL: Word[] = [{ low: 0, high: 0xf0000000 }, ABSENT];

/** Puts commands into the buffer from entry `first` on and gives them to the unit. */
export function submit(commands: readonly (readonly Word[])[], first = 0): Action[] {
  const words = commands.flat();
  return [
    ...words.map((word, at) => store(COMMANDS, first * 2 + at, word)),
    write(Offset.CmdTail, (first + commands.length) << 4),
  ];
}

export const completed = (value: number): Action => ({ do: "poll-memory", page: STATUS, word: 0, value });

/** {@link TABLES}, and nothing else is cached for the device: two commands are in the buffer. */
export const ATTACHED: Action[] = [...TABLES, ...submit([devtabEntry(), wait(1)]), completed(1)];

/** Commands behind those of {@link ATTACHED}, and a wait that is seen to be complete. */
export const flush = (...commands: readonly (readonly Word[])[]): Action[] => [
  ...submit([...commands, wait(2)], 2),
  completed(2),
];

/** What a run shows, and the unit afterwards. */
export function run(
  actions: readonly Action[],
  profile = "zen1",
  timing = 1,
  start: StartState = "translating",
): { iommu: ReferenceIommu; seen: Observation[] } {
  const iommu = new ReferenceIommu();
  iommu.reset(setup(profile, timing, start));
  return { iommu, seen: iommu.execute(actions) };
}

/** Everything that the last action shows over many timings, low halves. */
export function lasts(actions: readonly Action[], profile = "zen1", seeds = SEEDS): Set<number> {
  return new Set(seeds.map((timing) => run(actions, profile, timing).seen.at(-1)!.low));
}
