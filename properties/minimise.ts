/** Counterexamples made small: no step can be removed and no field simplified without losing the violation. */

import { rearranged, withoutSeveral } from "../generators/shrinking.js";
import type { Finding } from "../model/finding.js";
import { brokenBy } from "./invariants.js";
import type { KnownDeviation } from "./known-deviation.js";
import type { AnyScenario, Subject } from "./subject.js";

/**
 * Timings tried for each candidate on an implementation that leaves its timing to chance: few while there is much to
 * take away, many before a scenario counts as minimal.
 */
const TIMINGS = [12, 400] as const;
/** Timings tried for each scenario with its steps in another order. */
const TIMINGS_REARRANGED = 24;
/** Runs after which a candidate is taken as it is. */
const MOST_RUNS = 400_000;
/** Only of so few steps several go at once, or one goes and another changes. */
const FEW_STEPS = 8;
/** Only so many steps are compared with scenarios that are drawn anew. */
const MOST_STEPS_DRAWN = 12;
/** Short scenarios that are drawn for each step that the smallest so far has: many where timing has its say. */
const DRAWN_FOR_STEP = { many: 2500, few: 250 } as const;
/** Findings among them that are shrunk. */
const MOST_SHRUNK = 12;

export interface Minimised<S extends AnyScenario> {
  readonly scenario: S;
  readonly finding: Finding;
  readonly runs: number;
  /** False when the search was cut short by its limit, or by a failing implementation. */
  readonly complete: boolean;
}

interface Found<S extends AnyScenario> {
  readonly scenario: S;
  readonly finding: Finding;
}

/**
 * The smallest scenario found that breaks the same thing in the same way; on a subject with one fault, that breaks
 * anything.
 * @param original the finding of `scenario` on the subject
 * @param steerAround known deviations that were steered around when it was found
 * @param accept a further condition on what counts as the same violation
 */
export function minimise<S extends AnyScenario>(
  subject: Subject<S>,
  scenario: S,
  original: Finding,
  steerAround: readonly KnownDeviation[] = [],
  accept: (scenario: S, finding: Finding) => boolean = () => true,
): Minimised<S> {
  const search = new Search(subject, steerAround, accept);
  let best = search.smallest({ scenario, finding: original });
  for (let next = search.redrawn(best); next; next = search.redrawn(best)) best = next;
  return { ...best, runs: search.runs, complete: !search.exhausted };
}

class Search<S extends AnyScenario> {
  runs = 0;
  private failed = false;
  private drawn = 0;

  constructor(
    private readonly subject: Subject<S>,
    private readonly steerAround: readonly KnownDeviation[],
    private readonly accept: (scenario: S, finding: Finding) => boolean,
  ) {}

  get exhausted(): boolean {
    return this.failed || this.runs >= MOST_RUNS;
  }

  /** What is left when nothing can be taken away from a counterexample any more. */
  smallest(from: Found<S>): Found<S> {
    const timings = this.subject.drawsTiming ? TIMINGS : [1];
    let best = from;
    for (let pass = 0; pass < timings.length && !this.exhausted; ) {
      const isLast = pass === timings.length - 1;
      const smaller = this.simpler(best, timings[pass]!) ?? (isLast ? this.shorter(best) : null);
      if (smaller) {
        best = smaller;
        pass = 0;
      } else pass++;
    }
    return best;
  }

  /** What is left when nothing goes by itself, as far as few timings show. */
  private reduced(from: Found<S>): Found<S> {
    let best = from;
    const attempts = this.subject.drawsTiming ? TIMINGS[0] : 1;
    for (let next = this.simpler(best, attempts); next; next = this.simpler(best, attempts)) best = next;
    return best;
  }

  /** The first simpler scenario that breaks the same thing; null when none does. */
  private simpler({ scenario, finding }: Found<S>, attempts: number): Found<S> | null {
    return this.firstOf(this.subject.simpler(scenario), (one) => one.kind === finding.kind, attempts);
  }

  /** The first scenario with fewer steps that several changes at once lead to; null when none breaks anything. */
  private shorter({ scenario, finding }: Found<S>): Found<S> | null {
    const { subject } = this;
    if (scenario.steps.length > FEW_STEPS || this.exhausted) return null;
    const counts = subject.hasOneFault ? breaksSomething : (one: Finding) => one.kind === finding.kind;
    const attempts = subject.drawsTiming ? TIMINGS_REARRANGED : 1;
    return (
      this.firstOf(withoutSeveral<S>(scenario), counts, attempts) ??
      this.firstOf(rearranged<S>(scenario), counts, attempts) ??
      this.firstOf(this.simplerWithoutOne(scenario), counts, attempts)
    );
  }

  /** A step goes, and something of the rest gets simpler with it. */
  private *simplerWithoutOne(scenario: S): Generator<S> {
    for (const index of scenario.steps.keys())
      yield* this.subject.simpler({ ...scenario, steps: scenario.steps.toSpliced(index, 1) } as S);
  }

  private firstOf(
    candidates: Iterable<S>,
    counts: (finding: Finding) => boolean,
    attempts: number,
  ): Found<S> | null {
    for (const candidate of candidates) {
      const found = this.violates(candidate, counts, attempts);
      if (found || this.exhausted) return found;
    }
    return null;
  }

  /** The candidate, with a timing under which it breaks what counts; null when none was found. */
  private violates(candidate: S, counts: (finding: Finding) => boolean, attempts: number): Found<S> | null {
    for (let attempt = 0; attempt < attempts && !this.exhausted; attempt++) {
      const timing = attempt === 0 ? candidate.timing : Math.imul(attempt, 0x9e3779b1) >>> 0;
      const scenario = timing === candidate.timing ? candidate : { ...candidate, timing };
      const finding = this.findingsOf(scenario).find(counts);
      if (finding && this.accept(scenario, finding)) return { scenario, finding };
    }
    return null;
  }

  private findingsOf(scenario: S): readonly Finding[] {
    this.runs++;
    const { findings, failure } = this.subject.judge(scenario, this.steerAround);
    if (failure) this.failed = true;
    return findings;
  }

  /**
   * A counterexample with fewer steps that nothing leads to from the one that there is: of short scenarios that are drawn
   * anew, those that break something are shrunk. Null when none gets shorter, and where there may be other faults, which
   * might be what breaks them.
   */
  redrawn({ scenario: { steps, timing } }: Found<S>): Found<S> | null {
    const { subject } = this;
    if (!subject.hasOneFault || steps.length === 0 || steps.length > MOST_STEPS_DRAWN) return null;
    const drawnForStep = subject.drawsTiming ? DRAWN_FOR_STEP.many : DRAWN_FOR_STEP.few;
    let shrunk = 0;
    for (let count = steps.length * drawnForStep; count > 0 && shrunk < MOST_SHRUNK; count--) {
      if (this.exhausted) return null;
      const scenario = subject.generate((timing + this.drawn++) >>> 0, steps.length);
      const finding = this.findingsOf(scenario).find(breaksSomething);
      if (!finding || !this.accept(scenario, finding)) continue;
      shrunk++;
      const found = this.reduced({ scenario, finding });
      if (found.scenario.steps.length < steps.length) return this.smallest(found);
    }
    return null;
  }
}

function breaksSomething(finding: Finding): boolean {
  return brokenBy(finding).length > 0;
}
