/** Named rules: every check that a specification prescribes, and how often a run exercised it. */

export interface Rule {
  /** Stable id, such as `vtd.second-stage.reserved-bits`. */
  readonly id: string;
  readonly statement: string;
  /** Section of the specification, such as `VT-d 9.8`. */
  readonly section: string;
}

/** How often each rule decided something. */
export class Coverage {
  private readonly counts = new Map<Rule, number>();

  constructor(readonly rules: readonly Rule[]) {
    for (const rule of rules) this.counts.set(rule, 0);
  }

  hit(rule: Rule): void {
    this.counts.set(rule, this.counts.get(rule)! + 1);
  }

  countOf(rule: Rule): number {
    return this.counts.get(rule) ?? 0;
  }

  /** The rules that nothing has exercised. */
  missing(): Rule[] {
    return this.rules.filter((rule) => this.counts.get(rule) === 0);
  }
}
