/**
 * Scenarios as plain data: a platform, its functions and domains, and steps that name what they refer to. They are
 * checked on the way in, round-trip through JSON and replay exactly. Each architecture has its own language for what is
 * its own; steps that mean the same are the same (`steps.ts`).
 */
import * as t from "io-ts";
import { type AmdViScenario, amdViScenarioCodec } from "./amdvi/scenario.js";
import { checked } from "./codec.js";
import { type VtdScenario, vtdScenarioCodec } from "./vtd/scenario.js";

export { ScenarioError } from "./codec.js";

export const scenarioCodec = t.union(
  [vtdScenarioCodec, amdViScenarioCodec],
  'a scenario of architecture "vtd" or "amdvi"',
);

export type Scenario = VtdScenario | AmdViScenario;
export type Step = Scenario["steps"][number];

/** The scenario with those of its steps that `keep` says yes to. */
export function keepingSteps(scenario: Scenario, keep: (step: Step, index: number) => boolean): Scenario {
  // Written twice, as steps of a scenario stay steps of its architecture only where that is known.
  return scenario.architecture === "vtd"
    ? { ...scenario, steps: scenario.steps.filter(keep) }
    : { ...scenario, steps: scenario.steps.filter(keep) };
}

/**
 * A scenario from its parsed JSON.
 * @throws ScenarioError naming the first place that does not fit
 */
export function scenarioFrom(data: unknown): Scenario {
  return checked(scenarioCodec, data);
}
