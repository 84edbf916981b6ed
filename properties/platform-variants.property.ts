/** Every faulty variant of platform software is found, shrunk to its argued minimum, and shown again from its file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultPlatformOptions } from "../generators/platform/generate.js";
import type { PlatformScenario } from "../generators/platform/scenario.js";
import { platformSoftware } from "../implementations/driver/platform/built-in.js";
import type { Finding, FindingKind } from "../model/finding.js";
import { loadScenario, saveCounterexample } from "./counterexample.js";
import { brokenBy } from "./invariants.js";
import { minimise } from "./minimise.js";
import { platformSubject } from "./platform/subject.js";
import type { Subject } from "./subject.js";

const MOST_RUNS = 4000;
/** Findings of a kind on a profile that are shrunk: they may come down to different things. */
const SHRUNK = 2;

describe.each(platformSoftware.map((one) => [one.name, one] as const))(
  "faulty variants of %s",
  (_, { architecture, variants }) => {
    it.each(variants.map((one) => [one.id, one] as const))("%s", (name, { software, minimum, breaks }) => {
      const subject = platformSubject({ name, software }, defaultPlatformOptions(architecture));
      const shrunk = new Map<string, number>();
      const broken = new Set<string>();
      let shortest = Number.POSITIVE_INFINITY;
      const isShown = () => shortest <= minimum.steps && breaks.every((one) => broken.has(one));
      for (let seed = 1; seed <= MOST_RUNS && !isShown(); seed++) {
        const scenario = subject.generate(seed);
        const [finding] = subject.judge(scenario, []).findings;
        if (!finding) continue;
        const alike = `${finding.kind} on ${scenario.profile}`;
        const before = shrunk.get(alike) ?? 0;
        if (before === SHRUNK) continue;
        shrunk.set(alike, before + 1);
        const found = minimise(subject, scenario, finding);
        for (const invariant of brokenBy(found.finding)) broken.add(invariant);
        shortest = Math.min(shortest, found.scenario.steps.length);
        expect(kindsReplayed(subject, found.scenario, found.finding)).toContain(finding.kind);
      }
      expect(shortest).toBe(minimum.steps);
      expect([...broken]).toEqual(expect.arrayContaining([...breaks]));
    });
  },
);

/** What a scenario shows after a way through a file, on software that nothing was run on before. */
function kindsReplayed(
  subject: Subject<PlatformScenario>,
  scenario: PlatformScenario,
  finding: Finding,
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
    const read = loadScenario(path).scenario as PlatformScenario;
    return subject.judgeAfresh(read, []).findings.map((one) => one.kind);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
