/**
 * The executable specification as a judge: whether a conforming VT-d unit in legacy mode may have shown what software and
 * devices saw.
 */
import type { RunStart } from "../run-start.js";
import type { Request } from "../trace.js";
import type { Outcome } from "../windows/admissible.js";
import { type Complaint, type Seen, WindowsOracle } from "../windows/oracle.js";
import type { PhysicalMemory } from "../words/memory.js";
import type { Rule } from "../words/rule.js";
import { invalidationRules, servedRules, vtdRules } from "./behaviour-rules.js";
import { FaultLogView } from "./fault-view.js";
import { type InvalidationTarget, isLeafOnly } from "./invalidations.js";
import { QueueView, queueRules } from "./queue-view.js";
import { RegisterView } from "./register-view.js";
import { protectedMemory, type VtdFaultRule } from "./rules.js";
import { VtdUnit } from "./unit.js";
import type { WalkPlatform } from "./walk.js";

export class VtdOracle extends WindowsOracle<InvalidationTarget, VtdFaultRule> {
  readonly queue: QueueView;
  readonly faults: FaultLogView;
  private readonly registers: RegisterView;

  constructor(
    readonly platform: WalkPlatform,
    memory?: PhysicalMemory,
  ) {
    super(new VtdUnit(platform), vtdRules, { ...servedRules, drain: invalidationRules.drain }, memory);
    this.queue = new QueueView(platform, this.memory, this.log, this.coverage);
    this.faults = new FaultLogView(platform, this.coverage);
    this.registers = new RegisterView(
      platform,
      this.memory,
      this.steering,
      this.log,
      this.queue,
      this.faults,
      this.coverage,
    );
  }

  protected override resetViews({ start, rootPage, queuePage }: RunStart): void {
    const translating = start === "translating";
    this.queue.reset(translating && this.platform.queuedInvalidation, queuePage);
    this.faults.reset();
    this.registers.reset(translating, rootPage, queuePage);
  }

  /** 11.4.5: the root-table address is zero after a reset. */
  protected override startPointer({ start, rootPage }: RunStart): number {
    return start === "translating" ? rootPage : 0;
  }

  protected override writeRegister(
    offset: number,
    width: number,
    low: number,
    high: number,
    step: number,
  ): void {
    this.registers.write(offset, width, low, high, step);
  }

  protected override sawRegister(seen: Seen, step: number): Complaint {
    return this.registers.saw(seen, step);
  }

  protected override missedRegister(seen: Seen): Complaint {
    return this.registers.missed(seen);
  }

  /** The unit writes nothing to memory but status values, which software polls. */
  protected override sawMemory(): Complaint {
    return null;
  }

  protected override polledMemory(
    page: number,
    word: number,
    value: number,
    shown: boolean,
    step: number,
  ): Complaint {
    const item = this.queue.pendingStatus(page, word * 2, value);
    const status = `the status value 0x${value.toString(16)}`;
    if (!shown) {
      if (!item || this.queue.bad) return null;
      return completionComplaint(`${status} of a wait was never written`);
    }
    if (!item) {
      const reason = this.queue.bad
        ? `the queue stands at the bad descriptor ${this.queue.bad.index}`
        : "no wait asks for it";
      return completionComplaint(`${status} was written although ${reason}`);
    }
    this.coverage.hit(queueRules.statusWrite);
    for (const one of this.queue.complete(item, step)) {
      const { status, interrupt } = one.wait!;
      this.registers.waitCompleted(interrupt, one.submitted);
      if (status) this.writeStatus(status.page, status.dword, status.data);
    }
    return null;
  }

  /** 6.5.2.9: a wait descriptor writes one DWORD. */
  private writeStatus(page: number, dword: number, data: number): void {
    const frame = this.memory.frameOf(page);
    if (frame < 0) return;
    const word = dword >>> 1;
    const upper = (dword & 1) !== 0;
    const low = upper ? this.memory.low(frame, word) : data;
    const high = upper ? data : this.memory.high(frame, word);
    this.memory.fill(page, word, low, high);
  }

  protected override isFetchedWhenSubmitted(page: number): boolean {
    return page === this.queue.queuePage;
  }

  protected override decided(request: Request, matching: readonly Outcome<VtdFaultRule>[]): void {
    this.faults.outcome(request, matching);
  }

  protected override describeFault(rule: VtdFaultRule): string {
    const { reason, condition, id } = rule;
    if (rule === protectedMemory) return id;
    return `reason ${reason.toString(16)}h (${condition}, ${id})`;
  }

  protected override rulesOf(target: InvalidationTarget): readonly Rule[] {
    if (target.cache === "all") return [];
    if (target.cache === "context") {
      const { contextGlobal, contextDomain, contextDevice } = invalidationRules;
      return [{ global: contextGlobal, domain: contextDomain, device: contextDevice }[target.granularity]];
    }
    const { iotlbGlobal, iotlbDomain, iotlbPage, iotlbLeafOnly } = invalidationRules;
    const rule = { global: iotlbGlobal, domain: iotlbDomain, page: iotlbPage }[target.granularity];
    return isLeafOnly(target) ? [rule, iotlbLeafOnly] : [rule];
  }

  override forgetCommands(): void {
    this.queue.forget();
  }
}

function completionComplaint(message: string): Complaint {
  return { kind: "completion", rules: [queueRules.statusWrite.id], message };
}
