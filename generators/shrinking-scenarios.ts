/** Making scenarios of steps smaller: what every architecture has in common. */

import {
  distanceFrom,
  isBelow,
  merged,
  type Shrinkable,
  sizeOfAddresses,
  withFewerAddresses,
  withoutSteps,
  withoutUnused,
  withSimplerFields,
  withSimplerSteps,
} from "./shrinking.js";
import type { Header, MapStep } from "./steps.js";

interface AnyStep {
  readonly do: string;
}
type AnyScenario<Step extends AnyStep> = Header & Shrinkable<Step>;

/** What makes the scenarios of an architecture smaller. */
export interface ShrinkRules<Step extends AnyStep, Scenario extends AnyScenario<Step>> {
  /** Values of the fields of its own steps, the simplest first. */
  readonly preferences: Readonly<Record<string, readonly unknown[]>>;
  /** Types of attachment, the simplest first. */
  readonly attachments: readonly string[];
  /** What the target of an invalidation adds to the size of its step. */
  sizeOfTarget(step: Step): number;
  /** A step about something simpler. */
  simplerTargets(step: Step): Iterable<Step>;
  /** Ways to do without many steps at once. */
  withoutManySteps(scenario: Scenario): Iterable<Scenario>;
  /** Simpler platforms, domains apart; what the header of its own adds to the size. */
  simplerHeader(scenario: Scenario): Iterable<Scenario>;
  sizeOfHeader(scenario: Scenario): number;
  /** Numbers of levels that the platform supports. */
  levelsOf(profile: string): readonly number[];
}

const COMMON_PREFERENCES: Readonly<Record<string, readonly unknown[]>> = {
  writeBack: [true, false],
  access: ["rw", "r", "w", "none"],
  clear: [false, true],
  crossing: [false, true],
  length: [8, 4],
  spare: [0, 1, 2],
};
const REQUEST_TYPES = ["read", "write", "zero-length-read", "atomic"];

/** Steps that only mappings need. */
export const MAPPING_STEPS: readonly string[] = ["map", "unmap", "protect", "retable"];

/** Makes the scenarios of an architecture smaller. */
export class Shrinker<Step extends AnyStep, Scenario extends AnyScenario<Step>> {
  constructor(private readonly rules: ShrinkRules<Step, Scenario>) {}

  /** How large a scenario is; see `sizeOf` in `shrink.ts`. */
  sizeOf(scenario: Scenario): readonly number[] {
    const { steps, devices, domains, start } = scenario;
    let fields = (start === "reset" ? 1 : 0) + this.rules.sizeOfHeader(scenario);
    for (const { id, levels } of domains) fields += id + levels;
    for (const step of steps)
      fields += distanceFrom(this.preferencesOf, step) + this.rules.sizeOfTarget(step);
    return [steps.length, devices.length + domains.length, fields, sizeOfAddresses(steps)];
  }

  /** Scenarios that are smaller than the given one, those with much taken away first. */
  *simpler(scenario: Scenario): Generator<Scenario> {
    const size = this.sizeOf(scenario);
    for (const one of this.candidates(scenario)) if (isBelow(this.sizeOf(one), size)) yield one;
  }

  private *candidates(scenario: Scenario): Generator<Scenario> {
    yield* withoutSteps(scenario);
    yield* this.rules.withoutManySteps(scenario);
    yield* withoutUnused(scenario);
    yield* merged(scenario);
    yield* withSimplerSteps<Step, Scenario>(scenario, (step) => this.simplerSteps(step));
    yield { ...scenario, start: "translating" };
    yield* this.rules.simplerHeader(scenario);
    yield* withSimplerDomains(scenario, this.rules.levelsOf(scenario.profile));
    yield* withFewerAddresses(scenario);
  }

  private *simplerSteps(step: Step): Generator<Step> {
    yield* this.rules.simplerTargets(step);
    yield* withSimplerFields(this.preferencesOf, step);
  }

  private readonly preferencesOf = (step: Step, name: string): readonly unknown[] | undefined => {
    if (name !== "type") return this.rules.preferences[name] ?? COMMON_PREFERENCES[name];
    return step.do === "attach" ? this.rules.attachments : step.do === "dma" ? REQUEST_TYPES : undefined;
  };
}

/** The scenario with a domain of fewer levels, or with the id that is its number. */
function* withSimplerDomains<S extends Header>(scenario: S, supported: readonly number[]): Generator<S> {
  for (const [index, domain] of scenario.domains.entries()) {
    const change = (values: Partial<typeof domain>) => ({
      ...scenario,
      domains: scenario.domains.with(index, { ...domain, ...values }),
    });
    for (const levels of supported) if (levels < domain.levels) yield change({ levels });
    if (domain.id > index + 1) yield change({ id: index + 1 });
  }
}

/**
 * Steps of which some kinds are gone, as they can be where nothing is translated: requests ask for the page that theirs
 * led to.
 */
export function askingForPages<Step extends AnyStep>(
  steps: readonly Step[],
  without: readonly string[],
): Step[] {
  const led = new Map(steps.flatMap((step) => (isMap(step) ? [[step.iova, step.page] as const] : [])));
  return steps
    .filter((step) => !without.includes(step.do))
    .map((step) => (isRequest(step) ? { ...step, iova: led.get(step.iova) ?? step.iova } : step));
}

function isMap<Step extends AnyStep>(step: Step): step is Step & Pick<MapStep, "iova" | "page"> {
  return step.do === "map";
}

function isRequest<Step extends AnyStep>(step: Step): step is Step & { readonly iova: number } {
  return step.do === "dma";
}
