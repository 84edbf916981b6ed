/** Smaller platform scenarios: what is left when steps go, the machine gets smaller, fields take their simplest value. */
import { architectureOf, platformNamed } from "../../model/architectures.js";
import { locatedFunctions } from "../../model/pci/functions.js";
import { isBridge } from "../../model/pci/topology.js";
import type { Profile } from "../../model/profile.js";
import { factsOf } from "../platform-facts.js";
import {
  distanceFrom,
  isBelow,
  renamed,
  sizeOfAddresses,
  withFewerAddresses,
  withoutSteps,
  withSimplerFields,
  withSimplerSteps,
} from "../shrinking.js";
import { canLeave } from "./platform.js";
import type { PlatformScenario, PlatformStep } from "./scenario.js";
import { onSmallerMachines, sizeOfMachine } from "./simpler-platform.js";

/** How firmware leaves the machine behind, the simplest first. */
const LEAVES: readonly PlatformScenario["leaves"][] = ["off", "stale", "protected", "translating"];

/** Values of fields, the simplest first. */
const PREFERENCES: Readonly<Record<string, readonly unknown[]>> = {
  access: ["rw", "r"],
  type: ["read", "write", "zero-length-read", "atomic"],
};

const preferencesOf = (_: PlatformStep, name: string) => PREFERENCES[name];

/**
 * How large a scenario is: steps; what the machine is made of, with domains; fields away from their simplest value;
 * devices that steps name, by their order on the machine, and addresses.
 */
export function platformSizeOf(scenario: PlatformScenario): readonly number[] {
  const { steps, leaves } = scenario;
  const machine = sizeOfMachine(scenario);
  const fields = steps.reduce((sum, step) => sum + fieldsOf(step), machine.fields);
  const names = endpointNames(scenario);
  const devices = steps.reduce(
    (sum, step) => sum + ("device" in step ? names.indexOf(step.device) + 1 : 0),
    0,
  );
  return [
    steps.length,
    machine.parts + domainsOf(steps).length,
    LEAVES.indexOf(leaves) + fields + sizeOfChoices(scenario),
    devices + sizeOfAddresses(steps),
  ];
}

/** True when `one` is smaller than `other` in the first measure in which they differ. */
export function isSmallerPlatformScenario(one: PlatformScenario, other: PlatformScenario): boolean {
  return isBelow(platformSizeOf(one), platformSizeOf(other));
}

/**
 * Scenarios with something taken away, each smaller than the given one: without steps, on smaller machines, with fewer
 * domains and devices, with simpler fields, with fewer and smaller addresses.
 */
export function* simplerPlatformScenarios(scenario: PlatformScenario): Generator<PlatformScenario> {
  for (const one of candidates(scenario)) if (isSmallerPlatformScenario(one, scenario)) yield one;
}

function* candidates(scenario: PlatformScenario): Generator<PlatformScenario> {
  yield* withoutSteps(scenario);
  yield* onSmallerMachines(scenario);
  yield* withOthers(scenario);
  for (const leaves of LEAVES) {
    if (leaves === scenario.leaves) break;
    if (canLeave(scenario.profile, leaves)) yield { ...scenario, leaves };
  }
  yield* withSimplerSteps(scenario, simplerSteps);
  yield* onSimplerProfile(scenario);
  yield* withFewerAddresses(scenario);
}

function domainsOf(steps: readonly PlatformStep[]): string[] {
  return [...new Set(steps.flatMap((step) => ("domain" in step ? [step.domain] : [])))];
}

function endpointNames({ platform }: PlatformScenario): string[] {
  return locatedFunctions(platform.topology)
    .filter((one) => one.physical !== null || !isBridge(one.self))
    .map((one) => one.name);
}

/** One device, or domain, everywhere in the place of another. */
function* withOthers(scenario: PlatformScenario): Generator<PlatformScenario> {
  const { steps } = scenario;
  const domains = domainsOf(steps);
  for (const from of domains)
    for (const into of domains)
      if (into !== from) yield { ...scenario, steps: renamed(steps, "domain", from, into) };
  const names = endpointNames(scenario);
  for (const from of new Set(steps.flatMap((step) => ("device" in step ? [step.device] : [])))) {
    for (const into of names) {
      if (into === from) break;
      yield { ...scenario, steps: renamed(steps, "device", from, into) };
    }
  }
}

function fieldsOf(step: PlatformStep): number {
  let size = distanceFrom(preferencesOf, step);
  if ("pages" in step) size += step.pages - 1;
  if ("count" in step) size += step.count;
  if ("as" in step) size += step.as;
  return size;
}

function* simplerSteps(step: PlatformStep): Generator<PlatformStep> {
  if ("pages" in step) for (const pages of lesser(step.pages, 1)) yield { ...step, pages };
  if ("count" in step)
    for (const count of lesser(step.count, step.do === "storm" ? 1 : 0)) yield { ...step, count };
  if ("as" in step) for (const as of lesser(step.as, 0)) yield { ...step, as };
  yield* withSimplerFields(preferencesOf, step);
}

/** Numbers below one, the smallest first. */
function lesser(value: number, smallest: number): number[] {
  return [smallest, value >> 1, value - 1].filter((one) => one >= smallest && one < value);
}

/** Registers before the queue; a profile outweighs them. */
function sizeOfChoices({ invalidation, profile }: PlatformScenario): number {
  const rank = profilesLike(profile).findIndex((one) => one.id === profile);
  return Number(invalidation === "queue") + 2 * rank;
}

/** The profiles of the same architecture. */
function profilesLike(profile: string): readonly Profile[] {
  return architectureOf(platformNamed(profile)).profiles;
}

function* onSimplerProfile(scenario: PlatformScenario): Generator<PlatformScenario> {
  if (factsOf(scenario.profile).interfaces.includes("registers"))
    yield { ...scenario, invalidation: "registers" };
  for (const { id, hostAddressWidth } of profilesLike(scenario.profile)) {
    if (id === scenario.profile) break;
    if (!canLeave(id, scenario.leaves)) continue;
    const { interfaces } = factsOf(id);
    const same = interfaces.includes(scenario.invalidation);
    const platform = { ...scenario.platform, hostAddressWidth };
    yield { ...scenario, platform, profile: id, invalidation: same ? scenario.invalidation : interfaces[0]! };
  }
}
