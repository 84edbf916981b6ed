/** Counterexamples made 1-minimal: no step can be removed and no field simplified without losing the violation. */
import type { Finding } from "../model/finding.js";
import type { KnownDeviation } from "./known-deviation.js";
import type { AnyScenario, Subject } from "./subject.js";

/**
 * Timings tried for each candidate on an implementation that leaves its timing to chance: few while there is much to
 * take away, many before a scenario counts as minimal.
 */
const TIMINGS = [12, 400] as const;
/** Runs after which a candidate is taken as it is. */
const MOST_RUNS = 400_000;

export interface Minimised<S extends AnyScenario> {
  readonly scenario: S;
  readonly finding: Finding;
  readonly runs: number;
  /** False when the search was cut short by its limit, or by a failing implementation. */
  readonly complete: boolean;
}

/**
 * The smallest scenario found that breaks the same thing in the same way.
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
  const search = new Search(original, subject, steerAround, accept);
  let best = { scenario, finding: original };
  for (let pass = 0; pass < TIMINGS.length; ) {
    const smaller = search.smaller(best.scenario, subject.drawsTiming ? TIMINGS[pass]! : 1);
    if (search.exhausted) return { ...best, runs: search.runs, complete: false };
    if (smaller) {
      best = smaller;
      pass = 0;
    } else {
      pass = subject.drawsTiming ? pass + 1 : TIMINGS.length;
    }
  }
  return { ...best, runs: search.runs, complete: true };
}

class Search<S extends AnyScenario> {
  runs = 0;
  private failed = false;

  constructor(
    private readonly original: Finding,
    private readonly subject: Subject<S>,
    private readonly steerAround: readonly KnownDeviation[],
    private readonly accept: (scenario: S, finding: Finding) => boolean,
  ) {}

  get exhausted(): boolean {
    return this.failed || this.runs >= MOST_RUNS;
  }

  /** The first simpler scenario that breaks the same thing; null when none does. */
  smaller(scenario: S, attempts: number): { scenario: S; finding: Finding } | null {
    for (const candidate of this.subject.simpler(scenario)) {
      const found = this.violates(candidate, attempts);
      if (found || this.exhausted) return found;
    }
    return null;
  }

  /** The candidate, with a timing under which it breaks the same thing; null when none was found. */
  private violates(candidate: S, attempts: number): { scenario: S; finding: Finding } | null {
    for (let attempt = 0; attempt < attempts && !this.exhausted; attempt++) {
      const timing = attempt === 0 ? candidate.timing : Math.imul(attempt, 0x9e3779b1) >>> 0;
      const scenario = timing === candidate.timing ? candidate : { ...candidate, timing };
      this.runs++;
      const { findings, failure } = this.subject.judge(scenario, this.steerAround);
      if (failure) this.failed = true;
      const finding = findings.find((one) => this.sameAs(one));
      if (finding && this.accept(scenario, finding)) return { scenario, finding };
    }
    return null;
  }

  private sameAs(finding: Finding): boolean {
    return finding.kind === this.original.kind;
  }
}
