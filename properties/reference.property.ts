/** The reference keeps every invariant in random scenarios. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scenarioArbitrary } from "../generators/arbitrary.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { breaking, invariants } from "./invariants.js";
import { Judge } from "./judge.js";

const RUNS = 2000;

describe("the reference IOMMU", () => {
  it.each(invariants.map((one) => [one.id, one] as const))("keeps %s", (_, invariant) => {
    const judge = new Judge();
    const iommu = new ReferenceIommu();
    const property = fc.property(scenarioArbitrary(), (scenario) => {
      const { findings, unknown } = judge.judge(scenario, iommu);
      expect(unknown).toBeNull();
      expect(breaking(invariant, findings)).toEqual([]);
    });
    fc.assert(property, { numRuns: RUNS });
  });
});
