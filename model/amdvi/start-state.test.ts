/** What registers read when a run starts, with structures beyond 4 GiB, and the rules that wrong values break (AMD-Vi 3.4). */
import { describe, expect, it } from "vitest";
import type { StartState } from "../run-start.js";
import { type Action, Effect } from "../trace.js";
import { AmdViOracle } from "./oracle.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";

const [TABLE, COMMANDS, LOG] = [0x100001, 0x200002, 0x300003];
const DEVICE = 0x21;
/** IommuEn, EventLogEn, CmdBufEn; EventLogRun, CmdBufRun. */
const [ON, RUNNING] = [0x1005, 0x18];

const startOf = (start: StartState) => ({
  start,
  requesters: [DEVICE],
  dataPages: [],
  tablePages: [TABLE, COMMANDS, LOG],
  rootPage: TABLE,
  rootPages: 3,
  queuePage: COMMANDS,
  logPage: LOG,
});

function started(start: StartState): AmdViOracle {
  const oracle = new AmdViOracle(platformOf(profileNamed("zen1")));
  oracle.reset(startOf(start));
  return oracle;
}

/** What is wrong with a value that a register is read as; null when nothing is. */
function reads(oracle: AmdViOracle, offset: number, low: number, high = 0) {
  return oracle.perform({ do: "read-register", offset, width: 8 }, { low: low >>> 0, high: high >>> 0 }, 0);
}

type Value = readonly [offset: number, low: number, high: number];

const FEATURES: Value = [0x30, 0x22294ada, 0x4f77ef];
const [CONTROL, STATUS] = [0x18, 0x2020];
/** Head and tail of the command buffer and of the event log. */
const POINTERS: Value[] = [0x2000, 0x2008, 0x2010, 0x2018].map((offset) => [offset, 0, 0]);
/** Three pages: Size is 2; 256 entries: a length of 8 in bits 59:56. */
const TRANSLATING: readonly Value[] = [
  [0x00, 0x1002, 1],
  [0x08, 0x2000, 0x08000002],
  [0x10, 0x3000, 0x08000003],
  [CONTROL, ON, 0],
  [STATUS, RUNNING, 0],
];
const RESET: readonly Value[] = TRANSLATING.map(([offset]) => [offset, 0, 0]);

describe("addresses that are written", () => {
  it("have 40 bits of a page number, in both halves of the register", () => {
    const oracle = started("reset");
    const low = 0x5001;
    const write: Action = { do: "write-register", offset: 0, width: 8, low, high: 0xfff00003 };
    expect(oracle.perform(write, { low: 0, high: 0 }, 0)).toBeNull();
    expect(oracle.steering.tablePointer.latest).toBe(0x300005 * 512 + 1);
    expect(reads(oracle, 0, low, 3)).toBeNull();
  });
});

describe("registers when a run starts", () => {
  it("after a reset: zero, but for the features", () => {
    for (const [offset, low, high] of [FEATURES, ...POINTERS, ...RESET])
      expect(reads(started("reset"), offset, low, high)).toBeNull();
    for (const [offset, low, high] of TRANSLATING)
      expect(reads(started("reset"), offset, low, high)).not.toBeNull();
  });

  it("translating: what is on, and where device table, command buffer and event log are", () => {
    for (const [offset, low, high] of [FEATURES, ...POINTERS, ...TRANSLATING])
      expect(reads(started("translating"), offset, low, high)).toBeNull();
    for (const [offset, low, high] of RESET)
      expect(reads(started("translating"), offset, low, high)).not.toBeNull();
    for (const [offset, low] of TRANSLATING.slice(0, 3))
      expect(reads(started("translating"), offset, low, 0)?.rules).toEqual(["amdvi.registers.values"]);
  });

  it("the same after another run", () => {
    const oracle = started("translating");
    const write = (offset: number, low: number, high = 0): Action => ({
      do: "write-register",
      offset,
      width: 8,
      low,
      high,
    });
    const request = { requester: DEVICE, page: 5, offset: 0, length: 4, type: "read" } as const;
    const acts: [Action, number][] = [
      [{ do: "request", request, slot: 0 }, Effect.blocked],
      [{ do: "read-register", offset: 0x2018, width: 8 }, 0x10],
      [write(CONTROL, 0), 0],
      [write(0x20, 0x5003), 0],
      [write(0x00, 0x7000), 0],
    ];
    for (const [index, [action, low]] of acts.entries())
      expect(oracle.perform(action, { low, high: 0 }, index)).toBeNull();
    oracle.reset(startOf("translating"));
    for (const [offset, low, high] of [FEATURES, [0x20, 0, 0], ...POINTERS, ...TRANSLATING] as Value[])
      expect(reads(oracle, offset, low, high)).toBeNull();
  });
});
