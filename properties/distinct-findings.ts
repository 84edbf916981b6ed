/** Findings of which those that are the same are one. */
import { rmSync } from "node:fs";
import type { Finding } from "../model/finding.js";
import type { TraceRecord } from "../model/isolation/events.js";
import { isCoveredBy } from "./signature.js";
import type { AnyScenario } from "./subject.js";

export interface DistinctFinding {
  readonly signature: string;
  readonly invariants: readonly string[];
  /** Id of the known deviation that it is, if it is one. */
  readonly known: string | null;
  /** Scenarios that showed it; none when only its file did, of an earlier campaign. */
  count: number;
  readonly scenario: AnyScenario;
  readonly finding: Finding;
  /** The run that shows it: actions with what they showed, and the step of each. */
  readonly records: readonly TraceRecord[];
  readonly stepOf: readonly number[];
  readonly file: string;
  /** No step can be removed and no field simplified. */
  readonly minimal: boolean;
  /** The saved file showed it again when it was replayed. */
  readonly replayed: boolean;
}

/** Those that are left do not depend on the order in which they came, but for which of two equally short ones is shown. */
export class DistinctFindings {
  private findings: DistinctFinding[] = [];

  get size(): number {
    return this.findings.length;
  }

  all(): readonly DistinctFinding[] {
    return this.findings;
  }

  /** The finding that one with this signature is. */
  sameAs(signature: string): DistinctFinding | undefined {
    return this.findings.find((one) => isCoveredBy(signature, one.signature));
  }

  /**
   * Takes a finding in. What is the same is listed once: with the fewest ingredients and the shortest scenario of all that
   * are, seen as often as they were. Removes the files of the others.
   */
  enter(finding: DistinctFinding): void {
    const before = this.sameAs(finding.signature);
    const same = before
      ? [before]
      : this.findings.filter((one) => isCoveredBy(one.signature, finding.signature));
    const together = same.reduce(asOne, finding);
    for (const { file } of [...same, finding]) if (file !== together.file) rmSync(file, { force: true });
    this.findings = [...this.findings.filter((one) => !same.includes(one)), together];
  }
}

/** Two findings that are the same as one. */
function asOne(late: DistinctFinding, early: DistinctFinding): DistinctFinding {
  const shown = late.scenario.steps.length < early.scenario.steps.length ? late : early;
  const { signature } = isCoveredBy(late.signature, early.signature) ? early : late;
  return { ...shown, signature, count: late.count + early.count };
}
