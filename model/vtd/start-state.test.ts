/** What registers read when a run starts, register by register, and the rules that wrong values break (VT-d 11.4). */
import { describe, expect, it } from "vitest";
import type { StartState } from "../run-start.js";
import { type Action, Effect } from "../trace.js";
import { VtdOracle } from "./oracle.js";
import { profileNamed } from "./profiles.js";
import { walkPlatformOf } from "./walk.js";

/** Beyond 4 GiB: both halves of the address matter. */
const [ROOT, QUEUE] = [0x100001, 0x100002];
const [TES, RTPS, QIES] = [0x80000000, 0x40000000, 0x04000000];
const [GSTS, RTADDR, FSTS, FECTL, PMEN, IQH, IQT, IQA, ICS, IECTL] = [
  0x1c, 0x20, 0x34, 0x38, 0x64, 0x80, 0x88, 0x90, 0x9c, 0xa0,
];

function started(start: StartState, profile: string): VtdOracle {
  const oracle = new VtdOracle(walkPlatformOf(profileNamed(profile)));
  oracle.reset(startOf(start));
  return oracle;
}

function startOf(start: StartState) {
  return {
    start,
    rootPage: ROOT,
    rootPages: 1,
    queuePage: QUEUE,
    logPage: null,
    requesters: [0x20],
    dataPages: [],
    tablePages: [ROOT, QUEUE],
  };
}

/** What is wrong with a value that a register is read as; null when nothing is. */
function reads(oracle: VtdOracle, offset: number, low: number, high?: number) {
  const width = high === undefined ? 4 : 8;
  const action: Action = { do: "read-register", offset, width };
  return oracle.perform(action, { low: low >>> 0, high: (high ?? 0) >>> 0 }, 0);
}

/** Offset, low half, and the high half where there is one. */
type Value = readonly [offset: number, low: number, high?: number];

const ALWAYS: readonly Value[] = [
  [FSTS, 0],
  [FECTL, 0x80000000],
  [IECTL, 0x80000000],
  [PMEN, 0],
  [IQH, 0, 0],
  [IQT, 0, 0],
  [ICS, 0],
];
const TRANSLATING: readonly Value[] = [
  [GSTS, TES | RTPS | QIES],
  [RTADDR, 0x1000, 1],
  [IQA, 0x2000, 1],
];

describe("registers when a run starts", () => {
  it("after a reset: zero, with event interrupts masked", () => {
    const expected: Value[] = [...ALWAYS, [GSTS, 0], [RTADDR, 0, 0], [IQA, 0, 0]];
    for (const [offset, low, high] of expected)
      expect(reads(started("reset", "skylake-sp"), offset, low, high)).toBeNull();
    for (const [offset, low, high] of TRANSLATING)
      expect(reads(started("reset", "skylake-sp"), offset, low, high)?.kind).toBe("register");
  });

  it("translating: what says so, and where root table and queue are", () => {
    for (const [offset, low, high] of [...ALWAYS, ...TRANSLATING])
      expect(reads(started("translating", "skylake-sp"), offset, low, high)).toBeNull();
    for (const [offset, low, high] of [
      [GSTS, 0],
      [GSTS, TES | RTPS],
      [GSTS, RTPS | QIES],
      [GSTS, TES | QIES],
      [RTADDR, 0x1000, 0],
      [IQA, 0x2000, 0],
      [IQA, 0, 0],
    ] as Value[])
      expect(reads(started("translating", "skylake-sp"), offset, low, high)?.kind).toBe("register");
  });

  it("translating without queued invalidation: no queue is enabled", () => {
    expect(reads(started("translating", "gm45"), GSTS, TES | RTPS)).toBeNull();
    expect(reads(started("translating", "gm45"), GSTS, TES | RTPS | QIES)?.kind).toBe("register");
  });
});

describe("a reset", () => {
  it("forgets what the run before has done: faults, commands and protected memory", () => {
    const oracle = started("translating", "skylake-sp");
    const write = (offset: number, low: number): Action => ({
      do: "write-register",
      offset,
      width: 4,
      low: low >>> 0,
      high: 0,
    });
    const request = { requester: 0x20, page: 5, offset: 0, length: 4, type: "write" } as const;
    const seen: [Action, number][] = [
      [{ do: "request", request, slot: 0 }, Effect.blocked],
      [{ do: "read-register", offset: FSTS, width: 4 }, 2],
      [write(PMEN, 0x80000000), 0],
      [write(0x18, 0), 0],
    ];
    for (const [index, [action, low]] of seen.entries())
      expect(oracle.perform(action, { low, high: 0 }, index)).toBeNull();
    expect(reads(oracle, FSTS, 0)?.kind).toBe("fault-record");
    oracle.reset(startOf("translating"));
    for (const [offset, low, high] of [...ALWAYS, ...TRANSLATING])
      expect(reads(oracle, offset, low, high)).toBeNull();
  });
});

describe("the rule that a wrong value breaks", () => {
  const rulesOf = (offset: number, low: number, high?: number) =>
    reads(started("translating", "skylake-sp"), offset, low, high)?.rules;

  it("is named in the complaint", () => {
    expect(rulesOf(PMEN, 1)).toEqual(["vtd.registers.protected-memory"]);
    expect(rulesOf(RTADDR, 0x9000, 1)).toEqual(["vtd.registers.values"]);
    expect(rulesOf(IQH, 0x10, 0)).toEqual(["vtd.queue.head"]);
    expect(rulesOf(FSTS, 1)).toEqual(["vtd.faults.record"]);
  });
});
