/** Smaller scenarios: what is left when steps go, things are merged, fields take their simplest value. */
import { factsOf } from "./platform-facts.js";
import type { InvalidationTargetOf, Scenario, Step } from "./scenario.js";

/**
 * How large a scenario is: steps, then devices and domains, then fields away from their simplest value, then addresses.
 * The implementation's timing is no part of it: another timing is another run, not a smaller scenario.
 */
export function sizeOf(scenario: Scenario): readonly number[] {
  let fields = scenario.start === "reset" ? 1 : 0;
  for (const { id, levels } of scenario.domains) fields += id + levels;
  let addresses = 0;
  for (const step of scenario.steps) {
    fields += fieldsOf(step);
    addresses += addressesOf(step).reduce((sum, one) => sum + Math.log2(1 + one), 0);
  }
  return [scenario.steps.length, scenario.devices.length + scenario.domains.length, fields, addresses];
}

/** True when `one` is smaller than `other` in the first measure in which they differ. */
export function isSmaller(one: Scenario, other: Scenario): boolean {
  const sizes = sizeOf(one);
  const others = sizeOf(other);
  const at = sizes.findIndex((size, index) => size !== others[index]);
  return at >= 0 && sizes[at]! < others[at]!;
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
  yield* simplerFields(scenario);
  yield* simplerPlatform(scenario);
  yield* fewerAddresses(scenario);
}

function* withoutSteps(scenario: Scenario): Generator<Scenario> {
  const { steps } = scenario;
  for (let chunk = Math.ceil(steps.length / 2); chunk >= 1; chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)) {
    for (let from = 0; from < steps.length; from += chunk) {
      yield { ...scenario, steps: [...steps.slice(0, from), ...steps.slice(from + chunk)] };
    }
  }
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

/** Names of devices and domains that a step mentions. */
function namesIn(step: Step): string[] {
  const target = step.do === "invalidate" ? step.target : step.do === "corrupt" ? step.entry : step;
  const names: string[] = [];
  if ("device" in target) names.push(target.device);
  if ("domain" in target) names.push(target.domain);
  return names;
}

function* withoutUnused(scenario: Scenario): Generator<Scenario> {
  const used = new Set(scenario.steps.flatMap(namesIn));
  const devices = scenario.devices.filter((one) => used.has(one.name));
  const domains = scenario.domains.filter((one) => used.has(one.name));
  yield { ...scenario, devices, domains };
}

/** One device, or domain, everywhere in the place of another. */
function* merged(scenario: Scenario): Generator<Scenario> {
  const { devices, domains } = scenario;
  for (const [into, from] of pairsOf(devices)) {
    const rest = devices.filter((one) => one !== from);
    yield { ...scenario, devices: rest, steps: renamed(scenario.steps, "device", from.name, into.name) };
  }
  for (const [into, from] of pairsOf(domains)) {
    const rest = domains.filter((one) => one !== from);
    yield { ...scenario, domains: rest, steps: renamed(scenario.steps, "domain", from.name, into.name) };
  }
}

function pairsOf<T>(list: readonly T[]): [T, T][] {
  return list.flatMap((into) => list.filter((from) => from !== into).map((from): [T, T] => [into, from]));
}

/** The steps with every mention of one device or domain replaced by another. */
function renamed(steps: readonly Step[], what: "device" | "domain", from: string, into: string): Step[] {
  return steps.map((step) =>
    replaced(step, (name, value) => (name === what && value === from ? into : value)),
  );
}

/** A copy of plain data with each field given to `change`. */
function replaced<T extends object>(data: T, change: (name: string, value: unknown) => unknown): T {
  const copy = Object.entries(data).map(([name, value]) => [
    name,
    typeof value === "object" && value !== null ? replaced(value, change) : change(name, value),
  ]);
  return Object.fromEntries(copy) as T;
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
  let size = step.do === "invalidate" ? sizeOfTarget(step.target) : 0;
  for (const [name, value] of Object.entries(step)) {
    const preferences = preferencesOf(step, name);
    if (preferences) size += Math.max(0, preferences.indexOf(value));
  }
  return size;
}

const TARGET_SIZES = { global: 0, domain: 100, device: 200, page: 200 } as const;

function sizeOfTarget(target: InvalidationTargetOf): number {
  let size: number = TARGET_SIZES[target.granularity];
  if ("drain" in target && target.drain) size += 1;
  if (target.granularity === "device") size += target.functionMask;
  if (target.granularity === "page") size += target.mask + (target.leafOnly ? 1 : 0);
  return size;
}

function* simplerFields(scenario: Scenario): Generator<Scenario> {
  for (const [index, step] of scenario.steps.entries()) {
    for (const simpler of simplerSteps(step)) {
      const steps = [...scenario.steps];
      steps[index] = simpler;
      yield { ...scenario, steps };
    }
  }
}

function* simplerSteps(step: Step): Generator<Step> {
  if (step.do === "invalidate") {
    for (const target of simplerTargets(step.target)) yield { ...step, target };
  }
  for (const [name, value] of Object.entries(step)) {
    const preferences = preferencesOf(step, name) ?? [];
    for (const simpler of preferences.slice(0, Math.max(0, preferences.indexOf(value)))) {
      yield { ...step, [name]: simpler } as Step;
    }
  }
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

function isAddress(name: string): boolean {
  return name === "iova" || name === "page";
}

function addressesOf(step: Step): number[] {
  const found: number[] = [];
  replaced(step, (name, value) => {
    if (isAddress(name)) found.push(value as number);
    return value;
  });
  return found;
}

/** One address everywhere in the place of a larger one. */
function* fewerAddresses(scenario: Scenario): Generator<Scenario> {
  const addresses = [...new Set(scenario.steps.flatMap(addressesOf))].sort((one, other) => one - other);
  for (const from of addresses) {
    for (const into of addresses) {
      if (into >= from) break;
      const change = (name: string, value: unknown) => (isAddress(name) && value === from ? into : value);
      yield { ...scenario, steps: scenario.steps.map((step) => replaced(step, change)) };
    }
  }
}
