import { describe, expect, it } from "vitest";
import { dataPages, tablePages, vtdPlaces } from "../../generators/places.js";
import type { RunSetup } from "../../implementations/iommu/interface.js";
import { platformNamed } from "../../model/architectures.js";
import type { Finding } from "../../model/finding.js";
import type { Action } from "../../model/trace.js";
import { Offset } from "../../model/vtd/registers.js";
import { requesterId } from "../../model/words/address.js";
import { Admissible } from "./admissible.js";
import { Follower } from "./recording.js";
import { showPattern } from "./values.js";

const device = requesterId(0, 4, 0);
const setup: RunSetup = {
  profile: platformNamed("qemu-48"),
  start: "translating",
  requesters: [device],
  dataPages,
  tablePages,
  timing: 0,
  rootPage: vtdPlaces.roots[0]!,
  rootPages: 1,
  queuePage: vtdPlaces.queuePage,
  logPage: null,
};
const finding: Finding = { kind: "register", action: 0, rules: [], message: "", witness: [] };
const blocked: Action = {
  do: "request",
  request: { requester: device, page: 4096, offset: 8, length: 8, type: "write" },
  slot: 1,
};

type ReadAction = Parameters<Admissible["valuesOf"]>[0];

/** What may be read behind requests that had no effect. */
function shown(
  before: readonly Action[],
  action: ReadAction,
  seen = { low: 0, high: 0 },
): string[] | undefined {
  const observations = before.map(() => ({ low: -2, high: 0 }));
  const admissible = new Admissible(new Follower(setup, []), { actions: before, observations });
  return admissible.valuesOf(action, seen, finding)?.map(showPattern);
}

const readFaults: ReadAction = { do: "read-register", offset: Offset.FSTS, width: 4 };

describe("what a conforming unit may show", () => {
  it("in a register whose value is certain, is that value", () => {
    expect(shown([], { do: "read-register", offset: Offset.IQA, width: 8 })).toEqual(["0x2002000"]);
    expect(shown([], { do: "read-register", offset: Offset.GSTS, width: 4 })).toEqual([
      "0xc4000000 under mask 0xcc000000",
    ]);
  });

  it("in a register with bits that may be anything, is what the other bits are", () => {
    expect(shown([], readFaults)).toEqual(["0x0 under mask 0x13"]);
    expect(shown([blocked], readFaults)).toEqual(["0x2 under mask 0xff13"]);
  });

  it("in a record of a fault, is all that the fault says", () => {
    const record: ReadAction = { do: "read-register", offset: 0x228, width: 8 };
    expect(shown([blocked], record)).toEqual(["0x8000000100000020"]);
  });

  it("where software waits, is what it waits for, or no more than what it waited for too early", () => {
    const poll: ReadAction = { do: "poll-register", offset: Offset.FSTS, mask: 0x10, value: 0x10 };
    expect(shown([], poll)).toEqual(["0x10 under mask 0x10"]);
    expect(shown([], poll, { low: 1, high: 0 })).toEqual(["0x0 under mask 0x10"]);
    const status: ReadAction = { do: "poll-memory", page: 0x2003, word: 0, value: 1 };
    expect(shown([], status)).toEqual(["0x1"]);
    expect(shown([], status, { low: 1, high: 0 })).toBe(undefined);
  });

  it("of a request, are the effects of its outcomes", () => {
    const admissible = new Admissible(new Follower(setup, []), { actions: [], observations: [] });
    expect(admissible.effectsOf(blocked as Action & { do: "request" })).toEqual([-1]);
  });
});
