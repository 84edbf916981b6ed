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
    for (let seed = 1; seed <= MOST_RUNS && !this.isOver(seed > ENOUGH_RUNS ? 1 : 0); seed++) {
      const scenario = subject.generate(seed);
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
