/** Writes that leave the memory of a run: somebody has to clear those pages before the next. */
import { describe, expect, it } from "vitest";
import { type Action, Effect, type RequestType } from "../trace.js";
import { VtdOracle } from "./oracle.js";
import { profileNamed } from "./profiles.js";
import { walkPlatformOf } from "./walk.js";

const [ROOT, CONTEXT, L4, L3, L2, L1, DATA] = [1, 2, 3, 4, 5, 6, 0x10];
const REQUESTER = 0x20;
/** A page that is memory and no page of the run. */
const OUTSIDE = 0x77;

/** Page 0 leads to `target`, page 1 to a data page; returns the strays after one request. */
function straysAfter(
  target: number,
  type: RequestType,
  length: number,
  page = 0,
  effect: number = Effect.nowhere,
) {
  const oracle = new VtdOracle(walkPlatformOf(profileNamed("skylake-sp")));
  const tablePages = [ROOT, CONTEXT, L4, L3, L2, L1];
  oracle.reset({
    start: "translating",
    rootPage: ROOT,
    rootPages: 1,
    queuePage: 8,
    logPage: null,
    dataPages: [DATA],
    tablePages,
    requesters: [REQUESTER],
  });
  const { memory } = oracle;
  memory.fill(ROOT, 0, 0x2001, 0);
  memory.fill(CONTEXT, REQUESTER * 2, 0x3001, 0);
  memory.fill(CONTEXT, REQUESTER * 2 + 1, 0x502, 0);
  for (const [table, next] of [
    [L4, L3],
    [L3, L2],
    [L2, L1],
  ] as const)
    memory.fill(table, 0, next * 4096 + 3, 0);
  memory.fill(L1, 0, target * 4096 + 3, 0);
  memory.fill(L1, 1, DATA * 4096 + 3, 0);
  const request = { requester: REQUESTER, page, offset: 0, length, type };
  const action: Action = { do: "request", request, slot: 0 };
  expect(oracle.perform(action, { low: effect, high: 0 }, 0)).toBeNull();
  return [...oracle.strays];
}

describe("pages outside the run", () => {
  it("are written by writes and atomic operations", () => {
    expect(straysAfter(OUTSIDE, "write", 8)).toEqual([OUTSIDE]);
    expect(straysAfter(OUTSIDE, "atomic", 8)).toEqual([OUTSIDE]);
  });

  it("are not written by reads, of any length", () => {
    expect(straysAfter(OUTSIDE, "read", 8)).toEqual([]);
    expect(straysAfter(OUTSIDE, "read", 0)).toEqual([]);
  });

  it("are none of the run's own, and none beyond memory", () => {
    expect(straysAfter(OUTSIDE, "write", 8, 1, DATA)).toEqual([]);
    const { memoryPages } = profileNamed("skylake-sp");
    expect(straysAfter(memoryPages, "write", 8)).toEqual([]);
    expect(straysAfter(memoryPages - 1, "write", 8)).toEqual([memoryPages - 1]);
  });
});
