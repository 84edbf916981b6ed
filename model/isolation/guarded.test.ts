/** Memory that is guarded by registers: what uncovers it changes no table, so that no reach is new to anybody. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Action, Observation } from "../trace.js";
import type { Answers, ExposureModel, GrantCheck, Reach, Witness } from "./exposure.js";
import { IsolationJudge } from "./judge.js";

const REQUESTER = 8;
const FIRST = 0x2000;
const PAGES = 4;
const NOTHING: Observation = { low: 0, high: 0 };

/** A unit that lets everybody at one page, without a table that says so. */
class OpenUnit implements ExposureModel {
  readonly touched = [];
  readonly linked = [];
  readonly requesters = [REQUESTER];
  protecting = false;
  open: number | null = null;
  /** What was asked for: pages from the first on. */
  readonly asked: string[] = [];

  perform(): null {
    return null;
  }
  addedReach(): null {
    return null;
  }
  reachTo(page: number, pages: number, access: number, granted: GrantCheck): Reach | null {
    this.asked.push(`${page.toString(16)}+${pages} access ${access}`);
    const { open } = this;
    if (open === null || open < page || open >= page + pages || !granted(REQUESTER, open, 1, 2)) return null;
    return { requester: REQUESTER, iova: open, page: open, pages: 1, access: 2, way: "request" };
  }
  reachOf(): null {
    return null;
  }
  tableReach(): null {
    return null;
  }
  exposure(): Reach[] {
    return [];
  }
  answers(): Answers {
    return { pages: [], faults: [], invalid: false };
  }
  witness(reach: Reach): Witness {
    return { reach, links: [], filledThrough: null, excuse: null, current: true };
  }
}

let unit: OpenUnit;
let judge: IsolationJudge;

beforeEach(() => {
  unit = new OpenUnit();
  judge = new IsolationJudge(unit);
  judge.hear({ event: "protect", page: FIRST, pages: PAGES });
  judge.hear({ event: "protect", page: 0x9000, pages: 1 });
});

const REGISTER_ACTIONS: readonly Action[] = [
  { do: "write-register", offset: 0x64, width: 4, low: 0, high: 0 },
  { do: "read-register", offset: 0x64, width: 4 },
  { do: "poll-register", offset: 0x64, mask: 1, value: 0 },
];

describe("guarded memory", () => {
  it.each(REGISTER_ACTIONS)("is looked at again when a register is touched: $do", (action) => {
    expect(judge.hear({ event: "guard", page: FIRST, pages: PAGES })).toBeNull();
    expect(judge.perform(action, NOTHING)).toBeNull();
    unit.open = FIRST + PAGES - 1;
    expect(judge.perform(action, NOTHING)?.kind).toBe("own-memory");
  });

  it("is not by a store, which changes no register", () => {
    judge.hear({ event: "guard", page: FIRST, pages: PAGES });
    unit.open = FIRST;
    unit.asked.length = 0;
    expect(judge.perform({ do: "store", page: 1, word: 0, low: 0, high: 0 }, NOTHING)).toBeNull();
    expect(unit.asked).toEqual([]);
  });

  it("is every run that was guarded, with both rights, and no page beside them", () => {
    judge.hear({ event: "guard", page: FIRST, pages: PAGES });
    judge.hear({ event: "guard", page: 0x9000, pages: 1 });
    unit.asked.length = 0;
    unit.open = FIRST + PAGES;
    expect(judge.perform(REGISTER_ACTIONS[0]!, NOTHING)).toBeNull();
    expect(unit.asked).toEqual(["2000+4 access 3", "9000+1 access 3"]);
    unit.open = 0x9000;
    expect(judge.perform(REGISTER_ACTIONS[0]!, NOTHING)?.kind).toBe("own-memory");
  });

  it("is nothing of its own once all units are on", () => {
    judge.hear({ event: "guard", page: FIRST, pages: PAGES });
    unit.protecting = true;
    expect(judge.hear({ event: "ready" })).toBeNull();
    unit.asked.length = 0;
    judge.perform(REGISTER_ACTIONS[0]!, NOTHING);
    expect(unit.asked).toEqual([]);
  });
});
