/** What the judge of software makes of reserved regions, guarded memory, and requester ids that come and go. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Finding } from "../finding.js";
import type { Action, Observation } from "../trace.js";
import type { Answers, ExposureModel, GrantCheck, Reach, Touched, Witness } from "./exposure.js";
import { IsolationJudge } from "./judge.js";

const [USB, CARD, OTHER] = [8, 16, 24];
const REGION = 0x1800;
const OWN = 0x2000;
const GUEST = 0x1000;
const NOTHING: Observation = { low: 0, high: 0 };
const READ: Action = { do: "read-register", offset: 0, width: 4 };

/** A unit that lets each requester at the pages of its list, each at its own address; all while it is off. */
class FakeUnit implements ExposureModel {
  readonly requesters = [USB, CARD, OTHER];
  readonly lists = new Map<number, Set<number>>(this.requesters.map((one) => [one, new Set()]));
  touched: readonly Touched[] = [];
  readonly linked: readonly number[] = [];
  enabled = false;

  get protecting(): boolean {
    return this.enabled;
  }

  protects(): boolean {
    return this.enabled;
  }

  perform(): Finding | null {
    this.touched = this.requesters.map((requester) => ({ requester, iova: 0, pages: 0x10000 }));
    return null;
  }

  private reaches(requester: number, page: number): boolean {
    return !this.enabled || this.lists.get(requester)!.has(page);
  }

  private search(pages: readonly number[], requesters: readonly number[], granted: GrantCheck): Reach | null {
    for (const requester of requesters)
      for (const page of pages)
        if (this.reaches(requester, page) && granted(requester, page, 1, 1))
          return { requester, iova: page, page, pages: 1, access: 1, way: "request" };
    return null;
  }

  addedReach(granted: GrantCheck): Reach | null {
    return this.search([GUEST, REGION, OWN], this.requesters, granted);
  }

  reachTo(page: number, _pages: number, _access: number, granted: GrantCheck): Reach | null {
    return this.search([page], this.requesters, granted);
  }

  reachOf(requester: number, granted: GrantCheck): Reach | null {
    return this.search([GUEST, REGION, OWN], [requester], granted);
  }

  tableReach(): Reach | null {
    return null;
  }

  exposure(): Reach[] {
    return [];
  }

  answers(requester: number, iova: number): Answers {
    return this.reaches(requester, iova)
      ? { pages: [iova], faults: [], invalid: false }
      : { pages: [], faults: ["blocked"], invalid: false };
  }

  witness(reach: Reach): Witness {
    return { reach, links: [], filledThrough: null, excuse: null, current: true };
  }
}

let unit: FakeUnit;
let judge: IsolationJudge;

beforeEach(() => {
  unit = new FakeUnit();
  judge = new IsolationJudge(unit);
  judge.hear({ event: "protect", page: OWN, pages: 1 });
});

function kindNow(): string | undefined {
  return judge.perform(READ, NOTHING)?.kind;
}

function reserve(requester: number): Finding | null {
  return judge.hear({ event: "reserve", requester, region: "region", page: REGION, pages: 1, access: 3 });
}

/** A guest has memory, and the card. */
function guestHasCard(): void {
  judge.hear({ event: "allocate", page: GUEST, pages: 1, owner: "guest" });
  judge.hear({ event: "grant", domain: "guest", iova: GUEST, page: GUEST, pages: 1, access: 3 });
  judge.hear({ event: "assign", requester: CARD, domain: "guest" });
}

describe("a reserved region", () => {
  it("is reached while translation is off", () => {
    expect(reserve(USB)).toBeNull();
    expect(kindNow()).toBeUndefined();
  });

  it("has to be reached from the moment translation is on, in the middle of an update too", () => {
    reserve(USB);
    judge.hear({ event: "update", begins: true });
    unit.enabled = true;
    expect(kindNow()).toBe("reserved");
  });

  it("may not be reached by anybody else", () => {
    reserve(USB);
    unit.lists.get(USB)!.add(REGION);
    unit.lists.get(OTHER)!.add(REGION);
    unit.enabled = true;
    expect(kindNow()).toBe("reserved");
  });

  it("is for all that share it, whatever domains they have beside", () => {
    reserve(USB);
    reserve(CARD);
    guestHasCard();
    unit.lists.get(USB)!.add(REGION);
    for (const page of [REGION, GUEST]) unit.lists.get(CARD)!.add(page);
    unit.enabled = true;
    expect(kindNow()).toBeUndefined();
    unit.lists.get(CARD)!.delete(REGION);
    expect(kindNow()).toBe("reserved");
  });

  it("need not be reached by a device that is to go", () => {
    reserve(USB);
    judge.hear({ event: "leave", requester: USB, domain: "region" });
    unit.enabled = true;
    expect(kindNow()).toBeUndefined();
  });
});

describe("guarded memory", () => {
  it("is out of reach although translation is off", () => {
    expect(judge.hear({ event: "guard", page: OWN, pages: 1 })?.kind).toBe("pre-boot");
  });

  it("is all that is owed then", () => {
    unit.enabled = true;
    expect(judge.hear({ event: "guard", page: OWN, pages: 1 })).toBeNull();
    unit.lists.get(USB)!.add(GUEST);
    unit.enabled = false;
    expect(kindNow()).toBe("pre-boot");
  });
});

describe("a unit that is off", () => {
  it("owes nothing before software says that all are on", () => {
    expect(kindNow()).toBeUndefined();
    expect(judge.hear({ event: "ready" })?.kind).toBe("pre-boot");
  });
});

describe("a requester id without a function", () => {
  beforeEach(() => {
    unit.enabled = true;
    guestHasCard();
    unit.lists.get(CARD)!.add(GUEST);
    judge.hear({ event: "ready" });
  });

  it("reaches nothing of what it had", () => {
    expect(kindNow()).toBeUndefined();
    expect(judge.hear({ event: "vacate", requester: CARD })?.kind).toBe("hot-plug");
  });

  it("starts with nothing when a function comes", () => {
    unit.lists.get(CARD)!.clear();
    expect(judge.hear({ event: "vacate", requester: CARD })).toBeNull();
    unit.lists.get(CARD)!.add(GUEST);
    expect(kindNow()).toBe("hot-plug");
    judge.hear({ event: "assign", requester: CARD, domain: "guest" });
    expect(kindNow()).toBeUndefined();
  });

  it("is a sibling's where it is that of a virtual function", () => {
    judge.hear({ event: "virtual", requester: OTHER });
    unit.lists.get(OTHER)!.add(GUEST);
    expect(kindNow()).toBe("sibling");
    judge.hear({ event: "vacate", requester: OTHER });
    expect(kindNow()).toBe("sibling");
  });
});
