/** Scenarios in words. */
import { describeIntent } from "../generators/intents/describe.js";
import type { IntentScenario } from "../generators/intents/scenario.js";
import type { Scenario } from "../generators/scenario.js";
import { showRequester } from "../model/words/address.js";
import type { AnyScenario } from "../properties/subject.js";
import { describeAmdViPlatform, describeAmdViStep } from "./amdvi-steps.js";
import { describeVtdPlatform, describeVtdStep, INTERFACES } from "./vtd-steps.js";

/** What a scenario runs on, and its steps, one line each. */
export function describeScenario(scenario: AnyScenario): { platform: string[]; steps: string[] } {
  if (isForDriver(scenario))
    return { platform: describeDriverPlatform(scenario), steps: scenario.steps.map(describeIntent) };
  const platform = [...describeStart(scenario), ...describeNames(scenario)];
  const steps =
    scenario.architecture === "vtd"
      ? scenario.steps.map(describeVtdStep)
      : scenario.steps.map(describeAmdViStep);
  return { platform, steps };
}

/** True for scenarios of intents. */
export function isForDriver(scenario: AnyScenario): scenario is IntentScenario {
  return scenario.format === "iommu-spec driver scenario 1";
}

function describeDriverPlatform(scenario: IntentScenario): string[] {
  const { profile, start, invalidation, flushing, devices } = scenario;
  const names = devices.map((one) => `${one.name} = ${one.requesters.map(showRequester).join(" and ")}`);
  return [
    `profile ${profile}, starts ${start}, invalidates through ${INTERFACES[invalidation]}, ${flushing} flushing`,
    `devices: ${names.join(", ")}`,
  ];
}

function describeStart(scenario: Scenario): string[] {
  return scenario.architecture === "vtd" ? describeVtdPlatform(scenario) : describeAmdViPlatform(scenario);
}

/** Functions and domains by their names. */
function describeNames(scenario: Scenario): string[] {
  const devices = scenario.devices.map((one) => `${one.name} = ${showRequester(one.requester)}`);
  const domains = scenario.domains.map((one) => `${one.name} = id ${one.id}, ${one.levels} levels`);
  return [`functions: ${devices.join(", ")}`, `domains: ${domains.join(", ")}`];
}
