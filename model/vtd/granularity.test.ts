/** The granularity that invalidation registers report: none finer than was asked for (VT-d 11.4.6), field by field. */
import { describe, expect, it } from "vitest";
import type { Action } from "../trace.js";
import { VtdOracle } from "./oracle.js";
import { profileNamed } from "./profiles.js";
import { walkPlatformOf } from "./walk.js";

/** The halves with the commands: of CCMD, and of IOTLB at 208h. */
const [CCMD, IOTLB] = [0x2c, 0x20c];
const BUSY = 0x80000000;
/** CAIG 60:59 and CIRG 62:61 of CCMD; IAIG 58:57 and IIRG 61:60 of IOTLB. */
const fields = {
  context: { offset: CCMD, actual: 27, requested: 29 },
  iotlb: { offset: IOTLB, actual: 25, requested: 28 },
} as const;

/** What is wrong when the register that was given a request shows an actual granularity. */
function shows(which: keyof typeof fields, requested: number, actual: number) {
  const { offset, actual: at, requested: of } = fields[which];
  const oracle = new VtdOracle(walkPlatformOf(profileNamed("skylake-sp")));
  oracle.reset({
    start: "reset",
    rootPage: 1,
    rootPages: 1,
    queuePage: 8,
    logPage: null,
    requesters: [0x20],
    dataPages: [],
    tablePages: [1, 8],
  });
  const high = (BUSY | (requested << of)) >>> 0;
  const write: Action = { do: "write-register", offset: offset - 4, width: 8, low: 0, high };
  expect(oracle.perform(write, { low: 0, high: 0 }, 0)).toBeNull();
  const mask = (BUSY | (3 << at)) >>> 0;
  const poll: Action = { do: "poll-register", offset, mask, value: (actual << at) >>> 0 };
  const finding = oracle.perform(poll, { low: 1, high: 0 }, 1);
  return finding && `${finding.rules} ${finding.message}`;
}

describe.each([
  ["context", "vtd.registers.context-command"],
  ["iotlb", "vtd.registers.iotlb-command"],
] as const)("%s invalidation by register", (which, rule) => {
  it.each([
    [1, [1]],
    [2, [1, 2]],
    [3, [1, 2, 3]],
  ])("asked for with granularity %i may be done with %j", (requested, allowed) => {
    for (const actual of [0, 1, 2, 3]) {
      const text = `granularity ${actual} is reported for a request of granularity ${requested}`;
      expect(shows(which, requested, actual)).toBe(allowed.includes(actual) ? null : `${rule} ${text}`);
    }
  });
});
