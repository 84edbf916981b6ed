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
  private readonly counters = new Map<Rule, { count: number }>();

  constructor(readonly rules: readonly Rule[]) {
    for (const rule of rules) this.counters.set(rule, { count: 0 });
  }

  hit(rule: Rule): void {
    this.counters.get(rule)!.count++;
  }

  countOf(rule: Rule): number {
    return this.counters.get(rule)?.count ?? 0;
  }

  /** The rules that nothing has exercised. */
  missing(): Rule[] {
    return this.rules.filter((rule) => this.countOf(rule) === 0);
  }
}
