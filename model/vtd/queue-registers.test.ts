/** What the registers of the invalidation queue may read, by hand-made histories (VT-d 6.5.2, 11.4.9). */
import { describe, expect, it } from "vitest";
import {
  FSTS,
  GCMD,
  ICS,
  IQA,
  IQERCD,
  IQH,
  QIE,
  QUEUE,
  RegisterRun,
  STATUS,
} from "./register-run.testing.js";

describe("6.5.2 queue registers", () => {
  it("status writes come from waits, and their time does not count before they are seen", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    expect(run.pollsMemory(2, 7)).toBe("completion");
    run.submit(0x11);
    run.submit(0x25, 7, (STATUS << 12) | 0x10);
    expect(run.pollsMemory(2, 8)).toBe("completion");
    expect(run.pollsMemory(2, 7, false)).toBe("completion");
    expect(run.pollsMemory(2, 7)).toBeNull();
    expect(run.oracle.log.entries[0]!.observed).toBe(10);
    expect(run.pollsMemory(2, 7)).toBeNull();
  });

  it("a status value that was there before tells nothing", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    run.store(STATUS, 2, 7);
    run.submit(0x11);
    run.submit(0x25, 7, (STATUS << 12) | 0x10);
    expect(run.pollsMemory(2, 7)).toBeNull();
    expect(run.oracle.log.entries[0]!.observed).toBe(0x7fffffff);
  });

  it("the status of a fence that is known to be complete is one DWORD", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    run.store(STATUS, 2, 0xaaaa, 0xbbbb);
    run.submit(0x65, 7, (STATUS << 12) | 0x14);
    run.submit(0x25, 9, (STATUS << 12) | 0x20);
    expect(run.pollsMemory(4, 9)).toBeNull();
    const { memory } = run.oracle;
    const frame = memory.frameOf(STATUS);
    expect([memory.low(frame, 2), memory.high(frame, 2)]).toEqual([0xaaaa, 7]);
  });

  it("ICS.IWC: set only after a wait with IF = 1, and then until software clears it", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    run.submit(0x25, 7, (STATUS << 12) | 0x10);
    expect(run.reads(ICS, 1)).toBe("completion");
    expect(run.polls(ICS, 1, 1, false)).toBeNull();
    run.submit(0x11);
    run.submit(0x15);
    expect(run.polls(ICS, 1, 1, false)).toBe("completion");
    expect([run.reads(ICS, 0), run.reads(ICS, 1), run.reads(ICS, 1), run.reads(ICS, 0)]).toEqual([
      null,
      null,
      null,
      "completion",
    ]);
    expect(run.oracle.log.entries[0]!.observed).not.toBe(0x7fffffff);
    run.write(ICS, 0);
    expect(run.reads(ICS, 1)).toBeNull();
    run.write(ICS, 1);
    expect([run.reads(ICS, 0), run.reads(ICS, 1)]).toEqual([null, "completion"]);
  });

  it("ICS.IWC does not tell which of several waits completed", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    run.submit(0x11);
    run.submit(0x15);
    run.submit(0x15);
    expect(run.reads(ICS, 1)).toBeNull();
    expect(run.oracle.log.entries[0]!.observed).toBe(0x7fffffff);
  });

  it("ICS.IWC may have been set before software cleared it, though the status was seen later", () => {
    const seenLate = () => {
      const run = new RegisterRun("skylake-sp", "translating");
      run.submit(0x35, 7, (STATUS << 12) | 0x10);
      run.write(ICS, 1);
      run.pollsMemory(2, 7);
      return run;
    };
    expect(seenLate().reads(ICS, 0)).toBeNull();
    expect(seenLate().reads(ICS, 1)).toBeNull();
    const run = new RegisterRun("skylake-sp", "translating");
    run.write(ICS, 1);
    run.submit(0x35, 7, (STATUS << 12) | 0x10);
    run.pollsMemory(2, 7);
    expect(run.reads(ICS, 0)).toBe("completion");
  });

  it("FSTS.IQE: only with a bad descriptor, and until software clears it; head and code point at it", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    expect(run.reads(FSTS, 0x10)).toBe("completion");
    run.submit(0x11);
    run.submit(0xf);
    run.submit(0x11);
    expect(run.polls(FSTS, 0x10, 0x10, false)).toBe("completion");
    expect([run.reads(FSTS, 0), run.reads(IQH, 0, 0), run.reads(FSTS, 0x10)]).toEqual([null, null, null]);
    expect([run.reads(IQERCD, 3, 0), run.reads(IQERCD, 0, 0), run.reads(IQERCD, 4, 0)]).toEqual([
      null,
      null,
      "completion",
    ]);
    expect([run.reads(IQH, 0x10, 0), run.reads(IQH, 0x20, 0)]).toEqual([null, "completion"]);
    expect(run.reads(FSTS, 0)).toBe("completion");
    run.store(QUEUE, 2, 0x11);
    run.write(FSTS, 0x10);
    expect([run.reads(FSTS, 0), run.reads(IQH, 0x30, 0)]).toEqual([null, null]);
    expect(run.oracle.log.entries).toHaveLength(3);
  });

  it("a wait behind a bad descriptor need not complete, and must not", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    run.submit(0x1d2);
    run.submit(0x25, 7, (STATUS << 12) | 0x10);
    expect(run.pollsMemory(2, 7, false)).toBeNull();
    expect(run.pollsMemory(2, 7)).toBe("completion");
  });

  it("IQH is zero until the queue is enabled; IQA reads what it was given", () => {
    const run = new RegisterRun("skylake-sp");
    run.write(IQA, QUEUE << 12, 0);
    expect([run.reads(IQA, QUEUE << 12, 0), run.reads(IQH, 0, 0), run.reads(IQH, 0x10, 0)]).toEqual([
      null,
      null,
      "completion",
    ]);
    run.submit(0x11);
    expect(run.oracle.log.entries).toEqual([]);
    run.write(GCMD, QIE);
    expect([run.oracle.log.entries.length, run.reads(IQH, 0x10, 0)]).toEqual([1, null]);
  });
});
