import { describe, expect, it } from "vitest";
import { type Bug, bugs } from "../../implementations/bugs.js";
import { figuresOf, isComplete, totalsOf } from "./figures.js";
import type { BugSearch } from "./measure.js";

const bug: Bug = { ...bugs[0]!, minimum: { steps: 3, because: "" } };

function search(scenarios: number, seconds: number, steps: number | null): BugSearch {
  const found = steps === null ? null : { steps, runs: 10, seconds: 0.5, invariants: [`I${steps}`] };
  return { scenarios, seconds, found };
}

describe("figures of a bug", () => {
  const figures = figuresOf(bug, [
    search(1, 0.1, 3),
    search(7, 2, 4),
    search(3, 0.2, 5),
    search(90, 11, null),
  ]);

  it("say how often it was found, how soon and how small", () => {
    expect(figures).toMatchObject({ searches: 4, found: 3, withinOne: 2, withinTen: 3 });
    expect(figures.scenarios).toEqual({ median: 7, p95: 90, worst: 90 });
    expect(figures.steps).toEqual({ median: 4, p95: 5, worst: 5 });
    expect(figures).toMatchObject({ minimal: 1, tooLong: 1, invariants: ["I3", "I4", "I5"] });
  });

  it("have no lengths where nothing was found", () => {
    const inVain = figuresOf(bug, [search(90, 11, null)]);
    expect(inVain).toMatchObject({ found: 0, steps: null, shrinking: null });
  });

  it("add up, and are complete only if everything was found and is short", () => {
    const short = figuresOf(bug, [search(1, 0.1, 3), search(2, 0.1, 4)]);
    const totals = totalsOf([figures, short]);
    expect(totals).toMatchObject({ bugs: 2, searches: 6, found: 5, minimal: 2, tooLong: 1, withinOne: 4 });
    expect(isComplete(totals)).toBe(false);
    expect(isComplete(totalsOf([figuresOf(bug, [search(1, 0.1, 5)])]))).toBe(false);
    expect(isComplete(totalsOf([short]))).toBe(true);
  });
});
