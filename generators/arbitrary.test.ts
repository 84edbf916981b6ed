import fc from "fast-check";
import { isRight } from "fp-ts/lib/Either.js";
import { describe, expect, it } from "vitest";
import { isSmaller, scenarioArbitrary, simplerScenarios, sizeOf } from "./arbitrary.js";
import { compileScenario } from "./compile.js";
import { defaultOptions, generateScenario } from "./generate.js";
import { type Scenario, scenarioCodec } from "./scenario.js";

describe.each(["vtd", "amdvi"] as const)("scenarioArbitrary: %s", (architecture) => {
  const arbitrary = scenarioArbitrary(architecture, { fewestSteps: 3, mostSteps: 15 });
  const shrinks = (scenario: Scenario) => [...arbitrary.shrink(scenario, undefined)].map((one) => one.value);
  const OPTIONS = defaultOptions(architecture);

  it("gives equal values for equal seeds", () => {
    expect(fc.sample(arbitrary, { seed: 7, numRuns: 50 })).toEqual(
      fc.sample(arbitrary, { seed: 7, numRuns: 50 }),
    );
  });

  it("gives values that pass the codec and round-trip through JSON", () => {
    fc.assert(
      fc.property(arbitrary, (scenario) => {
        expect(isRight(scenarioCodec.decode(scenario))).toBe(true);
        expect(JSON.parse(JSON.stringify(scenario))).toEqual(scenario);
      }),
      { numRuns: 100 },
    );
  });

  it("shrinks any scenario, and nothing else", () => {
    const [scenario] = fc.sample(arbitrary, 1);
    expect(arbitrary.canShrinkWithoutContext(JSON.parse(JSON.stringify(scenario)))).toBe(true);
    expect(arbitrary.canShrinkWithoutContext({ ...scenario, steps: [{ do: "nothing" }] })).toBe(false);
    expect(arbitrary.canShrinkWithoutContext(null)).toBe(false);
  });

  it("shrinks to strictly smaller scenarios that pass the codec and compile", () => {
    fc.assert(
      fc.property(arbitrary, (scenario) => {
        for (const one of shrinks(scenario)) {
          if (!isSmaller(one, scenario)) expect.fail(`${sizeOf(one)} is not below ${sizeOf(scenario)}`);
          expect(isRight(scenarioCodec.decode(one))).toBe(true);
          compileScenario(one);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("tries to delete steps before anything else, chunks before single steps", () => {
    const scenario = generateScenario(3, OPTIONS);
    const { length } = scenario.steps;
    const lengths = shrinks(scenario).map((one) => one.steps.length);
    expect(lengths[0]).toBe(length - Math.ceil(length / 2));
    const single = new Array(length).fill(length - 1);
    const begin = lengths.findIndex((_, at) => `${lengths.slice(at, at + length)}` === `${single}`);
    expect(begin).toBeGreaterThan(0);
    expect(Math.max(...lengths.slice(0, begin))).toBeLessThan(length);
  });

  it("drops devices and domains that no step mentions", () => {
    const scenario = { ...generateScenario(1, OPTIONS), steps: [] };
    const [smaller] = simplerScenarios(scenario);
    expect(smaller).toMatchObject({ devices: [], domains: [] });
  });

  it("replaces a device by another everywhere", () => {
    const dma = { do: "dma", iova: 1, type: "read", length: 8, crossing: false } as const;
    const steps = ["a", "b", "b"].map((device) => ({ ...dma, device }));
    const scenario: Scenario = { ...generateScenario(1, OPTIONS), steps };
    const merged = shrinks(scenario).filter((one) => one.steps.length === 3 && one.devices.length === 2);
    expect(merged.map((one) => one.steps.map((step) => "device" in step && step.device))).toContainEqual([
      "a",
      "a",
      "a",
    ]);
  });

  it("finds a smallest scenario of a property that names steps", () => {
    const wanted = ["map", "unmap", "dma"];
    const includesAll = ({ steps }: Scenario) =>
      wanted.every((kind) => steps.some((step) => step.do === kind));
    const { counterexample } = fc.check(
      fc.property(scenarioArbitrary(architecture), (scenario) => !includesAll(scenario)),
      { seed: 1, numRuns: 1000 },
    );
    const [smallest] = counterexample!;
    expect(smallest.steps.map((step) => step.do).sort()).toEqual(["dma", "map", "unmap"]);
    expect(smallest.devices.length + smallest.domains.length).toBeLessThanOrEqual(2);
  });
});
