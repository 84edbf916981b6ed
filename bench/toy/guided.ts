/**
 * The protocol as this project writes scenarios: one draw is the seed of a whole scenario, which is expanded by the state
 * that its own steps lead to; steps are plain data, and shrinking deletes them and puts one requester in the place of all.
 */
import { SeededArbitrary } from "../../generators/seeded-arbitrary.js";
import { withoutSteps } from "../../generators/shrinking.js";
import { Chance } from "../../model/words/chance.js";
import { DOMAINS, PAGES, Protocol, REQUESTERS, Stage, type Step, violationOf } from "./protocol.js";
import { MOST_STEPS, type Way } from "./way.js";

/** A scenario: a list of steps, in the form that shrinking takes. */
interface Scenario {
  readonly steps: Step[];
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const EACH_DOMAIN = upTo(DOMAINS);
const EACH_REQUESTER = upTo(REQUESTERS);
const EACH_PAGE = upTo(PAGES);

// Steps are never changed, so that every scenario can have the same ones.
const COMPLETE: Step = { do: "complete" };
const SUBMIT = EACH_DOMAIN.map((domain): Step => ({ do: "submit", domain }));
const FREE = EACH_PAGE.map((page): Step => ({ do: "free", page }));
const ATTACH = EACH_REQUESTER.flatMap((requester) =>
  EACH_DOMAIN.map((domain): Step => ({ do: "attach", requester, domain })),
);
const REQUEST = EACH_REQUESTER.flatMap((requester) =>
  EACH_PAGE.map((iova): Step => ({ do: "request", requester, iova })),
);
const UNMAP = EACH_DOMAIN.flatMap((domain) => EACH_PAGE.map((iova): Step => ({ do: "unmap", domain, iova })));
const MAP = EACH_DOMAIN.flatMap((domain) =>
  EACH_PAGE.flatMap((iova) => EACH_PAGE.map((page): Step => ({ do: "map", domain, iova, page }))),
);
const STEPS = [COMPLETE, ...SUBMIT, ...FREE, ...ATTACH, ...REQUEST, ...UNMAP, ...MAP];
const KNOWN = new Set(STEPS.map((step) => JSON.stringify(step)));

/** Draws what is worth doing in the state that correct software is in by then. */
class Guide {
  private readonly chance = new Chance();
  private readonly model = new Protocol("after-completion");
  /** The address that was mapped or asked for last. */
  private recent = 0;

  /** The steps of a seed. */
  steps(seed: number): Step[] {
    const { chance, model } = this;
    chance.seed(seed);
    model.reset();
    this.recent = 0;
    const steps: Step[] = [];
    while (steps.length < MOST_STEPS) {
      const step = this.next();
      if (model.allows(step)) model.perform(step);
      steps.push(step);
    }
    return steps;
  }

  /** Every second step is a request; what cannot be done in this state is one too. */
  private next(): Step {
    const kind = this.chance.below(32);
    if (kind < 2) return ATTACH[this.chance.below(ATTACH.length)]!;
    if (kind < 6) return this.map() ?? this.request();
    if (kind < 10) return this.pick(UNMAP, this.model.table, 0, PAGES) ?? this.request();
    if (kind < 14) return SUBMIT[this.chance.below(DOMAINS)]!;
    if (kind < 15) return COMPLETE;
    // Software under test may refuse: whether it does when it must is what is looked for.
    if (kind < 19)
      return this.pick(FREE, this.model.stages, Stage.unmapped, Stage.complete) ?? this.request();
    return this.request();
  }

  private map(): Step | undefined {
    const { chance, model } = this;
    const page = this.indexOf(model.stages, Stage.free, Stage.free);
    if (page < 0) return undefined;
    const entry = chance.below(DOMAINS * PAGES);
    this.recent = entry % PAGES;
    return MAP[entry * PAGES + page];
  }

  /** Mostly for the address that matters now. */
  private request(): Step {
    const { chance } = this;
    if (chance.happens(64)) this.recent = chance.below(PAGES);
    return REQUEST[chance.below(REQUESTERS) * PAGES + this.recent]!;
  }

  /** The step for one of the things whose value is in a range. */
  private pick(steps: readonly Step[], values: Int8Array, least: number, most: number): Step | undefined {
    return steps[this.indexOf(values, least, most)];
  }

  /** The index of one of the values that are in a range, or -1. */
  private indexOf(values: Int8Array, least: number, most: number): number {
    const { length } = values;
    const start = this.chance.below(length);
    for (let offset = 0; offset < length; offset++) {
      const at = (start + offset) % length;
      if (values[at]! >= least && values[at]! <= most) return at;
    }
    return -1;
  }
}

/** The scenario without some of its steps, or with all requests made by one requester. */
function* simpler(scenario: Scenario): Generator<Scenario> {
  yield* withoutSteps(scenario);
  // Two requesters each need to be attached, and no step could be deleted.
  const ofOne = scenario.steps.map((step) => ("requester" in step ? { ...step, requester: 0 } : step));
  if (scenario.steps.some((step) => "requester" in step && step.requester > 0)) yield { steps: ofOne };
}

function isScenario(value: unknown): value is Scenario {
  if (typeof value !== "object" || value === null || !("steps" in value)) return false;
  return Array.isArray(value.steps) && value.steps.every((step) => KNOWN.has(JSON.stringify(step)));
}

/** A custom arbitrary that draws one seed. */
export const guided: Way<Scenario> = {
  name: "one seed, expanded by the model",
  arbitrary() {
    const guide = new Guide();
    return new SeededArbitrary({
      draw: (seed) => ({ steps: guide.steps(seed) }),
      is: isScenario,
      simpler,
    });
  },
  from: (steps) => ({ steps: [...steps] }),
  check: ({ steps }, freeing) => violationOf(new Protocol(freeing), steps),
  drawn: ({ steps }) => steps.length,
  shown: ({ steps }) => steps.length,
};
