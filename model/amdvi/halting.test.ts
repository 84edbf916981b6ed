/** What software can know of a command buffer that an illegal command stops (AMD-Vi 2.4.1): it is not told when. */
import { beforeEach, describe, expect, it } from "vitest";
import { Coverage } from "../words/rule.js";
import { amdViRules } from "./behaviour-rules.js";
import { EventView } from "./event-view.js";
import { StatusBit } from "./registers.js";

const LOG = 12;
const { CmdBufRun, EventLogInt, EventLogRun } = StatusBit;

let view: EventView;

beforeEach(() => {
  const devices = {
    of: () => [],
    readSince: () => 0,
    lastInvalidation: () => 0,
    domainIds: () => [],
    place: () => ({ page: 1, offset: 0 }),
  };
  view = new EventView(devices, new Coverage(amdViRules));
  view.reset(true, LOG);
  view.illegalCommand([
    { low: 0, high: 0x50000000 },
    { low: 0, high: 0 },
  ]);
});

describe("an illegal command that hardware comes to at some time", () => {
  it("has not been found before anything was seen", () => {
    expect(view.halted).toBe(false);
  });

  it("has been found or not after something happened: nobody knows", () => {
    view.clearStatus(EventLogInt);
    expect(view.halted).toBe(false);
    expect(view.sawStatus(EventLogRun | CmdBufRun, EventLogRun | CmdBufRun)).toBeNull();
    expect(view.halted).toBe(false);
  });

  it("has been found for certain once the buffer is seen stopped, or the event is in the log", () => {
    view.clearStatus(EventLogInt);
    expect(view.sawTail(0x10, 0x7fff0)).toBeNull();
    expect(view.halted).toBe(true);
  });

  it("has not been found while the tail has not moved", () => {
    view.clearStatus(EventLogInt);
    expect(view.sawTail(0, 0x7fff0)).toBeNull();
    expect(view.halted).toBe(false);
  });

  it("comes to be found: the tail moves, and the buffer does not run", () => {
    expect(view.tailComesTo(0x10, 0x7fff0)).toBe(true);
    expect(view.tailComesTo(0, 0x7fff0)).toBe(false);
    expect(view.comesTo(EventLogRun, EventLogRun | CmdBufRun)).toBe(true);
    expect(view.comesTo(EventLogRun | CmdBufRun, EventLogRun | CmdBufRun)).toBe(false);
  });

  it("is not come to while the buffer is stopped", () => {
    view.commands(false);
    view.clearStatus(0);
    expect(view.sawTail(0, 0x7fff0)).toBeNull();
    expect(view.tailComesTo(0, 0x7fff0)).toBe(true);
  });

  it("does not matter any more once the buffer may be started again", () => {
    view.clearStatus(EventLogInt);
    expect(view.sawTail(0x10, 0x7fff0)).toBeNull();
    view.commandsRestartable();
    expect(view.halted).toBe(false);
    expect(view.sawStatus(CmdBufRun, CmdBufRun)).toBeNull();
  });
});
