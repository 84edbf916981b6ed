/** The event log as software can know it: what reads of it may show after blocked requests (AMD-Vi 2.5). */
import { beforeEach, describe, expect, it } from "vitest";
import { OutsideModel } from "../finding.js";
import type { Request, Word } from "../trace.js";
import { Coverage, type Rule } from "../words/rule.js";
import { amdViRules, commandRules, eventRules } from "./behaviour-rules.js";
import type { DeviceEntry } from "./event-contents.js";
import type { Event } from "./event-log.js";
import { EventView } from "./event-view.js";
import { eventOf, illegalCommandEvent } from "./events.js";
import { StatusBit } from "./registers.js";
import { type AmdViFaultRule, faultRules } from "./rules.js";

const LOG = 12;
const DEVICE = 0x21;
const TAIL = 0x7fff0;
const ZERO: Word = { low: 0, high: 0 };
const read: Request = { requester: DEVICE, page: 0x100, offset: 8, length: 4, type: "read" };
const write: Request = { ...read, type: "write" };
const {
  notPresent,
  tablePermission,
  deviceReserved,
  translationValid,
  tableFetch,
  deviceFetch,
  deviceIdOutOfTable,
} = faultRules;

let coverage: Coverage;
let entries: DeviceEntry[];
let readSince: number;
let view: EventView;
let now: number;

beforeEach(() => {
  coverage = new Coverage(amdViRules);
  entries = [{ domainId: 5, suppressesFurther: false }];
  readSince = 0;
  now = 0;
  const place = () => ({ page: 1, offset: DEVICE * 32 });
  const devices = {
    of: () => entries,
    readSince: () => readSince,
    lastInvalidation: () => now,
    domainIds: () => [5],
    place,
  };
  view = new EventView(devices, coverage);
  view.reset(true, LOG);
});

const outcomes = (...rules: (AmdViFaultRule | null)[]) => rules.map((rule) => ({ rule, recorded: true }));
const blocked = (request: Request, ...rules: (AmdViFaultRule | null)[]) =>
  view.outcome(request, outcomes(...rules), ++now);
/** Software reads an entry of the log. */
const sees = (index: number, [first, second]: readonly Word[]) =>
  view.sawWord(LOG, index * 2, first!, ZERO) ?? view.sawWord(LOG, index * 2 + 1, second!, ZERO);
const seesTail = (index: number) => view.sawTail(index * 16, 0xffffffff);
const seesStatus = (bits: number, mask = 0x1b) => view.sawStatus(bits, mask);
const RUNNING = StatusBit.EventLogRun | StatusBit.CmdBufRun;
const hits = (rule: Rule) => coverage.countOf(rule);
const withoutRights = eventOf(tablePermission, read, 5);

describe("what is logged", () => {
  it("one entry for each blocked request, in order", () => {
    blocked(read, tablePermission);
    blocked(write, deviceReserved);
    expect(seesTail(2)).toBeNull();
    expect(sees(0, withoutRights)).toBeNull();
    expect(sees(1, eventOf(deviceReserved, write, 5))).toBeNull();
    expect(hits(eventRules.record)).toBe(2);
  });

  it("nothing before the first blocked request, nor for one that is served", () => {
    blocked(read, null);
    expect(seesTail(0)).toBeNull();
    expect(seesTail(1)?.kind).toBe("fault-record");
    expect(sees(0, [ZERO, ZERO])).toBeNull();
    expect(sees(0, withoutRights)?.kind).toBe("fault-record");
  });

  it("an event of another device, address, right or code is none that may be logged", () => {
    blocked(read, tablePermission);
    for (const other of [
      eventOf(tablePermission, { ...read, requester: 1 }, 5),
      eventOf(tablePermission, { ...read, offset: 12 }, 5),
      eventOf(tablePermission, write, 5),
      eventOf(tablePermission, read, 6),
      eventOf(deviceReserved, read, 5),
    ])
      expect(sees(0, other)?.kind).toBe("fault-record");
    expect(sees(0, withoutRights)).toBeNull();
  });

  it("without anything that was present, RW may be either", () => {
    blocked(read, notPresent);
    blocked(read, notPresent);
    expect(sees(0, eventOf(notPresent, read, 5))).toBeNull();
    expect(sees(1, eventOf(notPresent, write, 5))).toBeNull();
    expect(sees(0, eventOf(notPresent, write, 5))?.kind).toBe("fault-record");
  });

  it("an entry without valid translation fields is reported with its DomainID or none, one out of the table with none", () => {
    blocked(read, translationValid);
    blocked(read, translationValid);
    blocked(read, deviceIdOutOfTable);
    expect(sees(0, eventOf(translationValid, read, 5))).toBeNull();
    expect(sees(1, eventOf(translationValid, read, 0))).toBeNull();
    expect(sees(2, eventOf(deviceIdOutOfTable, read, 5))?.kind).toBe("fault-record");
    expect(sees(2, eventOf(deviceIdOutOfTable, read, 0))).toBeNull();
  });

  it("a hardware error may be a master or a target abort, at an address that is not foreseen but stays", () => {
    blocked(read, tableFetch);
    const [first] = eventOf(tableFetch, read, 5) as [Word];
    const target = { low: first.low, high: (first.high ^ 0x06000000) >>> 0 };
    expect(view.sawWord(LOG, 1, { low: 0x77000, high: 0 }, ZERO)).toBeNull();
    expect(view.sawWord(LOG, 1, { low: 0x78000, high: 0 }, ZERO)?.kind).toBe("fault-record");
    expect(view.sawWord(LOG, 0, target, ZERO)).toBeNull();
    expect(view.sawWord(LOG, 0, first, ZERO)?.kind).toBe("fault-record");
  });

  it("a device table entry that cannot be read is reported with its address", () => {
    blocked(read, deviceFetch);
    expect(sees(0, eventOf(deviceFetch, read, 0, { page: 2, offset: 0 }))?.kind).toBe("fault-record");
    expect(sees(0, eventOf(deviceFetch, read, 0, { page: 1, offset: DEVICE * 32 }))).toBeNull();
  });

  it("where several outcomes show the same, reading one entry decides what the other word is", () => {
    blocked(read, tablePermission, notPresent);
    const [first] = eventOf(notPresent, read, 5) as [Word];
    expect(view.sawWord(LOG, 0, first, ZERO)).toBeNull();
    expect(sees(0, withoutRights)?.kind).toBe("fault-record");
  });

  it("where one of them is not blocked, the tail tells whether an event was logged", () => {
    blocked(read, tablePermission, null);
    blocked(write, deviceReserved);
    expect(sees(0, eventOf(deviceReserved, write, 5))).toBeNull();
    expect(seesTail(2)?.kind).toBe("fault-record");
    expect(seesTail(1)).toBeNull();
  });

  it("of very many undecided requests any that are as many as the tail says may be in the log", () => {
    for (let count = 0; count < 12; count++) blocked(read, tablePermission, null);
    blocked(write, deviceReserved);
    expect(seesTail(14)?.kind).toBe("fault-record");
    expect(seesTail(5)).toBeNull();
    expect(sees(3, withoutRights)).toBeNull();
    expect(sees(4, eventOf(deviceReserved, write, 5))).toBeNull();
  });

  it("of very many undecided requests, an entry that was read decides which may be in the next", () => {
    const at = (offset: number): Request => ({ ...read, offset: offset * 8 });
    const eventAt = (offset: number) => eventOf(tablePermission, at(offset), 5);
    for (let offset = 0; offset < 12; offset++) blocked(at(offset), tablePermission, null);
    expect(seesTail(3)).toBeNull();
    expect(sees(1, eventAt(6))).toBeNull();
    expect(sees(2, eventAt(6))?.kind).toBe("fault-record");
    expect(sees(0, eventAt(8))?.kind).toBe("fault-record");
    expect(sees(2, eventAt(11))).toBeNull();
    expect(sees(0, eventAt(5))).toBeNull();
  });

  it("entries are known after the log was gone through many times", () => {
    for (let count = 0; count < 2100; count++) {
      blocked({ ...read, offset: (count % 512) * 8 }, tablePermission);
      view.writeHead((count + 1) % 256);
    }
    expect(seesTail(2100 % 256)).toBeNull();
    const eventAt = (count: number) => eventOf(tablePermission, { ...read, offset: (count % 512) * 8 }, 5);
    expect(sees(2099 % 256, eventAt(2099))).toBeNull();
    expect(sees(2100 % 256, eventAt(2100))?.kind).toBe("fault-record");
    expect(sees(2100 % 256, eventAt(2100 - 256))).toBeNull();
  });

  it("what a device writes over an entry is not foreseen", () => {
    blocked(read, tablePermission);
    view.spoil(LOG, 0);
    expect(sees(0, [{ low: 7, high: 7 }, ZERO])).toBeNull();
  });
});

describe("suppression", () => {
  it("with SA = 1 nothing is logged", () => {
    view.outcome(read, [{ rule: notPresent, recorded: false }], ++now);
    expect(seesTail(1)?.kind).toBe("fault-record");
    expect(seesTail(0)).toBeNull();
    expect(hits(eventRules.suppressAll)).toBe(1);
  });

  it("with SE = 1 the first page fault is logged, the next may be", () => {
    entries = [{ domainId: 5, suppressesFurther: true }];
    blocked(read, tablePermission);
    expect(seesTail(0)?.kind).toBe("fault-record");
    blocked(read, tablePermission);
    blocked(read, tablePermission);
    expect(seesTail(2)).toBeNull();
    expect(hits(eventRules.suppressFurther)).toBeGreaterThan(0);
  });

  it("once the device table entry must have been read again, the next one is logged", () => {
    entries = [{ domainId: 5, suppressesFurther: true }];
    blocked(read, tablePermission);
    readSince = ++now;
    blocked(read, tablePermission);
    expect(seesTail(1)?.kind).toBe("fault-record");
    expect(seesTail(2)).toBeNull();
  });

  it("SE does not concern other events", () => {
    entries = [{ domainId: 5, suppressesFurther: true }];
    blocked(read, deviceReserved);
    blocked(read, deviceReserved);
    expect(seesTail(1)?.kind).toBe("fault-record");
  });
});

describe("status and overflow", () => {
  /** Two entries are free, then one. */
  const nearlyFull = () => view.writeHead(2);

  it("EventLogInt must be set by an event when EventIntEn is 1, else may be, and stays until it is cleared", () => {
    blocked(read, tablePermission);
    expect(seesStatus(RUNNING)).toBeNull();
    view.control(true, true);
    blocked(read, tablePermission);
    expect(seesStatus(RUNNING)?.kind).toBe("fault-record");
    expect(seesStatus(RUNNING | StatusBit.EventLogInt)).toBeNull();
    view.clearStatus(StatusBit.EventLogInt);
    expect(seesStatus(RUNNING | StatusBit.EventLogInt)?.kind).toBe("fault-record");
    expect(seesStatus(RUNNING)).toBeNull();
  });

  it("an event without room is lost and stops the log until it is enabled again", () => {
    nearlyFull();
    blocked(read, tablePermission);
    expect(seesStatus(RUNNING)).toBeNull();
    blocked(read, tablePermission);
    expect(seesStatus(RUNNING)?.kind).toBe("fault-record");
    expect(seesStatus(StatusBit.EventOverflow | StatusBit.CmdBufRun)).toBeNull();
    expect(hits(eventRules.overflow)).toBe(1);
    view.writeHead(1);
    view.clearStatus(StatusBit.EventOverflow);
    blocked(read, tablePermission);
    expect(seesTail(1)).toBeNull();
    view.control(false, false);
    view.control(true, false);
    blocked(read, tablePermission);
    expect(seesTail(2)).toBeNull();
    expect(hits(eventRules.start)).toBe(1);
  });

  it("while EventOverflow is 1 events are dropped, and EventLogEn does not start the log", () => {
    nearlyFull();
    for (let count = 0; count < 3; count++) blocked(read, tablePermission);
    expect(hits(eventRules.dropped)).toBe(1);
    view.control(false, false);
    view.control(true, false);
    expect(seesStatus(StatusBit.EventOverflow | StatusBit.CmdBufRun)).toBeNull();
    view.clearStatus(StatusBit.EventOverflow);
    expect(seesStatus(StatusBit.CmdBufRun)).toBeNull();
  });

  it("while the log is off nothing is logged", () => {
    view.control(false, false);
    blocked(read, tablePermission);
    expect(hits(eventRules.disabled)).toBe(1);
    expect(seesTail(0)).toBeNull();
    expect(seesStatus(StatusBit.CmdBufRun)).toBeNull();
  });

  it("a new base starts the log at its first entry; what was logged elsewhere stays", () => {
    blocked(read, tablePermission, null);
    expect(() => view.writeBase(LOG + 1, 256)).toThrow(OutsideModel);
    view.control(false, false);
    view.writeBase(LOG + 1, 256);
    view.control(true, false);
    blocked(write, deviceReserved);
    expect(seesTail(1)).toBeNull();
    expect(view.covers(LOG + 1)).toBe(true);
    expect(view.mayHold(LOG)).toBe(true);
    expect(view.sawWord(LOG + 1, 0, eventOf(deviceReserved, write, 5)[0]!, ZERO)).toBeNull();
  });

  it("the tail wraps at the end of the log, over what software has read", () => {
    view.writeHead(100);
    view.control(false, false);
    view.writeTail(255);
    view.control(true, false);
    blocked(read, tablePermission);
    expect(sees(255, withoutRights)).toBeNull();
    expect(seesTail(0)).toBeNull();
    blocked(write, deviceReserved);
    expect(sees(0, eventOf(deviceReserved, write, 5))).toBeNull();
  });

  it("head and tail beyond the log are not specified", () => {
    expect(() => view.writeHead(256)).toThrow(OutsideModel);
    view.control(false, false);
    expect(() => view.writeTail(256)).toThrow(OutsideModel);
  });

  it("a word that software has cleared reads zero until the next event there", () => {
    blocked(read, tablePermission);
    view.store(LOG, 0, ZERO);
    expect(view.sawWord(LOG, 0, ZERO, ZERO)).toBeNull();
    expect(view.sawWord(LOG, 1, withoutRights[1]!, ZERO)).toBeNull();
    expect(sees(0, withoutRights)?.kind).toBe("fault-record");
  });
});

describe("an illegal command", () => {
  const error = illegalCommandEvent({ page: 10, offset: 0x30 });
  const illegal = () => view.illegalCommand([error[0]!, error[1]!] as Event);

  it("is found at any time, until it is seen to be: before or behind the events of requests", () => {
    illegal();
    expect(seesStatus(RUNNING)).toBeNull();
    blocked(read, tablePermission);
    expect(seesTail(2)).toBeNull();
    expect(sees(1, withoutRights)).toBeNull();
    expect(sees(0, error)).toBeNull();
    expect(view.halted).toBe(true);
    expect(seesStatus(RUNNING)?.kind).toBe("completion");
    expect(seesStatus(StatusBit.EventLogRun)).toBeNull();
  });

  it("is in the log when CmdBufRun is seen to be 0", () => {
    illegal();
    expect(seesStatus(StatusBit.EventLogRun)).toBeNull();
    expect(hits(commandRules.halt)).toBe(1);
    expect(seesTail(0)?.kind).toBe("fault-record");
    expect(sees(0, error)).toBeNull();
  });

  it("is not in the log when CmdBufRun is seen to be 1", () => {
    illegal();
    blocked(read, tablePermission);
    expect(seesStatus(RUNNING)).toBeNull();
    expect(seesTail(2)).toBeNull();
    expect(sees(1, error)).toBeNull();
  });

  it("CmdBufRun is not 0 without one", () => {
    expect(seesStatus(StatusBit.EventLogRun)?.kind).toBe("completion");
  });

  it("must be found in the end", () => {
    illegal();
    expect(view.comesTo(0, StatusBit.CmdBufRun)).toBe(true);
    expect(view.comesTo(StatusBit.CmdBufRun, StatusBit.CmdBufRun)).toBe(false);
    expect(view.tailComesTo(0x10, TAIL)).toBe(true);
    expect(view.tailComesTo(0, TAIL)).toBe(false);
  });

  it("was found or not when the command buffer is stopped before that is seen, and is not found later", () => {
    illegal();
    view.commands(false);
    view.commandsRestartable();
    blocked(read, tablePermission);
    expect(sees(0, withoutRights)).toBeNull();
    expect(seesTail(1)).toBeNull();
    view.commands(true);
    expect(seesStatus(RUNNING)).toBeNull();
    expect(seesTail(1)).toBeNull();
  });
});
