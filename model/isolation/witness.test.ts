import { describe, expect, it } from "vitest";
import type { Witness, WitnessLink } from "./exposure.js";
import { describeWitness, excuseRules, rulesOf } from "./witness.js";

const LINK: WitnessLink = {
  name: "upper entry",
  part: "table",
  level: 1,
  page: 0x12,
  word: 3,
  low: 0x13003,
  high: 1,
  storedBy: -1,
  replacedBy: null,
  excuse: null,
};
const OLD: WitnessLink = {
  ...LINK,
  name: "lower entry",
  storedBy: 4,
  replacedBy: 6,
  excuse: { kind: "not-complete", text: "action 7 was not waited for" },
};
const WITNESS: Witness = {
  reach: { requester: 0x28, iova: 0, page: 0x100, pages: 1, access: 1, way: "request" },
  links: [LINK, OLD],
  filledThrough: null,
  excuse: null,
  current: false,
};

describe("the text of a witness", () => {
  it("has a line for each entry and one for what keeps it in use", () => {
    expect(describeWitness(WITNESS)).toEqual([
      "upper entry at 0x12018: 0x00000001_00013003, from the start, still there",
      "lower entry at 0x12018: 0x00000001_00013003, stored by action 4, replaced by action 6",
      "  action 7 was not waited for",
    ]);
  });

  it("tells where entries were cached for another requester, and what keeps a write on its way", () => {
    const excuse = { kind: "no-draining", text: "nothing drained it" } as const;
    const lines = describeWitness({ ...WITNESS, links: [LINK], filledThrough: 0x20, excuse });
    expect(lines[0]).toBe(
      "00:05.0 is answered from what caches keep for 00:04.0, under a tag that both share:",
    );
    expect(lines.at(-1)).toBe("nothing drained it");
  });

  it("says so where no cache is needed, and leaves out the place of a register", () => {
    expect(
      describeWitness({ ...WITNESS, links: [{ ...LINK, name: "register", page: -1 }], current: true }),
    ).toEqual([
      "register: 0x00000001_00013003, from the start, still there",
      "no cache is needed: this is what the unit reads now",
    ]);
    expect(describeWitness({ ...WITNESS, links: [] })).toEqual([]);
  });
});

describe("the rules of a witness", () => {
  it("are those of its excuses, each once", () => {
    const excuse = { kind: "no-draining", text: "" } as const;
    expect(rulesOf({ ...WITNESS, links: [OLD, OLD], excuse })).toEqual([
      "isolation.not-complete",
      "isolation.no-draining",
    ]);
    expect(rulesOf({ ...WITNESS, links: [LINK] })).toEqual([]);
  });

  it("are named after the kinds", () => {
    for (const [kind, rule] of Object.entries(excuseRules)) expect(rule.id).toBe(`isolation.${kind}`);
    expect(Object.keys(excuseRules)).toHaveLength(10);
  });
});
