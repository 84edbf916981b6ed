/** The bug library, and what searches for its bugs came to: as tables and as JSON. */
import type { Bug } from "../implementations/bugs.js";
import type { BugFigures, BugTotals, Spread } from "../properties/bugs/figures.js";
import { table } from "./terminal.js";

/** One row for each bug. */
export function bugList(bugs: readonly Bug[]): string[] {
  const rows = bugs.map(({ name, breaks, minimum, description, sources }) => [
    name,
    breaks.join(", "),
    `${minimum.steps}`,
    sources.length === 0 ? description : `${description} (${sources.join("; ")})`,
  ]);
  return table([["bug", "breaks", "steps", "what it does (where it was published)"], ...rows]);
}

/** The same as JSON, with the argument for each minimum. */
export function bugsAsJson(bugs: readonly Bug[]): string {
  return JSON.stringify({ format: "iommu-spec bugs 1", bugs: bugs.map(asData) }, null, 2);
}

function asData({ name, role, architecture, description, breaks, sources, minimum }: Bug) {
  return { name, role, architecture, description, breaks, sources, minimum };
}

const COLUMNS = [
  "bug",
  "found",
  "scenarios",
  "95 %",
  "seconds",
  "95 %",
  "shrinking",
  "steps",
  "worst",
  "least",
  "caught by",
];

/** One row for each bug that was searched for; scenarios and seconds are those up to the first finding. */
export function figureTable(figures: readonly BugFigures[]): string[] {
  return table([
    COLUMNS,
    ...figures.map(({ bug, searches, found, scenarios, seconds, shrinking, steps, invariants }) => [
      bug.name,
      `${found}/${searches}`,
      `${scenarios.median}`,
      `${scenarios.p95}`,
      inSeconds(seconds.median),
      inSeconds(seconds.p95),
      shrinking ? inSeconds(shrinking.median) : "",
      cell(steps, "median"),
      cell(steps, "worst"),
      `${bug.minimum.steps}`,
      invariants.join(", "),
    ]),
  ]);
}

function inSeconds(value: number): string {
  return `${value.toFixed(2)} s`;
}

function cell(spread: Spread | null, of: keyof Spread): string {
  return spread ? `${spread[of]}` : "";
}

/** What all searches together came to, and what that says. */
export function totalLines(totals: BugTotals, seeds: number, firstSeed: number): string[] {
  const { bugs, searches, found, minimal, tooLong, withinOne, withinTen } = totals;
  const share = (count: number) => `${count} of ${searches} (${((100 * count) / searches).toFixed(1)} %)`;
  return [
    `${bugs} bugs, each searched for with ${seeds} seeds from ${firstSeed} on: found by ${share(found)} searches`,
    `first detection within 1 s: ${share(withinOne)}; within 10 s: ${share(withinTen)}`,
    `counterexample of the least number of steps: ${share(minimal)}; more than one step longer: ${tooLong}`,
  ];
}

/** Figures and totals as JSON. */
export function figuresAsJson(figures: readonly BugFigures[], totals: BugTotals, firstSeed: number): string {
  const rows = figures.map(({ bug, ...rest }) => ({ ...asData(bug), ...rest }));
  return JSON.stringify({ format: "iommu-spec bug figures 1", firstSeed, totals, bugs: rows }, null, 2);
}
