/** Runs of the reference unit on random scenarios: nothing it shows is inadmissible, and every part is exercised. */
import { describe, expect, it } from "vitest";
import { compileScenario } from "../../generators/compile.js";
import { defaultOptions, generateScenario } from "../../generators/generate.js";
import { ReferenceIommu } from "../../implementations/iommu/reference/reference.js";
import { OutsideModel } from "../finding.js";
import type { Rule } from "../words/rule.js";
import {
  commandRules,
  eventRules,
  invalidationRules,
  registerRules,
  servedRules,
} from "./behaviour-rules.js";
import { AmdViOracle } from "./oracle.js";
import { amdViProfile, platformOf } from "./profile.js";

const SEEDS = 250;

/** What is inadmissible in the run of one seed, in words, or null. */
function judged(seed: number, iommu: ReferenceIommu, oracles: Map<string, AmdViOracle>): string | null {
  const { setup, actions } = compileScenario(generateScenario(seed, defaultOptions("amdvi")));
  const profile = amdViProfile(setup.profile);
  const oracle = oracles.get(profile.id) ?? new AmdViOracle(platformOf(profile));
  oracles.set(profile.id, oracle);
  iommu.reset(setup);
  const seen = iommu.execute(actions);
  oracle.reset(setup);
  try {
    for (const [index, action] of actions.entries()) {
      const finding = oracle.perform(action, seen[index]!, index);
      if (finding) return `seed ${seed}, action ${index}: ${finding.kind}, ${finding.message}`;
    }
    oracle.finish();
  } catch (error) {
    if (!(error instanceof OutsideModel)) throw error;
  }
  return null;
}

describe("the reference unit", () => {
  it("shows nothing inadmissible, and reaches every rule of its behaviour", () => {
    const iommu = new ReferenceIommu();
    const oracles = new Map<string, AmdViOracle>();
    for (let seed = 0; seed < SEEDS; seed++) expect(judged(seed, iommu, oracles)).toBeNull();
    const groups = [commandRules, eventRules, invalidationRules, registerRules, servedRules];
    const missing = groups
      .flatMap((group) => Object.values(group) as Rule[])
      .filter((rule) => [...oracles.values()].every(({ coverage }) => coverage.countOf(rule) === 0));
    expect(missing.map((one) => one.id)).toEqual([]);
  });
});
