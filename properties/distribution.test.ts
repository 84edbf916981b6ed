import { describe, expect, it } from "vitest";
import { defaultOptions, generateScenario } from "../generators/generate.js";
import type { TraceRecord } from "../model/isolation/events.js";
import { Effect, type RequestType } from "../model/trace.js";
import { added, addedDistributions, DistributionCounter } from "./distribution.js";
import { recorded } from "./subject.js";

function request(type: RequestType, low: number): TraceRecord {
  const request = { requester: 0x20, page: 1, offset: 0, length: 4, type };
  return { action: { do: "request", request, slot: 1 }, seen: { low, high: 0 } };
}

describe("what scenarios were like", () => {
  it("is counted group by group", () => {
    const scenario = generateScenario(1, defaultOptions("vtd"));
    const counter = new DistributionCounter();
    counter.note(scenario, recorded([]));
    counter.note(scenario, recorded([]));
    const counts = counter.counts();
    expect(counts.get("profile")).toEqual(new Map([[scenario.profile, 2]]));
    expect(counts.get("start")).toEqual(new Map([[scenario.start, 2]]));
    expect(counts.get("number of steps")).toEqual(new Map([[String(scenario.steps.length), 2]]));
    const steps = [...counts.get("kind of step")!.values()].reduce((sum, one) => sum + one, 0);
    expect(steps).toBe(2 * scenario.steps.length);
  });

  it("tells requests by type and by how they ended", () => {
    const counter = new DistributionCounter();
    const ends = [0, 0x1000, Effect.blocked, Effect.nowhere, Effect.interrupt, Effect.done];
    const event = { event: "ready" } as const;
    const requests = [
      ...ends.map((end) => request("write", end)),
      request("zero-length-read", Effect.blocked),
    ];
    counter.note(generateScenario(1, defaultOptions("amdvi")), recorded([event, ...requests]));
    expect(Object.fromEntries(counter.counts().get("request")!)).toEqual({
      "write, served": 2,
      "write, blocked": 1,
      "write, without effect": 1,
      "write, to the interrupt unit": 1,
      "write, done without memory": 1,
      "zero-length-read, blocked": 1,
    });
  });

  it("of several shares is added up", () => {
    const one = new Map([["profile", new Map([["a", 1]])]]);
    const other = new Map([
      [
        "profile",
        new Map([
          ["a", 2],
          ["b", 1],
        ]),
      ],
      ["start", new Map([["reset", 4]])],
    ]);
    expect(addedDistributions([one, other])).toEqual(
      new Map([
        [
          "profile",
          new Map([
            ["a", 3],
            ["b", 1],
          ]),
        ],
        ["start", new Map([["reset", 4]])],
      ]),
    );
    expect(added([])).toEqual(new Map());
  });
});
