import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultOptions, generateScenario } from "./generate.js";
import { ScenarioError, scenarioCodec, scenarioFrom } from "./scenario.js";
import type { VtdScenario as Scenario, VtdStep as Step } from "./vtd/scenario.js";

/** One step of every kind, and every kind of entry and target. */
const STEPS: readonly Step[] = [
  {
    do: "attach",
    device: "a",
    domain: "d0",
    type: "translated",
    faultProcessingDisable: false,
    writeBack: true,
  },
  { do: "detach", device: "a", writeBack: true },
  {
    do: "map",
    mapping: "m0",
    domain: "d0",
    iova: 2 ** 52 - 1,
    page: 0x1000,
    size: "2M",
    access: "rw",
    writeBack: false,
  },
  { do: "unmap", mapping: "m0", writeBack: true },
  { do: "protect", mapping: "m0", access: "r", writeBack: true },
  { do: "retable", domain: "d0", iova: 0, level: 2, spare: 2, writeBack: true },
  { do: "corrupt", entry: { structure: "root", device: "a" }, bit: 127, value: 1, writeBack: true },
  { do: "corrupt", entry: { structure: "context", device: "a" }, bit: 0, value: 0, writeBack: true },
  {
    do: "corrupt",
    entry: { structure: "table", domain: "d0", iova: 1, level: 1 },
    bit: 62,
    value: 1,
    writeBack: true,
  },
  { do: "write-back" },
  { do: "invalidate", target: { cache: "context", granularity: "global" }, complete: true },
  { do: "invalidate", target: { cache: "context", granularity: "domain", domain: "d0" }, complete: false },
  {
    do: "invalidate",
    target: { cache: "context", granularity: "device", domain: "d0", device: "a", functionMask: 3 },
    complete: true,
  },
  { do: "invalidate", target: { cache: "iotlb", granularity: "global", drain: true }, complete: true },
  {
    do: "invalidate",
    target: { cache: "iotlb", granularity: "domain", domain: "d0", drain: false },
    complete: true,
  },
  {
    do: "invalidate",
    target: {
      cache: "iotlb",
      granularity: "page",
      domain: "d0",
      iova: 5,
      mask: 63,
      leafOnly: true,
      drain: true,
    },
    complete: true,
  },
  { do: "wait", sign: "interrupt", fence: true },
  { do: "queue-error", error: "granularity", rewriteTail: true },
  { do: "set-root", root: 1, complete: true },
  { do: "translation", enable: false, complete: true },
  { do: "protect-memory", region: "high", page: 0x1000, blocks: 2, complete: true },
  { do: "release-memory", complete: false },
  { do: "read-faults", clear: true },
  { do: "read-registers" },
  { do: "reuse", page: 0x1000 },
  { do: "dma", device: "a", iova: 0, type: "zero-length-read", length: 4, crossing: false },
];

const SCENARIO: Scenario = {
  format: "iommu-spec scenario 1",
  architecture: "vtd",
  profile: "skylake-sp",
  start: "translating",
  invalidation: "queue",
  timing: 0xffffffff,
  devices: [{ name: "a", requester: 0xffff }],
  domains: [{ name: "d0", id: 5, levels: 4 }],
  steps: [...STEPS],
};

const throughJson = (scenario: unknown): unknown => JSON.parse(JSON.stringify(scenario));

/** The message with which the scenario is refused after a change of its JSON. */
// biome-ignore lint/suspicious/noExplicitAny: what is malformed has no type
function refusal(change: (scenario: any) => void): string {
  const data = throughJson(SCENARIO);
  change(data);
  try {
    scenarioFrom(data);
  } catch (error) {
    expect(error).toBeInstanceOf(ScenarioError);
    return (error as Error).message;
  }
  return "accepted";
}

/** Index of the first step of a kind. */
const at = (kind: Step["do"]) => STEPS.findIndex((one) => one.do === kind);

describe("scenario files", () => {
  it("every kind of step survives JSON", () => {
    expect(scenarioFrom(throughJson(SCENARIO))).toEqual(SCENARIO);
    expect(new Set(STEPS.map((one) => one.do)).size).toBe(19);
  });

  it("every generated scenario survives JSON", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const scenario = generateScenario(seed, defaultOptions("vtd"));
        expect(scenarioFrom(throughJson(scenario))).toEqual(scenario);
      }),
      { numRuns: 50 },
    );
  });

  it("encoding gives back what decoding took", () => {
    expect(scenarioCodec.encode(scenarioFrom(throughJson(SCENARIO)))).toEqual(SCENARIO);
  });

  it("fields that are not known are dropped", () => {
    expect(scenarioFrom({ ...SCENARIO, comment: "found on a Friday" })).toEqual(SCENARIO);
  });
});

describe("malformed scenarios are refused with the place", () => {
  it.each([
    ["truncated text", "{", "at the top: expected"],
    ["nothing", undefined, "at the top: expected"],
    ["a list", [], "at "],
  ])("%s", (_, data, message) => {
    expect(() => scenarioFrom(data)).toThrow(ScenarioError);
    expect(() => scenarioFrom(data)).toThrow(message);
  });

  it("a part that is missing", () => {
    expect(refusal((one) => delete one.steps)).toBe("at steps: expected a list of steps, found nothing");
    expect(refusal((one) => delete one.timing)).toBe(
      "at timing: expected a whole number from 0 to 4294967295, found nothing",
    );
    expect(refusal((one) => delete one.devices[0].requester)).toBe(
      "at devices.0.requester: expected a whole number from 0 to 65535, found nothing",
    );
  });

  it("a wrong type or a number out of range", () => {
    expect(refusal((one) => (one.timing = 0.5))).toBe(
      "at timing: expected a whole number from 0 to 4294967295, found 0.5",
    );
    expect(refusal((one) => (one.timing = -1))).toContain("at timing: ");
    expect(refusal((one) => (one.domains[0].id = "5"))).toBe(
      'at domains.0.id: expected a whole number from 0 to 65535, found "5"',
    );
    expect(refusal((one) => (one.domains[0].levels = 2))).toBe(
      "at domains.0.levels: expected a whole number from 3 to 5, found 2",
    );
  });

  it("another format, architecture or profile", () => {
    expect(refusal((one) => (one.format = "iommu-spec scenario 2"))).toBe(
      'at format: expected "iommu-spec scenario 1", found "iommu-spec scenario 2"',
    );
    expect(refusal((one) => (one.architecture = "smmu"))).toContain(
      'at the top: expected a scenario of architecture "vtd" or "amdvi", found {',
    );
    expect(refusal((one) => (one.profile = "qemu-57"))).toMatch(
      /^unknown profile "qemu-57"; known: qemu-39, .*sapphire-rapids, .*xeon-6$/,
    );
  });

  it("a field of a step", () => {
    const place = (kind: Step["do"], field: string) => `at steps.${at(kind)}.${field}: expected`;
    const changed = (kind: Step["do"], change: (step: Record<string, unknown>) => void) =>
      refusal((one) => change(one.steps[at(kind)]));
    expect(changed("map", (step) => (step.iova = 2 ** 52))).toContain(place("map", "iova"));
    expect(changed("map", (step) => delete step.mapping)).toContain(place("map", "mapping"));
    expect(changed("wait", (step) => (step.fence = 1))).toContain(place("wait", "fence"));
    expect(changed("dma", (step) => (step.length = 2))).toContain(place("dma", "length"));
    expect(changed("retable", (step) => (step.spare = 3))).toContain(place("retable", "spare"));
  });

  it("a field of the target of an invalidation", () => {
    const page = STEPS.findIndex((one) => one.do === "invalidate" && one.target.granularity === "page");
    expect(refusal((one) => (one.steps[page].target.mask = 64))).toContain(
      `at steps.${page}.target.mask: expected`,
    );
    expect(refusal((one) => delete one.steps[page].target.leafOnly)).toContain(
      `at steps.${page}.target.leafOnly: expected`,
    );
  });

  it("a tag that no alternative has: with those there are", () => {
    expect(refusal((one) => (one.steps[0].do = "jump"))).toMatch(
      /^at steps\.0: expected a step of a known kind, found {"do":"jump",/,
    );
    const domain = STEPS.findIndex((one) => one.do === "invalidate" && one.target.granularity === "domain");
    expect(refusal((one) => (one.steps[domain].target.granularity = "bus"))).toMatch(
      new RegExp(
        `^at steps\\.${domain}\\.target\\.granularity: expected "global" \\| "domain" \\| .*, found "bus"$`,
      ),
    );
    expect(refusal((one) => (one.start = "off"))).toBe(
      'at start: expected "translating" | "reset", found "off"',
    );
  });

  it("long values are cut short", () => {
    const message = refusal((one) => (one.start = "x".repeat(500)));
    expect(message.length).toBeLessThan(200);
    expect(message).toContain("at start");
  });
});
