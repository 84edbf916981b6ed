/** Counterexamples made 1-minimal: no step can be removed and no field simplified without losing the violation. */
import { simplerScenarios } from "../generators/shrink.js";
import type { Scenario } from "../generators/scenario.js";
import type { Iommu } from "../implementations/iommu/interface.js";
import type { Finding } from "../model/finding.js";
import type { Judge } from "./judge.js";
import type { KnownDeviation } from "./known-deviation.js";

/** Timings tried for each candidate on an implementation that leaves its timing to chance. */
const TIMINGS = 96;
/** Runs after which a candidate is taken as it is. */
const MOST_RUNS = 200_000;

export interface Minimised {
  readonly scenario: Scenario;
  readonly finding: Finding;
  readonly runs: number;
  /** False when the search was cut short by its limit, or by a failing implementation. */
  readonly complete: boolean;
}

/**
 * The smallest scenario found that breaks the same thing in the same way.
 * @param original the finding of `scenario` on `iommu`
 * @param steerAround known deviations that were steered around when it was found
 * @param accept a further condition on what counts as the same violation
 */
export function minimise(
  scenario: Scenario,
  original: Finding,
  iommu: Iommu,
  judge: Judge,
  steerAround: readonly KnownDeviation[] = [],
  accept: (scenario: Scenario, finding: Finding) => boolean = () => true,
): Minimised {
  const search = new Search(original, iommu, judge, steerAround, accept);
  let best = { scenario, finding: original };
  for (let improved = true; improved; ) {
    improved = false;
    for (const candidate of simplerScenarios(best.scenario)) {
      const found = search.violates(candidate);
      if (search.exhausted) return { ...best, runs: search.runs, complete: false };
      if (!found) continue;
      best = found;
      improved = true;
      break;
    }
  }
  return { ...best, runs: search.runs, complete: true };
}

class Search {
  runs = 0;
  private failed = false;

  constructor(
    private readonly original: Finding,
    private readonly iommu: Iommu,
    private readonly judge: Judge,
    private readonly steerAround: readonly KnownDeviation[],
    private readonly accept: (scenario: Scenario, finding: Finding) => boolean,
  ) {}

  get exhausted(): boolean {
    return this.failed || this.runs >= MOST_RUNS;
  }

  /** The candidate, with a timing under which it breaks the same thing; null when none was found. */
  violates(candidate: Scenario): { scenario: Scenario; finding: Finding } | null {
    const attempts = this.iommu.drawsTiming ? TIMINGS : 1;
    for (let attempt = 0; attempt < attempts && !this.exhausted; attempt++) {
      const timing = attempt === 0 ? candidate.timing : (Math.imul(attempt, 0x9e3779b1) >>> 0);
      const scenario = timing === candidate.timing ? candidate : { ...candidate, timing };
      this.runs++;
      const { findings, failure } = this.judge.judge(scenario, this.iommu, this.steerAround);
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
