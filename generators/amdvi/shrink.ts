/** Smaller AMD-Vi scenarios. */
import { PAGE_SIZES } from "../places.js";
import { askingForPages, MAPPING_STEPS, Shrinker } from "../shrinking-scenarios.js";
import { amdViFacts } from "./facts.js";
import type { AmdViScenario, AmdViStep, CommandTarget } from "./scenario.js";

const TRANSLATION_STEPS = [...MAPPING_STEPS, "attach", "detach", "set-device-table", "translation"];
const TARGET_SIZES = { all: 0, device: 100, "interrupt-table": 150, pages: 200, prefetch: 300 } as const;
/** Logarithm of the pages of the whole address space. */
const EVERYTHING = 52;

const shrinker = new Shrinker<AmdViStep, AmdViScenario>({
  preferences: {
    suppress: ["none", "all", "repeated"],
    exclusion: [false, true],
    size: PAGE_SIZES,
    skip: [0, 1, 2, 3, 4],
    sign: ["store", "interrupt", "none"],
    flush: [false, true],
    error: ["opcode", "reserved", "feature"],
    table: ["A", "B", "absent"],
    pages: [5, 4, 3, 2, 1],
    interrupt: [false, true],
    free: [0, 1, 2, 3],
    at: [0, 255, 254, 253, 252],
  },
  attachments: ["translated", "identity", "blocked", "untranslated"],
  sizeOfTarget,
  *simplerTargets(step) {
    if (step.do !== "invalidate") return;
    for (const target of simplerTargets(step.target)) yield { ...step, target };
  },
  withoutManySteps: passingThrough,
  *simplerHeader(scenario) {
    if (!scenario.exclusion) return;
    yield { ...scenario, exclusion: null };
    yield { ...scenario, exclusion: { ...scenario.exclusion, allow: false } };
    yield { ...scenario, exclusion: { ...scenario.exclusion, limit: scenario.exclusion.base } };
  },
  sizeOfHeader: ({ exclusion }) =>
    exclusion ? 10 + (exclusion.allow ? 1 : 0) + (exclusion.limit === exclusion.base ? 0 : 1) : 0,
  levelsOf: (profile) => amdViFacts(profile).levels,
});

/** How large an AMD-Vi scenario is. */
export function sizeOfAmdVi(scenario: AmdViScenario): readonly number[] {
  return shrinker.sizeOf(scenario);
}

/** AMD-Vi scenarios with something taken away, each smaller than the given one. */
export function simplerAmdViScenarios(scenario: AmdViScenario): Generator<AmdViScenario> {
  return shrinker.simpler(scenario);
}

/** With Mode 0 no mappings are needed, and without IommuEn no device table either. */
function* passingThrough(scenario: AmdViScenario): Generator<AmdViScenario> {
  const { steps } = scenario;
  yield { ...scenario, start: "reset", steps: askingForPages(steps, TRANSLATION_STEPS) };
  yield {
    ...scenario,
    steps: askingForPages(steps, MAPPING_STEPS).map(
      (step): AmdViStep => (step.do === "attach" ? { ...step, type: "identity" } : step),
    ),
  };
}

function sizeOfTarget(step: AmdViStep): number {
  if (step.do !== "invalidate") return 0;
  const { target } = step;
  const size = TARGET_SIZES[target.command];
  if (target.command === "prefetch") return size + target.order;
  if (target.command !== "pages") return size;
  return size - (target.order === EVERYTHING ? EVERYTHING + 1 : 0) + target.order + (target.tables ? 0 : 1);
}

function* simplerTargets(target: CommandTarget): Generator<CommandTarget> {
  yield { command: "all" };
  if (target.command === "prefetch") {
    yield { ...target, order: 0 };
    yield { command: "device", device: target.device };
  }
  if (target.command !== "pages") return;
  yield { ...target, iova: 0, order: EVERYTHING };
  yield { ...target, order: 0 };
  yield { ...target, tables: true };
}
