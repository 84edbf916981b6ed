import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { intentScenarioArbitrary } from "./arbitrary.js";
import { defaultIntentOptions, generateIntentScenario } from "./generate.js";
import { type IntentScenario, type IntentStep, intentScenarioFrom } from "./scenario.js";
import { intentSizeOf, isSmallerIntent, simplerIntentScenarios } from "./shrink.js";

const arbitrary = intentScenarioArbitrary("vtd", { fewestSteps: 3, mostSteps: 15 });
const SCENARIO: IntentScenario = { ...generateIntentScenario(1, defaultIntentOptions("vtd")), steps: [] };
/** All scenarios one step of shrinking away that have as many steps. */
const withAsManySteps = (scenario: IntentScenario) =>
  [...simplerIntentScenarios(scenario)].filter((one) => one.steps.length === scenario.steps.length);
const dma = (device: string): IntentStep => ({ do: "dma", device, requester: 0, iova: 1, type: "read" });

describe("intentScenarioArbitrary", () => {
  it("gives equal values for equal seeds", () => {
    const parameters = { seed: 7, numRuns: 50 };
    expect(fc.sample(arbitrary, parameters)).toEqual(fc.sample(arbitrary, parameters));
  });

  it("shrinks any scenario, and nothing else", () => {
    expect(arbitrary.canShrinkWithoutContext(JSON.parse(JSON.stringify(SCENARIO)))).toBe(true);
    expect(arbitrary.canShrinkWithoutContext({ ...SCENARIO, steps: [{ do: "nothing" }] })).toBe(false);
  });

  it("finds a smallest scenario of a property that names steps", () => {
    const wanted = ["map", "unmap", "dma"];
    const includesAll = ({ steps }: IntentScenario) =>
      wanted.every((kind) => steps.some((step) => step.do === kind));
    const { counterexample } = fc.check(
      fc.property(intentScenarioArbitrary("vtd"), (scenario) => !includesAll(scenario)),
      { seed: 1, numRuns: 1000 },
    );
    const [smallest] = counterexample!;
    expect(smallest.steps.map((step) => step.do).sort()).toEqual(["dma", "map", "unmap"]);
    expect(smallest).toMatchObject({
      profile: "qemu-39",
      start: "translating",
      flushing: "strict",
      invalidation: "registers",
      devices: [{ requesters: [32] }],
      domains: [{}],
    });
    expect(smallest.steps.find((step) => step.do === "map")).toMatchObject({ pages: 1, access: "rw" });
  });
});

describe("simplerIntentScenarios", () => {
  it("gives strictly smaller scenarios that pass the codec", () => {
    fc.assert(
      fc.property(arbitrary, (scenario) => {
        for (const one of simplerIntentScenarios(scenario)) {
          if (!isSmallerIntent(one, scenario))
            expect.fail(`${intentSizeOf(one)} is not below ${intentSizeOf(scenario)}`);
          expect(intentScenarioFrom(one)).toEqual(one);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("takes intents apart that were at the same time, and simplifies their schedule", () => {
    const [first, second] = [{ do: "detach", device: "a" } as const, { do: "sync" } as const];
    const scenario: IntentScenario = {
      ...SCENARIO,
      steps: [{ do: "together", first, second, schedule: 0b1010 }],
    };
    const simpler = [...simplerIntentScenarios(scenario)].map((one) => one.steps);
    expect(simpler).toContainEqual([first]);
    expect(simpler).toContainEqual([second]);
    expect(simpler).toContainEqual([first, second]);
    expect(simpler).toContainEqual([second, first]);
    const schedules = simpler.flatMap(([step]) => (step?.do === "together" ? [step.schedule] : []));
    expect(new Set(schedules)).toEqual(new Set([0, 0b10, 0b1000, 0b101, 0b1010]));
  });

  it("drops devices, domains and aliases that no step needs", () => {
    const devices = [{ name: "a", requesters: [32, 0x300] }];
    const steps: IntentStep[] = [{ do: "dma", device: "a", requester: 1, iova: 1, type: "read" }];
    const scenario = { ...SCENARIO, devices, steps };
    expect([...simplerIntentScenarios({ ...scenario, steps: [] })][0]).toMatchObject({
      devices: [],
      domains: [],
    });
    const single = withAsManySteps(scenario).filter((one) => one.devices[0]?.requesters.length === 1);
    expect(single.map((one) => [one.devices[0]!.requesters, one.steps])).toEqual([
      [[32], [dma("a")]],
      [[0x300], [dma("a")]],
    ]);
  });

  it("replaces a device by another in the intents of two as well", () => {
    const together: IntentStep = {
      do: "together",
      first: { do: "detach", device: "b" },
      second: { do: "sync" },
      schedule: 0,
    };
    const devices = ["a", "b"].map((name, index) => ({ name, requesters: [index] }));
    const steps = withAsManySteps({ ...SCENARIO, devices, steps: [dma("a"), together] })
      .filter((one) => one.devices.length === 1)
      .map((one) => one.steps);
    expect(steps).toContainEqual([dma("a"), { ...together, first: { do: "detach", device: "a" } }]);
    expect(steps).toContainEqual([dma("b"), together]);
  });

  it("moves what lies together to a lower place together", () => {
    const map = (iova: number): IntentStep => ({
      do: "map",
      mapping: "m0",
      domain: "d0",
      iova,
      page: 5 * 512 + 3,
      pages: 1,
      access: "rw",
    });
    const at = (region: number) => [map(region * 512 + 7), map(region * 512 + 8)];
    expect(withAsManySteps({ ...SCENARIO, steps: at(9) }).map((one) => one.steps)).toContainEqual(at(5));
  });

  it("chooses an invalidation interface that the simpler profile has", () => {
    const scenario: IntentScenario = { ...SCENARIO, profile: "skylake-sp", invalidation: "queue" };
    const onGm45 = withAsManySteps(scenario).find((one) => one.profile === "gm45");
    expect(onGm45).toMatchObject({ invalidation: "registers" });
  });
});
