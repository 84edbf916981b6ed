/** A judge that forgets says the same as one that never does. */
import { describe, expect, it } from "vitest";
import { compileScenario } from "../generators/compile.js";
import { defaultOptions, generateScenario } from "../generators/generate.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { compare, type ObservedRun } from "./forgetting.testing.js";
import type { ArchitectureId } from "./profile.js";

const unit = new ReferenceIommu();

function rawRun(architecture: ArchitectureId, seed: number, steps: number): ObservedRun {
  const scenario = generateScenario(seed, {
    ...defaultOptions(architecture),
    fewestSteps: steps,
    mostSteps: steps,
  });
  const { setup, actions } = compileScenario(scenario);
  unit.reset(setup);
  const observations = unit.execute(actions);
  return { setup, records: actions.map((action, index) => ({ action, seen: observations[index]! })) };
}

describe("a judge that forgets after every action says what one that never forgets says", () => {
  it.each([
    ["vtd", 12, 300],
    ["vtd", 40, 60],
    ["amdvi", 12, 300],
    ["amdvi", 40, 60],
  ] as const)("%s: random histories of %i steps", (architecture, steps, runs) => {
    let values = 0;
    let invalidations = 0;
    for (let seed = 1; seed <= runs; seed++) {
      const forgotten = compare(`seed ${seed}`, rawRun(architecture, seed, steps));
      values += forgotten.values;
      invalidations += forgotten.invalidations;
    }
    expect(values).toBeGreaterThan(4 * runs);
    expect(invalidations).toBeGreaterThan(runs / 5);
  });
});
