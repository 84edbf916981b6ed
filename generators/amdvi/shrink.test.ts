import { describe, expect, it } from "vitest";
import { isSmaller, simplerScenarios, sizeOf } from "../shrink.js";
import type { AmdViScenario, AmdViStep } from "./scenario.js";

const ATTACH = {
  do: "attach",
  device: "a",
  domain: "d0",
  type: "translated",
  access: "rw",
  suppress: "none",
  exclusion: false,
  writeBack: true,
} as const satisfies AmdViStep;
const MAP = {
  do: "map",
  mapping: "m0",
  domain: "d0",
  iova: 0x1000,
  page: 0x1001,
  size: "4K",
  access: "rw",
  skip: 0,
  writeBack: true,
} as const satisfies AmdViStep;
const DMA = {
  do: "dma",
  device: "a",
  iova: 0x1000,
  type: "read",
  length: 8,
  crossing: false,
} as const satisfies AmdViStep;

function scenario(steps: readonly AmdViStep[], part: Partial<AmdViScenario> = {}): AmdViScenario {
  return {
    format: "iommu-spec scenario 1",
    architecture: "amdvi",
    profile: "zen1",
    start: "translating",
    exclusion: null,
    timing: 1,
    devices: [{ name: "a", requester: 0x20 }],
    domains: [{ name: "d0", id: 1, levels: 1 }],
    steps: [...steps],
    ...part,
  };
}

/** Shrinks as long as the property holds. */
function smallest(from: AmdViScenario, holds: (one: AmdViScenario) => boolean): AmdViScenario {
  let found = from;
  for (;;) {
    let smaller: AmdViScenario | undefined;
    for (const one of simplerScenarios(found)) {
      if (one.architecture === "amdvi" && holds(one)) {
        smaller = one;
        break;
      }
    }
    if (!smaller) return found;
    expect(isSmaller(smaller, found)).toBe(true);
    found = smaller;
  }
}

const keepsKinds = (from: AmdViScenario) => (one: AmdViScenario) => one.steps.length === from.steps.length;

describe("smaller AMD-Vi scenarios", () => {
  it("every field of a step finds its simplest value", () => {
    const from = scenario(
      [
        {
          ...ATTACH,
          type: "blocked",
          access: "none",
          suppress: "repeated",
          exclusion: true,
          writeBack: false,
        },
        { ...MAP, size: "2G", skip: 3, access: "w" },
        { do: "wait", sign: "interrupt", flush: true },
        { do: "command-error", error: "feature" },
        { do: "set-device-table", table: "absent", pages: 1 },
        { do: "fill-event-log", free: 3 },
        { do: "log-events", enable: true, interrupt: false },
        { ...DMA, type: "atomic", length: 4 },
      ],
      { domains: [{ name: "d0", id: 0xffff, levels: 6 }] },
    );
    const { steps, domains } = smallest(from, keepsKinds(from));
    expect(domains).toEqual([{ name: "d0", id: 1, levels: 1 }]);
    expect(steps).toEqual([
      { ...ATTACH },
      { ...MAP, page: 0x1000 },
      { do: "wait", sign: "store", flush: false },
      { do: "command-error", error: "opcode" },
      { do: "set-device-table", table: "A", pages: 5 },
      { do: "fill-event-log", free: 0 },
      { do: "log-events", enable: true, interrupt: false },
      { ...DMA },
    ]);
  });

  it("commands become ones about more", () => {
    const pages = { command: "pages", domain: "d0", iova: 0x1003, order: 9, tables: false } as const;
    const from = scenario([MAP, { do: "invalidate", target: pages }]);
    const stays = (command: string) => (one: AmdViScenario) =>
      one.steps.length === 2 &&
      one.steps.some((step) => step.do === "invalidate" && step.target.command === command);
    const target = (one: AmdViScenario) =>
      one.steps.flatMap((step) => (step.do === "invalidate" ? [step.target] : []))[0];
    expect(target(smallest(from, stays("pages")))).toEqual({ ...pages, iova: 0, order: 52, tables: true });
    expect(target(smallest(from, keepsKinds(from)))).toEqual({ command: "all" });
    const prefetch = { command: "prefetch", device: "a", iova: 0x1003, order: 9 } as const;
    const prefetching = scenario([MAP, { do: "invalidate", target: prefetch }]);
    expect(target(smallest(prefetching, stays("prefetch")))).toMatchObject({ order: 0 });
  });

  it("the exclusion range goes, or gets smaller", () => {
    const exclusion = { base: 0x1000, limit: 0x1003, allow: true };
    const from = scenario([DMA], { start: "reset", exclusion });
    expect(smallest(from, () => true).exclusion).toBeNull();
    const kept = smallest(from, (one) => one.exclusion !== null && one.start === "reset");
    expect(kept.exclusion).toEqual({ base: 0x1000, limit: 0x1000, allow: false });
  });

  it("where nothing needs translating requests ask for the pages theirs led to", () => {
    const from = scenario([ATTACH, MAP, DMA]);
    const simpler = [...simplerScenarios(from)];
    expect(simpler).toContainEqual(scenario([{ ...DMA, iova: 0x1001 }], { start: "reset" }));
    expect(simpler).toContainEqual(
      scenario([
        { ...ATTACH, type: "identity" },
        { ...DMA, iova: 0x1001 },
      ]),
    );
  });

  it("timing is no part of the size", () => {
    expect(sizeOf(scenario([DMA], { timing: 7 }))).toEqual(sizeOf(scenario([DMA])));
  });
});
