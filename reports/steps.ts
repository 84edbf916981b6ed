/** Scenarios in words. */
import { describeIntent } from "../generators/intents/describe.js";
import type { IntentScenario } from "../generators/intents/scenario.js";
import { describeLeaves, describePlatformStep } from "../generators/platform/describe.js";
import type { PlatformScenario } from "../generators/platform/scenario.js";
import type { Scenario } from "../generators/scenario.js";
import { showRequester } from "../model/words/address.js";
import type { AnyScenario } from "../properties/subject.js";
import { describeAmdViPlatform, describeAmdViStep } from "./amdvi-steps.js";
import { platformTree } from "./topology.js";
import { describeVtdPlatform, describeVtdStep, INTERFACES } from "./vtd-steps.js";

/** What a scenario runs on, and its steps, one line each. */
export function describeScenario(scenario: AnyScenario): { platform: string[]; steps: string[] } {
  if (isForDriver(scenario))
    return { platform: describeDriverPlatform(scenario), steps: scenario.steps.map(describeIntent) };
  if (isForPlatform(scenario))
    return { platform: describeMachine(scenario), steps: scenario.steps.map(describePlatformStep) };
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

/** True for scenarios of a whole machine. */
export function isForPlatform(scenario: AnyScenario): scenario is PlatformScenario {
  return scenario.format === "iommu-spec platform scenario 1";
}

function describeDriverPlatform(scenario: IntentScenario): string[] {
  const { profile, start, invalidation, flushing, devices } = scenario;
  const names = devices.map((one) => `${one.name} = ${one.requesters.map(showRequester).join(" and ")}`);
  return [
    `profile ${profile}, starts ${start}, invalidates through ${INTERFACES[invalidation]}, ${flushing} flushing`,
    `devices: ${names.join(", ")}`,
  ];
}

function describeMachine(scenario: PlatformScenario): string[] {
  const { profile, invalidation, leaves, platform, absent } = scenario;
  return [
    `profile ${profile}, invalidates through ${INTERFACES[invalidation]}, ${describeLeaves(leaves)}`,
    ...platformTree(platform),
    ...(absent.length > 0 ? [`not there at first: ${absent.join(", ")}`] : []),
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
