/** Smaller VT-d scenarios. */
import { profilesDrawn } from "../profiles-drawn.js";
import { askingForPages, MAPPING_STEPS, Shrinker } from "../shrinking-scenarios.js";
import { vtdFacts } from "./facts.js";
import { type InvalidationTargetOf, QUEUE_ERRORS, type VtdScenario, type VtdStep } from "./scenario.js";

const TRANSLATION_STEPS = [...MAPPING_STEPS, "attach", "detach", "set-root", "translation"];
const TARGET_SIZES = { global: 0, domain: 100, device: 200, page: 200 } as const;

/** Bits of entries: those that are reserved somewhere, addresses, rights. */
const BITS = [7, 8, 10, 11, 60, 61, 62, 63, 52, 51, 45, 38, 31, 20, 12, 2, 1, 0];

const shrinker = new Shrinker<VtdStep, VtdScenario>({
  preferences: {
    complete: [true, false],
    faultProcessingDisable: [false, true],
    size: ["4K", "2M", "1G"],
    sign: ["status", "interrupt", "both", "none"],
    fence: [false, true],
    root: [0, 1, 2],
    rewriteTail: [true, false],
    region: ["low", "high"],
    blocks: [1, 2, 3, 4, 0],
    error: QUEUE_ERRORS,
    bit: BITS,
  },
  attachments: ["translated", "all", "pass-through"],
  sizeOfTarget,
  *simplerTargets(step) {
    if (step.do !== "invalidate") return;
    for (const target of simplerTargets(step.target)) yield { ...step, target };
  },
  *withoutManySteps(scenario) {
    yield* throughRegisters(scenario);
    yield* passingThrough(scenario);
  },
  simplerHeader: () => [],
  sizeOfHeader: () => 0,
  levelsOf: (profile) => vtdFacts(profile).levels,
});

/** How large a VT-d scenario is. */
export function sizeOfVtd(scenario: VtdScenario): readonly number[] {
  return shrinker.sizeOf(scenario);
}

/** VT-d scenarios with something taken away, each smaller than the given one. */
export function simplerVtdScenarios(scenario: VtdScenario): Generator<VtdScenario> {
  return shrinker.simpler(scenario);
}

/**
 * Registers need no wait descriptors: an invalidation through them is waited for in the same step. A platform without
 * them gives way to one that has them.
 */
function* throughRegisters(scenario: VtdScenario): Generator<VtdScenario> {
  if (scenario.invalidation === "registers") return;
  const steps = scenario.steps
    .filter((step) => step.do !== "wait" && step.do !== "queue-error")
    .map((step) => (step.do === "invalidate" ? { ...step, complete: true } : step));
  if (steps.length === scenario.steps.length) return;
  const profiles = [scenario.profile, ...profilesDrawn.vtd.filter((one) => one !== scenario.profile)];
  for (const profile of profiles) {
    const { registers, levels } = vtdFacts(profile);
    if (!registers) continue;
    const domains = scenario.domains.map((one) =>
      levels.includes(one.levels) ? one : { ...one, levels: Math.max(...levels) },
    );
    yield { ...scenario, profile, invalidation: "registers", domains, steps };
  }
}

/** Pass-through, or no translation at all, needs no mappings. */
function* passingThrough(scenario: VtdScenario): Generator<VtdScenario> {
  const without = (kinds: readonly string[]) =>
    askingForPages(scenario.steps, kinds).map(
      (step): VtdStep => (step.do === "attach" ? { ...step, type: "pass-through" } : step),
    );
  yield { ...scenario, start: "reset", steps: without(TRANSLATION_STEPS) };
  if (vtdFacts(scenario.profile).passThrough) yield { ...scenario, steps: without(MAPPING_STEPS) };
}

function sizeOfTarget(step: VtdStep): number {
  if (step.do !== "invalidate") return 0;
  const { target } = step;
  let size: number = TARGET_SIZES[target.granularity];
  if ("drain" in target && target.drain) size += 1;
  if (target.granularity === "device") size += target.functionMask;
  if (target.granularity === "page") size += target.mask + (target.leafOnly ? 1 : 0);
  return size;
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
