import { describe, expect, it } from "vitest";
import { compileScenario } from "../../../generators/compile.js";
import { defaultOptions, generateScenario } from "../../../generators/generate.js";
import { ImplementationError } from "../interface.js";
import { deviationNamed } from "./deviations.js";
import { ReferenceIommu } from "./reference.js";

const SEEDS = Array.from({ length: 15 }, (_, seed) => seed);
const compiled = (architecture: "vtd" | "amdvi", seed: number) =>
  compileScenario(generateScenario(seed, defaultOptions(architecture)));

describe("the reference IOMMU", () => {
  it("shows the same for equal setups and actions, whatever of any architecture ran before", () => {
    const iommu = new ReferenceIommu();
    for (const seed of SEEDS) {
      for (const architecture of ["vtd", "amdvi"] as const) {
        const { setup, actions } = compiled(architecture, seed);
        const observe = (one: ReferenceIommu) => {
          one.reset(setup);
          return one.execute(actions);
        };
        expect(observe(iommu)).toEqual(observe(new ReferenceIommu()));
      }
    }
  });

  it("says which variant it is, and refuses platforms of another architecture with it", () => {
    const variant = new ReferenceIommu(deviationNamed("bad-descriptor-skipped"));
    expect([variant.name, new ReferenceIommu().name]).toEqual([
      "reference with bad-descriptor-skipped",
      "reference",
    ]);
    variant.reset(compiled("vtd", 1).setup);
    expect(() => variant.reset(compiled("amdvi", 1).setup)).toThrow(ImplementationError);
    variant.close();
    variant.close();
  });
});
