/** The parts one by one: generator, implementation, judge. */
import fc from "fast-check";
import { Judge, scenarioArbitrary } from "iommu-spec";
import { expect, it } from "vitest";
import { MyUnit } from "./unit.js";

it("shows nothing inadmissible", () => {
  const unit = new MyUnit();
  const judge = new Judge();
  const scenarios = scenarioArbitrary("vtd", { profiles: ["skylake-sp"], mostSteps: 20 });
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const { findings, failure } = judge.judge(scenario, unit);
      expect({ findings, failure }).toEqual({ findings: [], failure: null });
    }),
    { numRuns: 200, seed: 1 },
  );
});
