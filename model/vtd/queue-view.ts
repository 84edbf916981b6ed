/**
 * The invalidation queue as software can know it (VT-d 6.5.2): what was submitted, what was seen complete, where a bad
 * descriptor stopped it.
 */
import { OutsideModel } from "../finding.js";
import type { Invalidation, InvalidationLog } from "../windows/invalidation-log.js";
import { empty } from "../words/lists.js";
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import type { Coverage, Rule } from "../words/rule.js";
import { type Descriptor, DescriptorDecoder } from "./descriptors.js";
import type { InvalidationTarget } from "./invalidations.js";
import type { Platform } from "./profile.js";

/** One submitted descriptor. */
interface Item {
  /** Position in the ring. */
  readonly index: number;
  /** Step from which on it was hardware's. */
  readonly submitted: number;
  readonly invalidation: Invalidation | null;
  readonly wait: Extract<Descriptor, { kind: "wait" }> | null;
  done: boolean;
}

export interface BadDescriptor {
  readonly index: number;
  readonly rule: Rule;
  readonly codes: readonly number[];
}

const rule = (id: string, section: string, statement: string): Rule => ({
  id: `vtd.queue.${id}`,
  section: `VT-d ${section}`,
  statement,
});

export const queueRules = {
  statusWrite: rule(
    "wait-status-write",
    "6.5.2.9",
    "A wait descriptor with SW = 1 writes its status data when it completes",
  ),
  interrupt: rule(
    "wait-interrupt",
    "6.5.2.9",
    "A wait descriptor with IF = 1 sets ICS.IWC when it completes",
  ),
  fence: rule("wait-fence", "6.5.2.9", "Descriptors behind a wait with FN = 1 execute after it completes"),
  order: rule(
    "wait-order",
    "6.5.2.12",
    "A wait completes after every descriptor behind the previous wait and ahead of it",
  ),
  stop: rule(
    "stops-at-error",
    "6.5.2.11",
    "The head stays at a bad descriptor and nothing is fetched until IQE is cleared",
  ),
  head: rule("head", "11.4.9.1", "The head names the descriptor that is processed next"),
} as const;

export class QueueView {
  readonly items: Item[] = [];
  enabled = false;
  /** The descriptor that stops the queue, until IQE is cleared. */
  bad: BadDescriptor | null = null;
  queuePage = 0;
  entries = 256;
  tail = 0;
  /** Ring position of the next descriptor to be looked at. */
  private next = 0;
  /** Descriptors before this position of {@link items} are known to have been fetched. */
  private fetched = 0;
  private fenceGroup = 0;
  private readonly decoder: DescriptorDecoder;

  constructor(
    platform: Platform,
    private readonly memory: PhysicalMemory,
    private readonly log: InvalidationLog<InvalidationTarget>,
    private readonly coverage: Coverage,
  ) {
    this.decoder = new DescriptorDecoder(platform);
  }

  reset(enabled: boolean, queuePage: number): void {
    empty(this.items);
    this.enabled = enabled;
    this.bad = null;
    this.queuePage = queuePage;
    this.entries = 256;
    this.tail = 0;
    this.next = 0;
    this.fetched = 0;
    this.fenceGroup = 0;
  }

  /** GCMD.QIE was written. */
  enable(on: boolean, step: number): void {
    this.enabled = on;
    if (!on) {
      this.next = 0;
      this.fetched = this.items.length;
      this.bad = null;
    } else {
      this.submit(step);
    }
  }

  /** IQT was written, or IQE cleared: descriptors up to the tail are hardware's from now on. */
  submit(step: number): void {
    if (!this.enabled || this.bad) return;
    if (this.tail >= this.entries)
      throw new OutsideModel("a queue tail beyond the end of the queue (11.4.9.9)");
    while (this.next !== this.tail) {
      const item = this.take(this.next, step);
      if (!item) return;
      this.items.push(item);
      this.next = (this.next + 1) % this.entries;
    }
  }

  private take(index: number, step: number): Item | null {
    const { memory } = this;
    const page = this.queuePage + Math.floor(index / 256);
    const word = (index % 256) * 2;
    const frame = memory.frameOf(page);
    if (frame < 0)
      throw new OutsideModel(`the invalidation queue at page 0x${page.toString(16)} is not memory`);
    const descriptor = this.decoder.decode(
      memory.low(frame, word),
      memory.high(frame, word),
      memory.low(frame, word + 1),
      memory.high(frame, word + 1),
    );
    if (descriptor.kind === "unspecified") throw new OutsideModel(descriptor.why);
    if (descriptor.kind === "error") {
      this.bad = { index, rule: descriptor.rule, codes: descriptor.codes };
      this.coverage.hit(descriptor.rule);
      this.coverage.hit(queueRules.stop);
      return null;
    }
    return this.itemOf(index, descriptor, step);
  }

  private itemOf(index: number, descriptor: Descriptor, step: number): Item {
    if (descriptor.kind === "wait") {
      if (descriptor.fence) {
        this.noteUncovered();
        this.fenceGroup++;
        this.coverage.hit(queueRules.fence);
      }
      return { index, submitted: step, invalidation: null, wait: descriptor, done: false };
    }
    if (descriptor.kind !== "invalidate")
      return { index, submitted: step, invalidation: null, wait: null, done: false };
    const invalidation = this.log.submit(
      descriptor.target,
      step,
      true,
      this.fenceGroup,
      descriptor.drainsWrites,
    );
    return { index, submitted: step, invalidation, wait: null, done: false };
  }

  /** 6.5.2.12: a wait covers what is behind the previous wait only, so what is ahead of that one is not fenced. */
  private noteUncovered(): void {
    const previous = this.items.findLastIndex((item) => item.wait !== null);
    if (previous < 0 || this.items[previous]!.wait!.fence) return;
    for (const { invalidation } of this.items.slice(0, previous)) {
      if (invalidation?.fencedBy === this.fenceGroup + 1) invalidation.fencedBy = OPEN;
    }
  }

  /** Software cleared FSTS.IQE: fetching goes on at the head, whatever stands there now. */
  clearError(step: number): void {
    this.bad = null;
    this.submit(step);
  }

  /** The first wait not yet known to be complete that writes this value there. */
  pendingStatus(page: number, dword: number, value: number): Item | undefined {
    return this.items.find(
      ({ wait, done }) =>
        !done &&
        wait?.status &&
        wait.status.page === page &&
        wait.status.dword === dword &&
        wait.status.data === value,
    );
  }

  /** The waits with IF = 1 that are not yet known to be complete. */
  pendingInterrupts(): Item[] {
    return this.items.filter(({ wait, done }) => !done && wait?.interrupt);
  }

  /**
   * 6.5.2.12: a complete wait tells that everything behind the previous wait and ahead of it is complete; where that
   * previous wait is a fence, so is what it covers. Returns the waits that are complete now.
   */
  complete(item: Item, step: number): Item[] {
    item.done = true;
    const waits = [item];
    this.coverage.hit(queueRules.order);
    const position = this.items.indexOf(item);
    for (let at = position - 1; at >= 0; at--) {
      const earlier = this.items[at]!;
      if (earlier.wait && !earlier.wait.fence) break;
      if (earlier.wait && !earlier.done) waits.push(earlier);
      earlier.done = true;
      if (earlier.invalidation && earlier.invalidation.observed === OPEN)
        this.executed(earlier.invalidation, step);
    }
    this.fetched = Math.max(this.fetched, position + 1);
    return waits;
  }

  /** 6.8: whatever the invalidation, the write buffer was flushed first. */
  private executed(invalidation: Invalidation, step: number): void {
    invalidation.observed = step;
    this.memory.flushBuffer(invalidation.submitted, step);
  }

  /** Forgets the oldest descriptors as far as they are known to be done: what comes later changes nothing about them. */
  forget(): void {
    const { items } = this;
    const undone = items.findIndex((item) => !item.done);
    const over = Math.min(undone < 0 ? items.length : undone, this.fetched);
    items.splice(0, over);
    this.fetched -= over;
  }

  /** Software read this head; false when the head cannot stand there. */
  sawHead(head: number): boolean {
    if (!this.enabled) return head === 0;
    for (let at = this.fetched; at < this.items.length; at++) {
      if (this.items[at]!.index === head) {
        this.fetched = at;
        return true;
      }
    }
    if (head !== this.next) return false;
    this.fetched = this.items.length;
    return true;
  }
}
