/** A judge that forgets says the same as one that never does. */
import { describe, expect, it } from "vitest";
import { compileScenario } from "../../generators/compile.js";
import { defaultOptions, generateScenario } from "../../generators/generate.js";
import { ReferenceIommu } from "../../implementations/iommu/reference/reference.js";
import { compare, type ObservedRun } from "./forgetting.testing.js";

const unit = new ReferenceIommu();

function rawRun(seed: number, steps: number): ObservedRun {
  const scenario = generateScenario(seed, { ...defaultOptions, fewestSteps: steps, mostSteps: steps });
  const { setup, actions } = compileScenario(scenario);
  unit.reset(setup);
  const observations = unit.execute(actions);
  return { setup, records: actions.map((action, index) => ({ action, seen: observations[index]! })) };
}

describe("a judge that forgets after every action says what one that never forgets says", () => {
  it.each([
    [12, 300],
    [40, 60],
  ])("random histories of %i steps", (steps, runs) => {
    let values = 0;
    let invalidations = 0;
    for (let seed = 1; seed <= runs; seed++) {
      const forgotten = compare(`seed ${seed}`, rawRun(seed, steps));
      values += forgotten.values;
      invalidations += forgotten.invalidations;
    }
    expect(values).toBeGreaterThan(4 * runs);
    expect(invalidations).toBeGreaterThan(runs / 5);
  });
});
