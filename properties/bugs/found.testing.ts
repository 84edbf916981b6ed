/**
 * What is expected of every bug of the library: found, shrunk to its argued minimum or a step more, and shown again from its
 * file. How often it is the minimum is measured by `iommu-spec bugs --run`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Bug, bugs } from "../../implementations/bugs.js";
import type { Finding, FindingKind } from "../../model/finding.js";
import { loadScenario, saveCounterexample } from "../counterexample.js";
import { brokenBy } from "../invariants.js";
import { type Minimised, minimise } from "../minimise.js";
import type { AnyScenario, Subject } from "../subject.js";
import { subjectOf } from "./subject.js";

const MOST_RUNS = 20_000;
/** Runs after which a counterexample of one step more than the minimum will do: each bug has to be shown, not each way to it. */
const ENOUGH_RUNS = 300;
/** Findings of a kind on a platform that are shrunk: they may come down to different things. */
const MOST_ALIKE = 2;

/**
 * First seeds of searches that take long from 1 on. That a bug is found is what is tested; how soon it is from any seed
 * on, `iommu-spec bugs --run` measures.
 */
const FIRST_SEEDS: ReadonlyMap<string, number> = new Map([
  ["vtd:superpage-flushed-as-page", 4001],
  ["vtd:context-fields-cleared-first", 3001],
  ["vtd:queue-unlocked", 2001],
  ["amdvi:links-table-before-clearing", 4001],
  ["amdvi:cleared-table-not-written-back", 2001],
  ["amdvi:commands-unlocked", 3001],
  ["vtd-platform:never-contained", 4001],
  ["vtd-platform:others-disabled", 1001],
  ["amdvi-platform:release-stops-early", 4001],
  ["amdvi-platform:wrong-unit", 4001],
  ["amdvi-platform:overflow-left", 3001],
  ["amdvi-platform:never-contained", 3001],
  ["reference:wait-before-invalidations", 1001],
]);

/** A test for each bug of a kind. */
export function describeBugs(role: Bug["role"]): void {
  describe(`every bug of the library: ${role}`, () => {
    const chosen = bugs.filter((one) => one.role === role);
    it.each(chosen.map((one) => [one.name, one] as const))("%s", (_, bug) => {
      const search = new Search(bug);
      search.run();
      expect(search.isReplayed).toBe(true);
      expect(search.shortest).toBeGreaterThanOrEqual(bug.minimum.steps);
      expect(search.shortest).toBeLessThanOrEqual(bug.minimum.steps + 1);
      // What an IOMMU breaks is a rule, of which findings name those that were in play.
      if (role !== "iommu") expect([...search.broken]).toEqual(expect.arrayContaining([...bug.breaks]));
    });
  });
}

class Search {
  shortest = Number.POSITIVE_INFINITY;
  isReplayed = true;
  /** Ids of the invariants that scenarios broke, shrunk or not. */
  readonly broken = new Set<string>();
  private readonly subject: Subject<AnyScenario>;
  /** Findings that were shrunk, by kind and platform. */
  private readonly shrunk = new Map<string, number>();

  constructor(private readonly bug: Bug) {
    this.subject = subjectOf(bug);
  }

  run(): void {
    const { subject } = this;
    const first = FIRST_SEEDS.get(this.bug.name) ?? 1;
    for (let runs = 0; runs < MOST_RUNS && !this.isOver(runs < ENOUGH_RUNS ? 0 : 1); runs++) {
      const scenario = subject.generate(first + runs);
      const finding = subject.judge(scenario, []).findings.find((one) => brokenBy(one).length > 0);
      if (!finding) continue;
      this.note(finding);
      const alike = `${finding.kind} on ${scenario.profile}`;
      const before = this.shrunk.get(alike) ?? 0;
      if (this.shortest <= this.bug.minimum.steps || before === MOST_ALIKE) continue;
      this.shrunk.set(alike, before + 1);
      this.shrink(scenario, finding);
    }
  }

  private isOver(longer: number): boolean {
    const { bug, broken } = this;
    const isSeen = bug.role === "iommu" || bug.breaks.every((one) => broken.has(one));
    return isSeen && this.shortest <= bug.minimum.steps + longer;
  }

  private note(finding: Finding): void {
    for (const id of brokenBy(finding)) this.broken.add(id);
  }

  /** Other scenarios are drawn, which takes long, only where taking away leaves more than a step too many. */
  private shrink(scenario: AnyScenario, finding: Finding): void {
    const { subject, bug } = this;
    let small = minimise({ ...subject, hasOneFault: false }, scenario, finding);
    if (small.scenario.steps.length > bug.minimum.steps + 1)
      small = minimise(subject, small.scenario, small.finding);
    this.note(small.finding);
    this.shortest = Math.min(this.shortest, small.scenario.steps.length);
    this.isReplayed &&= kindsReplayed(subject, small).includes(small.finding.kind);
  }
}

/** What a scenario shows after a way through a file, on a subject that nothing was run on before. */
function kindsReplayed(
  subject: Subject<AnyScenario>,
  { scenario, finding }: Minimised<AnyScenario>,
): FindingKind[] {
  const folder = mkdtempSync(join(tmpdir(), "iommu-spec-"));
  try {
    const path = join(folder, "found.json");
    const { kind, message, rules, witness } = finding;
    saveCounterexample(path, {
      format: "iommu-spec counterexample 1",
      implementation: subject.name,
      invariants: brokenBy(finding),
      seed: 0,
      known: null,
      steered: false,
      finding: { kind, message, rules: [...rules], witness: [...witness] },
      scenario,
    });
    return subject.judgeAfresh(loadScenario(path).scenario, []).findings.map((one) => one.kind);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
