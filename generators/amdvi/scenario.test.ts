import { describe, expect, it } from "vitest";
import { ScenarioError, scenarioFrom } from "../scenario.js";
import type { AmdViScenario, AmdViStep } from "./scenario.js";

/** One step of every kind, and every kind of entry and target. */
const STEPS: readonly AmdViStep[] = [
  {
    do: "attach",
    device: "a",
    domain: "d0",
    type: "identity",
    access: "none",
    suppress: "repeated",
    exclusion: true,
    writeBack: true,
  },
  { do: "detach", device: "a", writeBack: true },
  {
    do: "map",
    mapping: "m0",
    domain: "d0",
    iova: 2 ** 52 - 1,
    page: 0x1000,
    size: "512K",
    access: "rw",
    skip: 4,
    writeBack: false,
  },
  { do: "unmap", mapping: "m0", writeBack: true },
  { do: "protect", mapping: "m0", access: "r", writeBack: true },
  { do: "retable", domain: "d0", iova: 0, level: 6, spare: 2, writeBack: true },
  { do: "corrupt", entry: { structure: "device", device: "a" }, bit: 127, value: 1, writeBack: true },
  {
    do: "corrupt",
    entry: { structure: "table", domain: "d0", iova: 1, level: 6 },
    bit: 62,
    value: 0,
    writeBack: true,
  },
  { do: "write-back" },
  { do: "invalidate", target: { command: "device", device: "a" } },
  { do: "invalidate", target: { command: "pages", domain: "d0", iova: 5, order: 52, tables: true } },
  { do: "invalidate", target: { command: "all" } },
  { do: "invalidate", target: { command: "interrupt-table", device: "a" } },
  { do: "invalidate", target: { command: "prefetch", device: "a", iova: 5, order: 0 } },
  { do: "wait", sign: "interrupt", flush: true },
  { do: "command-error", error: "feature" },
  { do: "set-device-table", table: "absent", pages: 5 },
  { do: "translation", enable: false },
  { do: "read-events", clear: true },
  { do: "log-events", enable: false, interrupt: false },
  { do: "fill-event-log", free: 3 },
  { do: "read-registers" },
  { do: "reuse", page: 0x1000 },
  { do: "dma", device: "a", iova: 0, type: "zero-length-read", length: 4, crossing: false },
];

const SCENARIO: AmdViScenario = {
  format: "iommu-spec scenario 1",
  architecture: "amdvi",
  profile: "zen1",
  start: "reset",
  exclusion: { base: 0x1000, limit: 0x1001, allow: true },
  timing: 0xffffffff,
  devices: [{ name: "a", requester: 0xffff }],
  domains: [{ name: "d0", id: 5, levels: 6 }],
  steps: [...STEPS],
};

const throughJson = (scenario: unknown): unknown => JSON.parse(JSON.stringify(scenario));

/** The message with which the scenario is refused when one of its fields, or of its domain's, has another value. */
function refusal(field: Readonly<Record<string, unknown>>): string {
  try {
    scenarioFrom(throughJson({ ...SCENARIO, ...field }));
  } catch (error) {
    expect(error).toBeInstanceOf(ScenarioError);
    return (error as Error).message;
  }
  return "accepted";
}

describe("AMD-Vi scenario files", () => {
  it("every kind of step survives JSON, with and without an exclusion range", () => {
    expect(scenarioFrom(throughJson(SCENARIO))).toEqual(SCENARIO);
    expect(new Set(STEPS.map((one) => one.do)).size).toBe(19);
    const without = { ...SCENARIO, exclusion: null };
    expect(scenarioFrom(throughJson(without))).toEqual(without);
  });

  it("what does not fit is refused with the place", () => {
    expect(refusal({ exclusion: { base: 1, limit: -1, allow: true } })).toContain(
      "at exclusion.limit: expected",
    );
    expect(refusal({ domains: [{ name: "d0", id: 5, levels: 7 }] })).toBe(
      "at domains.0.levels: expected a whole number from 1 to 6, found 7",
    );
    const step = (part: object) => ({ steps: [{ ...STEPS[10], ...part }] });
    expect(refusal(step({ do: "jump" }))).toMatch(/^at steps\.0: expected a step of a known kind, found/);
    expect(
      refusal(step({ target: { command: "pages", domain: "d0", iova: 5, order: 53, tables: true } })),
    ).toBe("at steps.0.target.order: expected a whole number from 0 to 52, found 53");
  });

  it("profiles and steps of VT-d are none of its own", () => {
    expect(refusal({ profile: "skylake-sp" })).toMatch(/^unknown profile "skylake-sp"; known: amd-qemu, /);
    expect(refusal({ steps: [{ do: "set-root", root: 0, complete: true }] })).toContain(
      "at steps.0: expected",
    );
  });
});
