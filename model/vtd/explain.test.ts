import { describe, expect, it } from "vitest";
import { Effect } from "../trace.js";
import { explainEffect } from "../windows/explain.js";
import { A, B, contextOf, pageOf, Software } from "./software.testing.js";

const PAGE = 0x100;

/**
 * Both functions have had domain id 5: 00:04.0 has empty tables, those of 00:05.0 map address 0. Nothing drains writes, so
 * that the old entries are not forgotten.
 */
function explained(...other: Parameters<typeof contextOf>) {
  const software = new Software().says({ event: "assign", requester: B, domain: "d" });
  software.tables(0x20);
  software
    .says({ event: "grant", domain: "d", iova: 0, page: PAGE, pages: 1, access: 3 })
    .map(software.tables(0x10), 0, PAGE)
    .context(B, 0x10, other[0])
    .noContext(B)
    .flush(contextOf(...other), pageOf(other[0], 0, { drain: 0 }))
    .context(A, 0x20, 5);
  const request = { requester: A, page: 0, offset: 0, length: 4, type: "read" } as const;
  expect(software.finding).toBeNull();
  expect(software.model.answers(A, 0, "read").pages).toEqual([]);
  return (effect: number) =>
    explainEffect(software.model.oracle, request, effect, software.judge.lastAction + 1);
}

describe("what no admissible chain gives", () => {
  it("is explained by the entries of a function that has had the same domain id", () => {
    const { everReachable, rules, lines } = explained(5, B)(PAGE);
    expect([everReachable, rules]).toEqual([true, []]);
    expect([lines[0], lines[2], ...lines.slice(-2)]).toEqual([
      "by entries that were filled for 00:05.0, under domain 5 of both:",
      "context entry at 0x2280: 0x00000000_00010001, stored by action 10, replaced by action 11",
      "level-1 entry at 0x13000: 0x00000000_00100003, stored by action 8, still there",
      "the old context entry is ruled out by the context-cache invalidation of 00:05.0 in domain 5 submitted through " +
        "the queue at action 17 and seen complete at action 21",
    ]);
  });

  it("is not explained by a function that has had another", () => {
    const explanation = explained(6, B)(PAGE);
    expect(explanation.everReachable).toBe(false);
    expect(explanation.rules).toEqual(["vtd.second-stage.read-permission"]);
    const { entries, leads } = explanation.evidence;
    expect(leads).toBe(false);
    expect(entries.map((one) => [one.name, one.page])).toEqual([
      ["root entry", 1],
      ["context entry", 2],
      ["level-4 entry", 0x20],
      ["level-3 entry", 0x21],
      ["level-2 entry", 0x22],
      ["level-1 entry", 0x23],
    ]);
    expect(explained(5, B)(Effect.interrupt).everReachable).toBe(false);
  });
});
