/** Smaller driver scenarios: what is left when steps go, things are merged, fields take their simplest value. */
import { architectureOf, platformNamed } from "../../model/architectures.js";
import type { Profile } from "../../model/profile.js";
import { requesterId } from "../../model/words/address.js";
import { factsOf } from "../platform-facts.js";
import {
  addressesOf,
  distanceFrom,
  isBelow,
  merged,
  sizeOfAddresses,
  withAddresses,
  withFewerAddresses,
  withoutSteps,
  withoutUnused,
  withSimplerFields,
  withSimplerSteps,
} from "../shrinking.js";
import { type IntentScenario, type IntentStep, MOST_PAGES } from "./scenario.js";

type Together = Extract<IntentStep, { do: "together" }>;

/** The bits of a schedule. */
const SCHEDULE_BITS = 32;

/**
 * How large a scenario is: steps, with one that is two intents counted as two; steps in which two CPUs act; requester
 * ids and domains; fields away from their simplest value; addresses. The hardware's timing is no part of it: another
 * timing is another run, not a smaller scenario.
 */
export function intentSizeOf(scenario: IntentScenario): readonly number[] {
  const { steps, devices, domains } = scenario;
  const together = steps.filter((step) => step.do === "together").length;
  const requesters = devices.reduce((sum, one) => sum + one.requesters.length, 0);
  const ids = devices.flatMap((one) => one.requesters).reduce((sum, one) => sum + Math.log2(1 + one), 0);
  const fields = steps.reduce((sum, step) => sum + fieldsOf(step), sizeOfPlatform(scenario));
  return [
    steps.length + together,
    together,
    requesters + domains.length,
    fields,
    sizeOfAddresses(steps) + ids,
  ];
}

/** True when `one` is smaller than `other` in the first measure in which they differ. */
export function isSmallerIntent(one: IntentScenario, other: IntentScenario): boolean {
  return isBelow(intentSizeOf(one), intentSizeOf(other));
}

/**
 * Scenarios with something taken away, each smaller than the given one: without chunks of steps, without single
 * steps, with intents one after the other that were at the same time, with things merged or dropped, with simpler
 * fields and schedules, with fewer and smaller addresses.
 */
export function* simplerIntentScenarios(scenario: IntentScenario): Generator<IntentScenario> {
  for (const one of candidates(scenario)) if (isSmallerIntent(one, scenario)) yield one;
}

function* candidates(scenario: IntentScenario): Generator<IntentScenario> {
  yield* withoutSteps(scenario);
  yield* apart(scenario);
  yield* withoutUnused(scenario);
  yield* merged(scenario);
  yield* withoutAliases(scenario);
  yield* withSimplerSteps(scenario, simplerSteps);
  yield* onSimplerPlatform(scenario);
  yield* withFewerAddresses(scenario);
  yield* inLowerRegions(scenario);
  yield* withSmallerIds(scenario);
}

/** One of two intents alone, or one after the other. */
function* apart(scenario: IntentScenario): Generator<IntentScenario> {
  for (const [index, step] of scenario.steps.entries()) {
    if (step.do !== "together") continue;
    for (const steps of [[step.first], [step.second], [step.first, step.second], [step.second, step.first]]) {
      yield { ...scenario, steps: scenario.steps.toSpliced(index, 1, ...steps) };
    }
  }
}

/** A device with one of its two ids. */
function* withoutAliases(scenario: IntentScenario): Generator<IntentScenario> {
  for (const [index, device] of scenario.devices.entries()) {
    if (device.requesters.length < 2) continue;
    const steps = scenario.steps.map((step): IntentStep => {
      const carriesId = step.do === "dma" || step.do === "program";
      return carriesId && step.device === device.name ? { ...step, requester: 0 } : step;
    });
    for (const id of device.requesters) {
      const devices = scenario.devices.with(index, { ...device, requesters: [id] });
      yield { ...scenario, devices, steps };
    }
  }
}

/** Values of fields, the simplest first. */
const PREFERENCES: Readonly<Record<string, readonly unknown[]>> = {
  access: ["rw", "r", "w"],
  requester: [0, 1],
  type: ["read", "write", "zero-length-read", "atomic"],
};

const PROGRAMMED_ACCESSES = ["r", "w"];

function preferencesOf(step: IntentStep, name: string): readonly unknown[] | undefined {
  return step.do === "program" && name === "access" ? PROGRAMMED_ACCESSES : PREFERENCES[name];
}

function fieldsOf(step: IntentStep): number {
  let size = distanceFrom(preferencesOf, step);
  if ("pages" in step) size += step.pages - 1;
  if ("offset" in step) size += step.offset;
  if (step.do === "together")
    size += fieldsOf(step.first) + fieldsOf(step.second) + sizeOfSchedule(step.schedule);
  return size;
}

/** Few switches between the CPUs come first, then those that come early. */
function sizeOfSchedule(schedule: number): number {
  let set = 0;
  for (let rest = schedule; rest !== 0; rest = (rest & (rest - 1)) >>> 0) set++;
  return set * (SCHEDULE_BITS + 1) + SCHEDULE_BITS - Math.clz32(schedule);
}

function* simplerSteps(step: IntentStep): Generator<IntentStep> {
  if (step.do === "together") yield* simplerTogether(step);
  else yield* simplerParts(step);
}

function* simplerTogether(step: Together): Generator<Together> {
  for (const first of simplerParts(step.first)) yield { ...step, first };
  for (const second of simplerParts(step.second)) yield { ...step, second };
  for (const schedule of simplerSchedules(step.schedule)) yield { ...step, schedule };
}

function* simplerSchedules(schedule: number): Generator<number> {
  yield 0;
  for (let kept = SCHEDULE_BITS / 2; kept >= 1; kept /= 2) yield schedule & ((1 << kept) - 1);
  for (let bit = 0; bit < SCHEDULE_BITS; bit++) yield (schedule & ~(1 << bit)) >>> 0;
  for (let by = SCHEDULE_BITS / 2; by >= 1; by /= 2) yield schedule >>> by;
}

/** A step of one intent with a field at a simpler value. */
function* simplerParts<Step extends Exclude<IntentStep, Together>>(step: Step): Generator<Step> {
  if ("pages" in step) for (const pages of lesser(step.pages, 1)) yield { ...step, pages };
  if ("offset" in step) for (const offset of lesser(step.offset, 0)) yield { ...step, offset };
  yield* withSimplerFields(preferencesOf, step);
}

/** Numbers below one, the smallest first. */
function lesser(value: number, smallest: number): number[] {
  return [smallest, smallest + 1, value >> 1, value - 1].filter((one) => one >= smallest && one < value);
}

/** Registers before the queue, strict before deferred, translating before reset; a profile outweighs them. */
function sizeOfPlatform({ start, flushing, invalidation, profile }: IntentScenario): number {
  const choices = [start === "reset", flushing === "deferred", invalidation === "queue"];
  const rank = profilesLike(profile).findIndex((one) => one.id === profile);
  return choices.filter((one) => one).length + rank * choices.length;
}

/** The profiles of the same architecture. */
function profilesLike(profile: string): readonly Profile[] {
  return architectureOf(platformNamed(profile)).profiles;
}

function* onSimplerPlatform(scenario: IntentScenario): Generator<IntentScenario> {
  yield { ...scenario, start: "translating" };
  yield { ...scenario, flushing: "strict" };
  if (factsOf(scenario.profile).interfaces.includes("registers"))
    yield { ...scenario, invalidation: "registers" };
  for (const { id } of profilesLike(scenario.profile)) {
    if (id === scenario.profile) break;
    const { interfaces } = factsOf(id);
    const same = interfaces.includes(scenario.invalidation);
    yield { ...scenario, profile: id, invalidation: same ? scenario.invalidation : interfaces[0]! };
  }
}

/** Everything in one 2 MiB region moved to a lower one, where what is next to each other stays so. */
function* inLowerRegions(scenario: IntentScenario): Generator<IntentScenario> {
  const regionOf = (address: number) => Math.floor(address / MOST_PAGES);
  const regions = [...new Set(addressesOf(scenario.steps).map(regionOf))].sort((one, other) => one - other);
  for (const from of regions) {
    for (const into of regions) {
      if (into >= from) break;
      yield withAddresses(scenario, (address) =>
        regionOf(address) === from ? address - (from - into) * MOST_PAGES : address,
      );
    }
  }
}

/** A function of the root bus in the place of another one. */
function* withSmallerIds(scenario: IntentScenario): Generator<IntentScenario> {
  const taken = new Set(scenario.devices.flatMap((one) => one.requesters));
  for (const [index, device] of scenario.devices.entries()) {
    for (const [which, old] of device.requesters.entries()) {
      const id = requesterId(0, 4 + index, which);
      if (id >= old || taken.has(id)) continue;
      const requesters = device.requesters.with(which, id);
      yield { ...scenario, devices: scenario.devices.with(index, { ...device, requesters }) };
    }
  }
}
