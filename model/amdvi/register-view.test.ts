/** What registers may read: hand-made histories of writes, reads and polls, judged by the oracle (AMD-Vi 3.4). */
import { describe, expect, it } from "vitest";
import { OutsideModel } from "../finding.js";
import { Effect } from "../trace.js";
import { eventOf, illegalCommandEvent } from "./events.js";
import {
  A,
  B,
  COMMANDS,
  deviceEntry,
  devtabEntry,
  ILLEGAL,
  iommuAll,
  LOG,
  NOTHING,
  OTHER_TABLE,
  Run,
  waitStore,
} from "./oracle.testing.js";
import { ControlBit, Offset, StatusBit } from "./registers.js";
import { faultRules } from "./rules.js";

const ON = ControlBit.IommuEn | ControlBit.EventLogEn | ControlBit.CmdBufEn;
const RUNNING = StatusBit.EventLogRun | StatusBit.CmdBufRun;
const LENGTH_8 = 8 << 24;
const faulting = { requester: A, page: 1, offset: 8, length: 8, type: "read" } as const;
const notPresent = eventOf(faultRules.notPresent, faulting, 5);

describe("registers that software writes", () => {
  it("read what they were given, in the fields they have", () => {
    const run = new Run("zen1", "reset");
    expect(run.reads(Offset.DevTabBase, 0)).toBeNull();
    run.write(Offset.DevTabBase, 0x1fff, 0xfff00000);
    expect([run.reads(Offset.DevTabBase, 0x11ff), run.reads(Offset.DevTabBase, 0x1fff)]).toEqual([
      null,
      "register",
    ]);
    run.write32(Offset.CmdBase + 4, LENGTH_8);
    expect(run.reads(Offset.CmdBase, 0, LENGTH_8)).toBeNull();
    run.write(Offset.EvtHead, 0xfff80010);
    expect([run.reads(Offset.EvtHead, 0x10), run.reads(Offset.EvtHead, 0)]).toEqual([null, "register"]);
  });

  it("features cannot be written, and read as the platform has them", () => {
    const run = new Run("zen1").write(Offset.EFR, 0, 0);
    expect([run.reads(Offset.EFR, 0x22294ada, 0x4f77ef), run.reads(Offset.EFR, 0)]).toEqual([
      null,
      "register",
    ]);
  });

  it("the state that runs start from", () => {
    const run = new Run();
    expect(run.reads(Offset.DevTabBase, 0x1000)).toBeNull();
    expect(run.reads(Offset.CmdBase, COMMANDS << 12, LENGTH_8)).toBeNull();
    expect(run.reads(Offset.EvtBase, LOG << 12, LENGTH_8)).toBeNull();
    expect([run.reads(Offset.Control, ON), run.reads(Offset.Status, RUNNING)]).toEqual([null, null]);
  });

  it("what is not modelled is not judged", () => {
    expect(new Run().reads(Offset.PPRHead, 0x1234)).toBeNull();
  });

  it("a poll that gives up on what a register holds is wrong", () => {
    const run = new Run();
    expect(run.polls(Offset.Control, 1, 1, false)).toBe("completion");
    expect(run.polls(Offset.Control, 1, 0, false)).toBeNull();
    expect(run.polls(Offset.EvtTail, 0x7fff0, 0, false)).toBe("completion");
    expect(run.polls(Offset.Status, StatusBit.CmdBufRun, StatusBit.CmdBufRun, false)).toBe("completion");
  });
});

describe("what steers translation", () => {
  it("IommuEn is in force from the write on", () => {
    const run = new Run();
    expect(run.may("read")).toEqual(["old"]);
    run.write(Offset.Control, ON & ~ControlBit.IommuEn);
    expect(run.may("read")).toEqual(["page 0"]);
    expect(run.write(Offset.Control, ON).may("read")).toEqual(["old"]);
  });

  it("a new DevTabBase leaves cached entries of the old table", () => {
    const run = new Run();
    deviceEntry({ Mode: 0 }).forEach((word, at) => {
      run.holds(OTHER_TABLE, A * 4 + at, word);
    });
    run.write(Offset.DevTabBase, OTHER_TABLE << 12);
    expect(run.may("read")).toEqual(["old", "page 0"]);
    run.flush(devtabEntry(A));
    expect(run.may("read", 0x77)).toEqual(["page 77"]);
  });

  it("DeviceIDs beyond Size are out of the table", () => {
    expect(new Run().may("read", 0, 0x80)).toEqual(["dte.out-of-table"]);
  });

  it("the exclusion range is for a unit that does not translate", () => {
    const run = new Run();
    expect(() => run.write(Offset.ExclBase, 0x3)).toThrow(OutsideModel);
    const off = new Run("zen1", "reset").write(Offset.ExclLimit, 0x2000).write(Offset.ExclBase, 0x2003);
    off.write(Offset.DevTabBase, 0x1000).write(Offset.CmdBase, COMMANDS << 12, LENGTH_8);
    off.write(Offset.Control, ControlBit.IommuEn | ControlBit.CmdBufEn).flush(iommuAll);
    expect([off.may("read", 2), off.may("read", 1)]).toEqual([["page 2"], ["page-table.present"]]);
  });

  it("features outside the model end the verdict", () => {
    for (const high of [0x4, 0x1, 0x100])
      expect(() => new Run().write(Offset.Control, ON, high)).toThrow(OutsideModel);
  });
});

describe("Status", () => {
  it("follows what is switched on", () => {
    const run = new Run().write(Offset.Control, ControlBit.IommuEn);
    expect([run.reads(Offset.Status, 0), run.reads(Offset.Status, StatusBit.CmdBufRun)]).toEqual([
      null,
      "completion",
    ]);
    expect(run.reads(Offset.Status, StatusBit.EventLogRun)).toBe("fault-record");
    expect(run.reads(Offset.Status, StatusBit.PPRInt)).toBe("register");
  });

  it("while IommuEn is 0 the running bits may be either", () => {
    const run = new Run().write(Offset.Control, ON & ~ControlBit.IommuEn);
    expect([run.reads(Offset.Status, 0), run.reads(Offset.Status, RUNNING)]).toEqual([null, null]);
  });

  it("tells of an event, with the tail and the entry", () => {
    const run = new Run();
    expect(run.request("read", Effect.blocked, 1)).toBeNull();
    expect(run.reads(Offset.Status, RUNNING | StatusBit.EventLogInt)).toBeNull();
    expect([run.reads(Offset.EvtTail, 0x10), run.reads(Offset.EvtTail, 0)]).toEqual([null, "fault-record"]);
    expect(run.readsEvent(0, notPresent)).toBeNull();
    run.write(Offset.Status, StatusBit.EventLogInt);
    expect(run.reads(Offset.Status, RUNNING)).toBeNull();
  });

  it("software empties the log and starts it again", () => {
    const run = new Run().write(Offset.EvtHead, 0x10);
    expect(run.request("read", Effect.blocked, 1)).toBeNull();
    expect(run.reads(Offset.Status, StatusBit.CmdBufRun | StatusBit.EventOverflow)).toBeNull();
    run.write(Offset.Control, ON & ~ControlBit.EventLogEn).write(Offset.Status, StatusBit.EventOverflow);
    run.write(Offset.EvtBase, LOG << 12, LENGTH_8).write(Offset.Control, ON);
    expect([run.reads(Offset.EvtHead, 0), run.reads(Offset.EvtTail, 0)]).toEqual([null, null]);
    expect(run.request("read", Effect.blocked, 1)).toBeNull();
    expect(run.reads(Offset.EvtTail, 0x10)).toBeNull();
  });

  it("EvtTail is for a log that does not run", () => {
    expect(() => new Run().write(Offset.EvtTail, 0x10)).toThrow(OutsideModel);
    const run = new Run().write(Offset.Control, ON & ~ControlBit.EventLogEn).write(Offset.EvtTail, 0x20);
    expect(run.reads(Offset.EvtTail, 0x20)).toBeNull();
  });

  it("a ring with a reserved length cannot be used", () => {
    const run = new Run("zen1", "reset");
    expect(() => run.write(Offset.Control, ControlBit.EventLogEn)).toThrow(OutsideModel);
    const other = new Run("zen1", "reset").write(Offset.EvtBase, LOG << 12, LENGTH_8);
    expect(() => other.write(Offset.Control, ON)).toThrow(OutsideModel);
  });
});

describe("2.5.6 an illegal command", () => {
  const error = illegalCommandEvent({ page: COMMANDS, offset: 0x10 });

  it("stops the buffer there, at some time, and is logged", () => {
    const run = new Run().submit(devtabEntry(A), ILLEGAL, devtabEntry(B));
    expect(run.reads(Offset.Status, RUNNING)).toBeNull();
    expect(run.polls(Offset.Status, StatusBit.CmdBufRun, 0)).toBeNull();
    expect([
      run.reads(Offset.CmdHead, 0x20),
      run.reads(Offset.CmdHead, 0),
      run.reads(Offset.CmdHead, 0x10),
    ]).toEqual(["completion", "completion", null]);
    expect([run.reads(Offset.EvtTail, 0x10), run.readsEvent(0, error)]).toEqual([null, null]);
    expect(run.reads(Offset.Status, RUNNING)).toBe("completion");
  });

  it("must be found", () => {
    const run = new Run().submit(ILLEGAL);
    expect(run.polls(Offset.Status, StatusBit.CmdBufRun, 0, false)).toBe("completion");
  });

  it("is executed again from there after CmdBufEn 0 and 1, once it is corrected", () => {
    const run = new Run().submit(devtabEntry(A), ILLEGAL, waitStore(0, 7));
    expect(run.polls(Offset.Status, StatusBit.CmdBufRun, 0)).toBeNull();
    expect(run.pollsMemory(0, 7, false)).toBeNull();
    run.write(Offset.Control, ON & ~ControlBit.CmdBufEn);
    devtabEntry(B).forEach((word, at) => {
      run.store(COMMANDS, 2 + at, word);
    });
    run.write(Offset.Control, ON);
    expect([run.reads(Offset.Status, RUNNING | StatusBit.EventLogInt), run.pollsMemory(0, 7)]).toEqual([
      null,
      null,
    ]);
    expect(run.reads(Offset.CmdHead, 0x30)).toBeNull();
  });

  it("may be left behind by a new CmdBase", () => {
    const run = new Run().submit(ILLEGAL);
    expect(() => run.write(Offset.CmdBase, COMMANDS << 12, LENGTH_8)).toThrow(OutsideModel);
    expect(run.polls(Offset.Status, StatusBit.CmdBufRun, 0)).toBeNull();
    run.write(Offset.CmdBase, COMMANDS << 12, LENGTH_8);
    expect([run.reads(Offset.CmdHead, 0), run.reads(Offset.CmdTail, 0)]).toEqual([null, null]);
    run.write(Offset.Control, ON & ~ControlBit.CmdBufEn).rewind();
    run.put(waitStore(0, 9)).write(Offset.Control, ON).write(Offset.CmdTail, 0x10);
    expect(run.pollsMemory(0, 9)).toBeNull();
  });
});

describe("writes that the specification says nothing of", () => {
  it("CmdBase and CmdHead while the buffer runs, and a tail beyond its end", () => {
    for (const offset of [Offset.CmdBase, Offset.CmdHead])
      expect(() => new Run().write(offset, 0)).toThrow(OutsideModel);
    expect(() => new Run().write(Offset.CmdTail, 256 << 4)).toThrow(OutsideModel);
  });

  it("a command that may not have been fetched is overwritten", () => {
    const run = new Run().submit(devtabEntry(A));
    expect(() => run.store(COMMANDS, 0, NOTHING)).toThrow(OutsideModel);
    const fetched = new Run().submit(devtabEntry(A));
    expect(fetched.reads(Offset.CmdHead, 0x10)).toBeNull();
    expect(fetched.store(COMMANDS, 0, NOTHING).may("read")).toEqual(["old"]);
  });

  it("a stopped buffer may be moved, or go on where its head was seen", () => {
    const stop = () => new Run().submit(waitStore(0, 7)).write(Offset.Control, ON & ~ControlBit.CmdBufEn);
    const lost = stop().store(COMMANDS, 0, NOTHING);
    expect(() => lost.write(Offset.Control, ON)).toThrow(OutsideModel);
    const moved = stop()
      .write(Offset.CmdBase, COMMANDS << 12, LENGTH_8)
      .store(COMMANDS, 0, NOTHING);
    moved.write(Offset.Control, ON);
    expect([moved.pollsMemory(0, 7, false), moved.pollsMemory(0, 7)]).toEqual([null, null]);
    const same = stop().write(Offset.Control, ON);
    expect(same.pollsMemory(0, 7, false)).toBe("completion");
  });

  it("a device writes to a command that may not have been fetched, or to the log", () => {
    const run = new Run().holdsEntry(B, deviceEntry({ Mode: 0 }));
    expect(run.request("read", Effect.blocked, 1)).toBeNull();
    expect([run.request("read", LOG, LOG, B), run.request("write", LOG, LOG, B)]).toEqual([null, null]);
    expect(run.reads(Offset.EvtTail, 0x10)).toBeNull();
    expect(run.request("write", COMMANDS, COMMANDS, B)).toBeNull();
    run.submit(devtabEntry(A));
    expect(() => run.request("write", COMMANDS, COMMANDS, B)).toThrow(OutsideModel);
  });
});
