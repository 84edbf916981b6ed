/** What the abstract IOMMU shows for one request: the entries it may use, turned into outcomes. */

import type { Request } from "../trace.js";
import type { Outcome } from "../windows/admissible.js";
import { Translation } from "../windows/walk.js";
import type { Found, Rights } from "./abstract-entries.js";
import { faultRules, type VtdFaultRule } from "./rules.js";
import { decide, decideBeforeWalk, type WalkPlatform } from "./walk.js";

/** The outcomes of one request, without repetitions. */
export class AbstractAnswers {
  readonly outcomes = new Map<string, Outcome>();
  private readonly translation = new Translation<VtdFaultRule>();

  constructor(
    private readonly platform: WalkPlatform,
    private readonly request: Request,
  ) {}

  decidedBeforeWalk(enabled: boolean): boolean {
    const decided = decideBeforeWalk(this.request, enabled, this.translation);
    if (decided) this.add(false);
    return decided;
  }

  fault(
    rule: VtdFaultRule,
    faultProcessingDisabled: boolean,
    rights: Rights = { readable: 1, writable: 1 },
  ): void {
    this.decide(rule, 0, rights, faultProcessingDisabled);
  }

  found({ end, page, readable, writable }: Found, faultProcessingDisabled: boolean): void {
    const fault = end === "fault" ? faultRules.secondStageReserved : null;
    this.decide(fault, page, { readable, writable }, faultProcessingDisabled);
  }

  private decide(
    fault: VtdFaultRule | null,
    page: number,
    rights: Rights,
    faultProcessingDisabled: boolean,
  ): void {
    const { translation } = this;
    translation.start(this.request.page);
    translation.fault = fault;
    translation.page = page;
    translation.readable = rights.readable;
    translation.writable = rights.writable;
    decide(this.platform, this.request, translation);
    this.add(faultProcessingDisabled);
  }

  private add(faultProcessingDisabled: boolean): void {
    const { effect, rule, alternative } = this.translation;
    for (const one of alternative ? [rule, alternative] : [rule]) {
      const recorded = one !== null && !(one.suppressible && faultProcessingDisabled);
      this.outcomes.set(`${effect} ${one?.id} ${recorded}`, { effect, rule: one, recorded });
    }
  }
}
