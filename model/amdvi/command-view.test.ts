/** COMPLETION_WAIT and the order of commands, as software can know them (AMD-Vi 2.4). */
import { describe, expect, it } from "vitest";
import { OutsideModel } from "../finding.js";
import { OPEN } from "../words/memory.js";
import { commandRules, invalidationRules } from "./behaviour-rules.js";
import { encodeCommand, Opcode } from "./commands.js";
import {
  A,
  B,
  devtabEntry,
  ILLEGAL,
  iommuAll,
  iommuPages,
  NOTHING,
  Run,
  STATUS,
  waitInterrupt,
  waitStore,
} from "./oracle.testing.js";
import { Offset, StatusBit } from "./registers.js";

const { CmdBufRun, ComWaitInt, EventLogRun } = StatusBit;
const RUNNING = CmdBufRun | EventLogRun;
/** For each invalidation whether it is known to be complete. */
const known = (run: Run) => run.oracle.log.entries.map((one) => one.observed !== OPEN);

describe("submission", () => {
  it("a tail write submits the commands up to it, with their fence groups", () => {
    const run = new Run()
      .submit(devtabEntry(A), iommuPages(2, 2))
      .submit(waitStore(0, 1, { f: 1 }), iommuAll);
    const { entries } = run.oracle.log;
    expect(entries.map((one) => one.target)).toEqual([
      { command: "invalidate-devtab-entry", deviceId: A },
      { command: "invalidate-iommu-pages", domainId: 5, firstPage: 2, pageCount: 2, directories: false },
      { command: "invalidate-iommu-all" },
    ]);
    expect(entries.map((one) => [one.fenceGroup, one.queued, one.drainsWrites])).toEqual([
      [0, true, true],
      [0, true, true],
      [1, true, true],
    ]);
    expect(entries[0]!.submitted).toBe(entries[1]!.submitted);
    expect(entries[2]!.submitted).toBeGreaterThan(entries[1]!.submitted);
    expect(run.oracle.coverage.countOf(commandRules.flush)).toBe(1);
  });

  it("commands that remove nothing of the model are legal", () => {
    const others = [Opcode.invalidateInterruptTable, Opcode.invalidateIotlbPages];
    const run = new Run().flush(
      ...others.map((opcode) => encodeCommand(opcode)),
      iommuPages(0, 1, { GN: 1 }),
    );
    expect([known(run), run.oracle.commands.illegal]).toEqual([[], null]);
  });

  it("commands of features that the unit has not are illegal", () => {
    const run = new Run("family-15h").submit(iommuAll);
    expect(run.polls(Offset.Status, CmdBufRun, 0)).toBeNull();
  });

  it("the ring wraps", () => {
    const run = new Run();
    for (let count = 0; count < 130; count++) run.flush(devtabEntry(A));
    expect(known(run)).toHaveLength(130);
    expect(run.reads(Offset.CmdHead, 4 << 4)).toBeNull();
  });

  it("a buffer or a store outside memory is not modelled", () => {
    const far = encodeCommand(Opcode.completionWait, { s: 1, StoreAddress: 2 ** 40 });
    expect(() => new Run().submit(far)).toThrow(OutsideModel);
  });
});

describe("2.4.1 a completion store that is seen", () => {
  it("tells that every earlier command is done, whatever is between, and none behind it", () => {
    const run = new Run();
    run.submit(devtabEntry(A), waitStore(0, 1), devtabEntry(B), waitStore(1, 2), iommuAll);
    expect([run.pollsMemory(1, 2), known(run)]).toEqual([null, [true, true, false]]);
    expect(run.pollsMemory(0, 1)).toBeNull();
    expect(run.oracle.coverage.countOf(commandRules.order)).toBe(1);
    expect(run.oracle.coverage.countOf(commandRules.store)).toBe(1);
  });

  it("is one that a wait asks for, and comes", () => {
    const run = new Run().submit(waitStore(0, 1), waitInterrupt());
    expect([run.pollsMemory(0, 2), run.pollsMemory(1, 1), run.pollsMemory(0, 2, false)]).toEqual([
      "completion",
      "completion",
      null,
    ]);
    expect([run.pollsMemory(0, 1, false), run.pollsMemory(0, 1)]).toEqual(["completion", null]);
  });

  it("is of 8 bytes, and may be seen by a plain read", () => {
    const run = new Run().submit(devtabEntry(A), waitStore(0, 1, { StoreDataHigh: 9 }));
    expect([run.readsMemory(STATUS, 0, NOTHING), known(run)]).toEqual([null, [false]]);
    expect([run.readsMemory(STATUS, 0, { low: 1, high: 9 }), known(run)]).toEqual([null, [true]]);
    const { memory } = run.oracle;
    expect(memory.high(memory.frameOf(STATUS), 0)).toBe(9);
  });

  it("of the value that is there already, tells nothing", () => {
    const run = new Run().submit(waitStore(0, 1));
    expect(run.pollsMemory(0, 1)).toBeNull();
    run.submit(devtabEntry(A), waitStore(0, 1));
    expect([run.pollsMemory(0, 1), known(run)]).toEqual([null, [false]]);
  });

  it("does not come from behind an illegal command", () => {
    const run = new Run().submit(waitStore(0, 1), ILLEGAL, waitStore(1, 2));
    expect([run.pollsMemory(1, 2, false), run.pollsMemory(1, 2), run.pollsMemory(0, 1)]).toEqual([
      null,
      "completion",
      null,
    ]);
  });
});

describe("2.4.1 ComWaitInt", () => {
  it("is set by a wait with i = 1, which tells that it is done", () => {
    const run = new Run();
    expect(run.reads(Offset.Status, RUNNING | ComWaitInt)).toBe("completion");
    run.submit(devtabEntry(A), waitInterrupt());
    expect([run.reads(Offset.Status, RUNNING), known(run)]).toEqual([null, [false]]);
    expect([run.reads(Offset.Status, RUNNING | ComWaitInt), known(run)]).toEqual([null, [true]]);
    expect(run.reads(Offset.Status, RUNNING)).toBe("completion");
    expect(run.oracle.coverage.countOf(commandRules.interrupt)).toBe(1);
  });

  it("is cleared by writing 1", () => {
    const run = new Run().submit(waitInterrupt());
    expect(run.polls(Offset.Status, ComWaitInt, ComWaitInt)).toBeNull();
    run.write(Offset.Status, ComWaitInt);
    expect([run.reads(Offset.Status, RUNNING | ComWaitInt), run.reads(Offset.Status, RUNNING)]).toEqual([
      "completion",
      null,
    ]);
  });

  it("of several waits tells that the first is done", () => {
    const run = new Run().submit(devtabEntry(A), waitInterrupt(), devtabEntry(B), waitInterrupt());
    expect(run.polls(Offset.Status, ComWaitInt, ComWaitInt)).toBeNull();
    expect(known(run)).toEqual([true, false]);
  });

  it("must come, and does not go by itself", () => {
    const run = new Run().submit(waitInterrupt());
    expect(run.polls(Offset.Status, ComWaitInt, ComWaitInt, false)).toBe("completion");
    expect(run.polls(Offset.Status, ComWaitInt, 0, false)).toBeNull();
    const idle = new Run();
    expect(idle.polls(Offset.Status, ComWaitInt, ComWaitInt, false)).toBeNull();
  });

  it("is set with the store of the same wait", () => {
    const run = new Run().submit(waitStore(0, 1, { i: 1 }));
    expect([run.pollsMemory(0, 1), run.reads(Offset.Status, RUNNING)]).toEqual([null, "completion"]);
  });

  it("cleared between the submission and the store of a wait, may be either", () => {
    const run = new Run().submit(waitStore(0, 1, { i: 1 })).write(Offset.Status, ComWaitInt);
    expect(run.pollsMemory(0, 1)).toBeNull();
    expect([run.reads(Offset.Status, RUNNING | ComWaitInt)]).toEqual([null]);
    const other = new Run().submit(waitStore(0, 1, { i: 1 })).write(Offset.Status, ComWaitInt);
    expect(other.pollsMemory(0, 1)).toBeNull();
    expect(other.reads(Offset.Status, RUNNING)).toBeNull();
    expect(other.reads(Offset.Status, RUNNING | ComWaitInt)).toBe("completion");
  });
});

describe("the head", () => {
  it("is where a command waits, does not go back, and comes to the tail", () => {
    const run = new Run().submit(devtabEntry(A), devtabEntry(B), waitStore(0, 1));
    expect(run.reads(Offset.CmdHead, 0x40)).toBe("completion");
    for (const head of [0, 0x10, 0x30]) expect(run.reads(Offset.CmdHead, head)).toBeNull();
    expect(run.reads(Offset.CmdHead, 0x10)).toBe("completion");
    expect(run.polls(Offset.CmdHead, 0x7fff0, 0x30, false)).toBe("completion");
    expect(run.reads(Offset.CmdHead, 0x31)).toBe("register");
    expect(known(run)).toEqual([false, false]);
  });

  it("is behind a command that is known to be done", () => {
    const run = new Run().submit(devtabEntry(A), waitStore(0, 1), devtabEntry(B));
    expect(run.pollsMemory(0, 1)).toBeNull();
    expect([run.reads(Offset.CmdHead, 0x10), run.reads(Offset.CmdHead, 0x20)]).toEqual(["completion", null]);
  });
});

describe("coverage", () => {
  it("counts the kinds of invalidation of a run", () => {
    const run = new Run().flush(devtabEntry(A), iommuPages(0, 1), iommuPages(0, 1, { PDE: 1 }), iommuAll);
    run.oracle.finish();
    for (const rule of Object.values(invalidationRules))
      expect(run.oracle.coverage.countOf(rule)).toBeGreaterThan(0);
  });
});
