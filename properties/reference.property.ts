/** The reference keeps every invariant in random scenarios. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scenarioArbitrary } from "../generators/arbitrary.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { architectures } from "../model/architectures.js";
import { breaking, invariants } from "./invariants.js";
import { Judge } from "./judge.js";

const RUNS = 1000;

describe.each(architectures.map((one) => [one.name, one.id] as const))(
  "the reference IOMMU for %s",
  (_, id) => {
    it.each(invariants.map((one) => [one.id, one] as const))("keeps %s", (__, invariant) => {
      const judge = new Judge();
      const iommu = new ReferenceIommu();
      const property = fc.property(scenarioArbitrary(id), (scenario) => {
        const { findings, unknown } = judge.judge(scenario, iommu);
        // One scenario in tens of thousands does what the specification says nothing of.
        fc.pre(unknown === null);
        expect(breaking(invariant, findings)).toEqual([]);
      });
      fc.assert(property, { numRuns: RUNS });
    });
  },
);
