/** Smaller scenarios: what is left when steps go, things are merged, fields take their simplest value. */
import { factsOf } from "./platform-facts.js";
import type { InvalidationTargetOf, Scenario, Step } from "./scenario.js";
import {
  distanceFrom,
  isBelow,
  merged,
  sizeOfAddresses,
  withFewerAddresses,
  withoutSteps,
  withoutUnused,
  withSimplerFields,
  withSimplerSteps,
} from "./shrinking.js";

/**
 * How large a scenario is: steps, then devices and domains, then fields away from their simplest value, then addresses.
 * The implementation's timing is no part of it: another timing is another run, not a smaller scenario.
 */
export function sizeOf(scenario: Scenario): readonly number[] {
  let fields = scenario.start === "reset" ? 1 : 0;
  for (const { id, levels } of scenario.domains) fields += id + levels;
  for (const step of scenario.steps) fields += fieldsOf(step);
  return [
    scenario.steps.length,
    scenario.devices.length + scenario.domains.length,
    fields,
    sizeOfAddresses(scenario.steps),
  ];
}

/** True when `one` is smaller than `other` in the first measure in which they differ. */
export function isSmaller(one: Scenario, other: Scenario): boolean {
  return isBelow(sizeOf(one), sizeOf(other));
}

/**
 * Scenarios with something taken away, each smaller than the given one: without chunks of steps, without single
 * steps, with things merged or dropped, with simpler fields, with fewer and smaller addresses.
 */
export function* simplerScenarios(scenario: Scenario): Generator<Scenario> {
  for (const one of candidates(scenario)) if (isSmaller(one, scenario)) yield one;
}

function* candidates(scenario: Scenario): Generator<Scenario> {
  yield* withoutSteps(scenario);
  yield* throughRegisters(scenario);
  yield* passingThrough(scenario);
  yield* withoutUnused(scenario);
  yield* merged(scenario);
  yield* withSimplerSteps(scenario, simplerSteps);
  yield* simplerPlatform(scenario);
  yield* withFewerAddresses(scenario);
}

/** Registers need no wait descriptors: an invalidation through them is waited for in the same step. */
function* throughRegisters(scenario: Scenario): Generator<Scenario> {
  if (scenario.invalidation === "registers" || !factsOf(scenario.profile).registers) return;
  const steps = scenario.steps
    .filter((step) => step.do !== "wait" && step.do !== "queue-error")
    .map((step) => (step.do === "invalidate" ? { ...step, complete: true } : step));
  if (steps.length < scenario.steps.length) yield { ...scenario, invalidation: "registers", steps };
}

const MAPPING_STEPS: readonly Step["do"][] = ["map", "unmap", "protect", "retable"];
const TRANSLATION_STEPS: readonly Step["do"][] = [
  ...MAPPING_STEPS,
  "attach",
  "detach",
  "set-root",
  "translation",
];

/** Pass-through, or no translation at all, needs no mappings: requests ask for the page that theirs led to. */
function* passingThrough(scenario: Scenario): Generator<Scenario> {
  const led = new Map(
    scenario.steps.flatMap((step) => (step.do === "map" ? [[step.iova, step.page] as const] : [])),
  );
  const without = (kinds: readonly Step["do"][]) =>
    scenario.steps
      .filter((step) => !kinds.includes(step.do))
      .map((step): Step => {
        if (step.do === "attach") return { ...step, type: "pass-through" };
        return step.do === "dma" ? { ...step, iova: led.get(step.iova) ?? step.iova } : step;
      });
  yield { ...scenario, start: "reset", steps: without(TRANSLATION_STEPS) };
  if (factsOf(scenario.profile).passThrough) yield { ...scenario, steps: without(MAPPING_STEPS) };
}

/** Values of fields, the simplest first. */
const PREFERENCES: Readonly<Record<string, readonly unknown[]>> = {
  writeBack: [true, false],
  complete: [true, false],
  faultProcessingDisable: [false, true],
  access: ["rw", "r", "w"],
  size: ["4K", "2M", "1G"],
  sign: ["status", "interrupt", "none"],
  fence: [false, true],
  clear: [false, true],
  crossing: [false, true],
  length: [8, 4],
  root: [0, 1, 2],
  spare: [0, 1, 2],
  rewriteTail: [true, false],
  error: ["type", "reserved", "granularity"],
};
const TYPES: Readonly<Record<string, readonly unknown[]>> = {
  attach: ["translated", "all", "pass-through"],
  dma: ["read", "write", "zero-length-read", "atomic"],
};

function preferencesOf(step: Step, name: string): readonly unknown[] | undefined {
  return name === "type" ? TYPES[step.do] : PREFERENCES[name];
}

function fieldsOf(step: Step): number {
  return distanceFrom(preferencesOf, step) + (step.do === "invalidate" ? sizeOfTarget(step.target) : 0);
}

const TARGET_SIZES = { global: 0, domain: 100, device: 200, page: 200 } as const;

function sizeOfTarget(target: InvalidationTargetOf): number {
  let size: number = TARGET_SIZES[target.granularity];
  if ("drain" in target && target.drain) size += 1;
  if (target.granularity === "device") size += target.functionMask;
  if (target.granularity === "page") size += target.mask + (target.leafOnly ? 1 : 0);
  return size;
}

function* simplerSteps(step: Step): Generator<Step> {
  if (step.do === "invalidate") {
    for (const target of simplerTargets(step.target)) yield { ...step, target };
  }
  yield* withSimplerFields(preferencesOf, step);
}

function* simplerTargets(target: InvalidationTargetOf): Generator<InvalidationTargetOf> {
  if (target.cache === "context") {
    yield { cache: "context", granularity: "global" };
    if ("domain" in target) yield { cache: "context", granularity: "domain", domain: target.domain };
    if (target.granularity === "device") yield { ...target, functionMask: 0 };
    return;
  }
  const { drain } = target;
  yield { cache: "iotlb", granularity: "global", drain };
  if ("domain" in target) yield { cache: "iotlb", granularity: "domain", domain: target.domain, drain };
  yield { ...target, drain: false };
  if (target.granularity !== "page") return;
  yield { ...target, mask: 0 };
  yield { ...target, leafOnly: false };
}

function* simplerPlatform(scenario: Scenario): Generator<Scenario> {
  yield { ...scenario, start: "translating" };
  const supported = factsOf(scenario.profile).levels;
  for (const [index, domain] of scenario.domains.entries()) {
    const change = (values: Partial<typeof domain>) => {
      const domains = [...scenario.domains];
      domains[index] = { ...domain, ...values };
      return { ...scenario, domains };
    };
    for (const levels of supported) if (levels < domain.levels) yield change({ levels });
    if (domain.id > index + 1) yield change({ id: index + 1 });
  }
}
