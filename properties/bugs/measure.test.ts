import { describe, expect, it } from "vitest";
import { bugNamed } from "../../implementations/bugs.js";
import { run } from "./measure.js";

describe("the search for a bug", () => {
  it.each(["reference:not-valid-translation-passes", "vtd:no-flush", "amdvi-platform:reserved-dropped"])(
    "finds %s, and shrinks the first finding to the minimum",
    (bug) => {
      const { found, scenarios } = run({ bug, seed: 1, milliseconds: 60_000 });
      expect(found!.steps).toBe(bugNamed(bug).minimum.steps);
      expect(found!.invariants).not.toHaveLength(0);
      expect(scenarios).toBeGreaterThan(0);
    },
  );

  it("comes to the same with the same seed", () => {
    const task = { bug: "reference:fault-wrong-source", seed: 7, milliseconds: 60_000 };
    const figures = () => {
      const { scenarios, found } = run(task);
      return { scenarios, steps: found!.steps, runs: found!.runs };
    };
    expect(figures()).toEqual(figures());
  });

  it("ends in vain when its time is over", () => {
    const { found, scenarios } = run({ bug: "vtd:queue-unlocked", seed: 1, milliseconds: 0 });
    expect({ found, scenarios }).toEqual({ found: null, scenarios: 1 });
  });
});
