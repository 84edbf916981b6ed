import { describe, expect, it } from "vitest";
import { functionNamed } from "../../model/pci/functions.js";
import { describeLeaves, describePlatformStep } from "./describe.js";
import { defaultPlatformOptions, generatePlatformScenario } from "./generate.js";
import { withAllVirtualFunctions, withoutFunctions, withVirtualFunctions } from "./present.js";
import { type PlatformStep, platformScenarioFrom } from "./scenario.js";

const options = defaultPlatformOptions("vtd");
const scenario = generatePlatformScenario(1, options);
const inJson = (change: object) => JSON.parse(JSON.stringify({ ...scenario, ...change })) as unknown;

describe("platformScenarioFrom", () => {
  it("takes what it was written as", () => {
    expect(platformScenarioFrom(inJson({}))).toEqual(scenario);
  });

  it.each([
    ["an unknown step", { steps: [{ do: "explode" }] }, "at steps.0"],
    ["a step without a device", { steps: [{ do: "plug" }] }, "at steps.0.device"],
    ["writes without reads", { steps: [{ ...mapStep(), access: "w" }] }, "at steps.0.access"],
    ["an unknown way to be left behind", { leaves: "burning" }, "at leaves"],
    ["an unknown profile", { profile: "z80" }, 'unknown profile "z80"'],
    ["a profile of another architecture", { architecture: "amdvi" }, "unknown profile"],
    [
      "a region of no pages",
      { platform: { ...scenario.platform, reserved: [{ functions: [], page: 1, pages: 0 }] } },
      "at platform.reserved.0",
    ],
  ])("says where %s is", (_, change, where) => {
    expect(() => platformScenarioFrom(inJson(change))).toThrow(where);
  });
});

function mapStep(): Extract<PlatformStep, { do: "map" }> {
  return { do: "map", mapping: "m1", domain: "guest1", iova: 1, page: 0x1000, pages: 2, access: "rw" };
}

describe("steps in words", () => {
  it.each<[PlatformStep, string]>([
    [{ do: "assign", device: "nic", domain: "guest1" }, "assign nic to guest1"],
    [{ do: "release", device: "nic" }, "release nic"],
    [mapStep(), "map m1: 2 pages at 0x1000 of guest1 to 0x1000000, rw"],
    [{ do: "unmap", mapping: "m1" }, "unmap m1"],
    [{ do: "remap", mapping: "m1", page: 0x1001 }, "remap m1 to 0x1001000"],
    [{ do: "lend", device: "nic", page: 0x1000 }, "lend page 0x1000000 to nic"],
    [{ do: "dma", device: "nic", as: 0, iova: 1, type: "read" }, "nic: read at 0x1000"],
    [{ do: "dma", device: "nic", as: 1, iova: 1, type: "write" }, "nic by its alias 1: write at 0x1000"],
    [{ do: "plug", device: "card" }, "plug card in"],
    [{ do: "unplug", device: "card" }, "unplug card"],
    [{ do: "enable-vfs", device: "pf", count: 2 }, "enable 2 virtual functions of pf"],
    [{ do: "enable-vfs", device: "pf", count: 0 }, "disable the virtual functions of pf"],
    [{ do: "storm", device: "nic", count: 3 }, "nic makes 3 requests that nobody has allowed"],
    [{ do: "handle-faults" }, "handle faults"],
    [{ do: "hand-over" }, "another operating system takes over"],
  ])("%o", (step, words) => {
    expect(describePlatformStep(step)).toBe(words);
  });

  it("say how firmware leaves the machine behind", () => {
    expect(describeLeaves("off")).toBe("firmware leaves translation off");
  });
});

describe("what is there", () => {
  const { topology } = Array.from(
    { length: 100 },
    (_, seed) => generatePlatformScenario(seed, options).platform,
  ).find((one) => functionNamed(one.topology, "pf"))!;

  it("lacks what is taken away, and all below it", () => {
    const left = withoutFunctions(topology, new Set(["port1"]));
    expect(functionNamed(left, "port1")).toBeUndefined();
    expect(functionNamed(left, "pf")).toBeUndefined();
  });

  it("has as many virtual functions as were asked for, and no more than there are", () => {
    expect(functionNamed(withVirtualFunctions(topology, "pf", 0), "pf.vf1")).toBeUndefined();
    expect(functionNamed(withVirtualFunctions(topology, "pf", 2), "pf.vf2")).toBeDefined();
    expect(functionNamed(withVirtualFunctions(topology, "pf", 9), "pf.vf4")).toBeUndefined();
    expect(functionNamed(withAllVirtualFunctions(topology), "pf.vf3")).toBeDefined();
  });
});
