import { describe, expect, it } from "vitest";
import { ScenarioError, scenarioFrom } from "../scenario.js";
import {
  type IntentScenario,
  type IntentStep,
  intentScenarioCodec,
  intentScenarioFrom,
  intentStepCodec,
} from "./scenario.js";

const MAP = {
  do: "map",
  mapping: "m0",
  domain: "d0",
  iova: 2 ** 52 - 1,
  page: 0x1000,
  pages: 512,
  access: "rw",
} as const;

/** One step of every kind. */
const STEPS: readonly IntentStep[] = [
  { do: "attach", device: "a", domain: "d0" },
  { do: "detach", device: "a" },
  MAP,
  { do: "protect", mapping: "m0", offset: 511, pages: 1, access: "r" },
  { do: "unmap", mapping: "m0", offset: 0, pages: 3 },
  { do: "merge", mapping: "m0" },
  { do: "destroy", domain: "d0" },
  { do: "sync" },
  { do: "together", first: MAP, second: { do: "sync" }, schedule: 0xffffffff },
  { do: "dma", device: "a", requester: 1, iova: 0, type: "zero-length-read" },
  { do: "program", device: "a", requester: 0, iova: 5, access: "w" },
  { do: "plant" },
];

const SCENARIO: IntentScenario = {
  format: "iommu-spec driver scenario 1",
  architecture: "vtd",
  profile: "skylake-sp",
  start: "reset",
  invalidation: "queue",
  flushing: "deferred",
  timing: 0xffffffff,
  devices: [
    { name: "a", requesters: [32, 0xffff] },
    { name: "b", requesters: [40] },
  ],
  domains: [{ name: "d0" }],
  steps: [...STEPS],
};

const throughJson = (scenario: unknown): unknown => JSON.parse(JSON.stringify(scenario));

/** The message with which the scenario is refused when a part of it, given by its path, has another value. */
function refusal(path: readonly (string | number)[], value: unknown): string {
  const data = throughJson(SCENARIO);
  let at = data as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[path[path.length - 1]!] = value;
  try {
    intentScenarioFrom(data);
  } catch (error) {
    expect(error).toBeInstanceOf(ScenarioError);
    return (error as Error).message;
  }
  return "accepted";
}

describe("driver scenario files", () => {
  it("every kind of step survives JSON", () => {
    expect(intentScenarioFrom(throughJson(SCENARIO))).toEqual(SCENARIO);
    expect(new Set(STEPS.map((one) => one.do)).size).toBe(intentStepCodec.types.length);
  });

  it("encoding gives back what decoding took", () => {
    expect(intentScenarioCodec.encode(intentScenarioFrom(throughJson(SCENARIO)))).toEqual(SCENARIO);
  });

  it("fields that are not known are dropped", () => {
    expect(intentScenarioFrom({ ...SCENARIO, comment: "found on a Friday" })).toEqual(SCENARIO);
  });

  it("scenarios of the two formats are not taken for each other", () => {
    expect(() => scenarioFrom(SCENARIO)).toThrow('at format: expected "iommu-spec scenario 1"');
    expect(refusal(["format"], "iommu-spec scenario 1")).toBe(
      'at format: expected "iommu-spec driver scenario 1", found "iommu-spec scenario 1"',
    );
  });
});

describe("malformed driver scenarios are refused with the place", () => {
  it.each([["text"], [undefined], [[]]])("%s", (data) => {
    expect(() => intentScenarioFrom(data)).toThrow(ScenarioError);
  });

  it("a part that is missing or has the wrong type", () => {
    expect(refusal(["steps"], undefined)).toBe("at steps: expected a list of steps, found nothing");
    expect(refusal(["flushing"], "lazy")).toBe('at flushing: expected "strict" | "deferred", found "lazy"');
    expect(refusal(["timing"], 2 ** 32)).toBe(
      "at timing: expected a whole number from 0 to 4294967295, found 4294967296",
    );
    expect(refusal(["profile"], "qemu-57")).toMatch(/^unknown profile "qemu-57"; known: qemu-39, /);
  });

  it("the ids of a device", () => {
    const place = ["devices", 0, "requesters"];
    const expected = "at devices.0.requesters: expected one or two requester ids, found";
    expect(refusal(place, [])).toBe(`${expected} []`);
    expect(refusal(place, [1, 2, 3])).toBe(`${expected} [1,2,3]`);
    expect(refusal(place, [1, 0x10000])).toBe(
      "at devices.0.requesters.1: expected a whole number from 0 to 65535, found 65536",
    );
    expect(refusal(place, 5)).toBe(`${expected} 5`);
  });

  it("a field of a step", () => {
    const at = (kind: IntentStep["do"]) => STEPS.findIndex((one) => one.do === kind);
    const message = (kind: IntentStep["do"], field: string, value: unknown) => {
      const place = `at steps.${at(kind)}.${field}: expected`;
      expect(refusal(["steps", at(kind), field], value)).toContain(place);
    };
    message("map", "pages", 0);
    message("map", "pages", 513);
    message("map", "iova", 2 ** 52);
    message("map", "access", "x");
    message("unmap", "offset", 512);
    message("protect", "mapping", undefined);
    message("dma", "requester", 2);
    message("dma", "type", "message");
    message("program", "access", "rw");
    message("together", "schedule", -1);
  });

  it("a field of an intent of two", () => {
    const index = STEPS.findIndex((one) => one.do === "together");
    expect(refusal(["steps", index, "first", "page"], -1)).toContain(
      `at steps.${index}.first.page: expected`,
    );
    expect(refusal(["steps", index, "second"], { do: "dma" })).toMatch(
      new RegExp(`^at steps\\.${index}\\.second: expected an intent of a known kind, found {"do":"dma"}`),
    );
  });

  it("a kind of step that is not known", () => {
    expect(refusal(["steps", 0, "do"], "jump")).toMatch(
      /^at steps\.0: expected a step of a known kind, found {"do":"jump",/,
    );
  });
});
