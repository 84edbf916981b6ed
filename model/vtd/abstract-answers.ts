/** What the abstract IOMMU shows for one request: the entries it may use, turned into outcomes. */

import { Effect, type Request } from "../trace.js";
import type { Outcome } from "../windows/admissible.js";
import { type Pages, pagesWithin } from "../windows/unit.js";
import { Translation } from "../windows/walk.js";
import type { Found, Rights } from "./abstract-entries.js";
import { faultRules, protectedMemory, type VtdFaultRule } from "./rules.js";
import { decide, decideBeforeWalk, type WalkPlatform } from "./walk.js";

/** The outcomes of one request, without repetitions. */
export class AbstractAnswers {
  readonly outcomes = new Map<string, Outcome>();
  private readonly translation = new Translation<VtdFaultRule>();

  constructor(
    private readonly platform: WalkPlatform,
    private readonly request: Request,
    /** What memory may be protected now: each is one possibility. */
    private readonly protects: readonly (readonly Pages[])[],
  ) {}

  decidedBeforeWalk(enabled: boolean): boolean {
    const decided = decideBeforeWalk(this.request, enabled, this.translation);
    if (decided) this.add(false, true);
    return decided;
  }

  fault(
    rule: VtdFaultRule,
    faultProcessingDisabled: boolean,
    rights: Rights = { readable: 1, writable: 1 },
  ): void {
    this.decide(rule, 0, rights, faultProcessingDisabled);
  }

  found({ end, page, readable, writable, passedThrough }: Found, faultProcessingDisabled: boolean): void {
    const fault = end === "fault" ? faultRules.secondStageReserved : null;
    this.decide(fault, page, { readable, writable }, faultProcessingDisabled, passedThrough);
  }

  private decide(
    fault: VtdFaultRule | null,
    page: number,
    rights: Rights,
    faultProcessingDisabled: boolean,
    passedThrough = false,
  ): void {
    const { translation } = this;
    translation.start(this.request.page);
    translation.fault = fault;
    translation.page = page;
    translation.readable = rights.readable;
    translation.writable = rights.writable;
    decide(this.platform, this.request, translation);
    this.add(faultProcessingDisabled, passedThrough);
  }

  private add(faultProcessingDisabled: boolean, passedThrough: boolean): void {
    const { effect, rule, alternative } = this.translation;
    if (!rule) {
      for (const protectedPages of this.protects) this.served(effect, protectedPages, passedThrough);
      return;
    }
    for (const one of alternative ? [rule, alternative] : [rule])
      this.show(effect, one, !(one.suppressible && faultProcessingDisabled));
  }

  /** 11.4.8.1: a request that would be served, where these pages are protected. */
  private served(effect: number, protectedPages: readonly Pages[], passedThrough: boolean): void {
    const isMemory = effect >= 0 || effect === Effect.done;
    const isProtected = isMemory && pagesWithin(protectedPages, this.translation.page) > 0;
    const isSure = effect >= 0 && (passedThrough || this.platform.protectsTranslated);
    if (!isProtected || !isSure) this.show(effect, null, false);
    if (isProtected) this.show(Effect.blocked, protectedMemory, false);
  }

  private show(effect: number, rule: VtdFaultRule | null, recorded: boolean): void {
    this.outcomes.set(`${effect} ${rule?.id} ${recorded}`, { effect, rule, recorded });
  }
}
