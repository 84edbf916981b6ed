/** What ICS.IWC, and with it IECTL.IP, may show: that some wait with IF = 1 is complete (VT-d 6.5.2.12, 11.4.9.4). */
import type { Complaint } from "../windows/oracle.js";
import type { Coverage } from "../words/rule.js";
import { type QueueView, queueRules } from "./queue-view.js";

export class CompletionView {
  /** Some wait with IF = 1 is known to be complete since software last cleared IWC. */
  private signalled = false;
  /** Some wait with IF = 1 is known to be complete, whether before or after software last cleared IWC. */
  private possible = false;
  /** Step at which software last cleared IWC. */
  private cleared = 0;

  constructor(
    private readonly queue: QueueView,
    private readonly coverage: Coverage,
  ) {}

  reset(): void {
    this.signalled = false;
    this.possible = false;
    this.cleared = 0;
  }

  /** Software writes ICS: a 1 clears IWC. */
  clear(value: number, step: number): void {
    if ((value & 1) === 0) return;
    this.signalled = false;
    this.possible = false;
    this.cleared = step;
  }

  /** A wait with IF = 1 is known to be complete by other means: IWC shows it, unless software may have cleared that since. */
  known(submitted: number): void {
    if (submitted > this.cleared) this.signalled = true;
    else this.possible = true;
  }

  /** Software read ICS; null when it may show that, else what is wrong. */
  saw(value: number, mask: number, step: number): Complaint {
    if ((mask & 1) === 0) return null;
    if ((value & 1) === 0) {
      this.possible = false;
      return this.signalled ? complaint("ICS.IWC is clear after a wait with IF = 1 completed") : null;
    }
    if (this.signalled) return null;
    const [item, another] = this.queue.pendingInterrupts();
    if (!item && !this.possible) return complaint("ICS.IWC is set although no wait asked for it");
    this.coverage.hit(queueRules.interrupt);
    // 6.5.2.12: waits may complete in any order, so of several none is known to have.
    if (item && !another && !this.possible) this.queue.complete(item, step);
    this.signalled = true;
    return null;
  }
}

function complaint(message: string): NonNullable<Complaint> {
  return { kind: "completion", rules: [queueRules.interrupt.id], message };
}
