/** The invalidation queue of the reference IOMMU: fetched in order, executed when it likes, in any order that is legal. */
import { type Descriptor, DescriptorDecoder } from "../../../model/vtd/descriptors.js";
import type { InvalidationTarget } from "../../../model/vtd/invalidation-log.js";
import type { Platform } from "../../../model/vtd/profile.js";
import type { Chance } from "../../../model/words/chance.js";
import type { PhysicalMemory } from "../../../model/words/memory.js";
import type { Deviation } from "./deviations.js";

/** What the queue asks of the unit it belongs to. */
export interface QueueEffects {
  /** The queue is about to read this page. */
  snoop(page: number): void;
  invalidate(target: InvalidationTarget, drainsWrites: boolean): void;
  waitCompleted(interrupt: boolean): void;
}

export class ReferenceQueue {
  enabled = false;
  error: { readonly code: number } | null = null;
  page = 0;
  entries = 256;
  head = 0;
  tail = 0;
  /** Fetched, and not executed yet; oldest first. */
  private readonly pending: Descriptor[] = [];
  private readonly decoder: DescriptorDecoder;

  constructor(
    platform: Platform,
    private readonly memory: PhysicalMemory,
    private readonly chance: Chance,
    private readonly effects: QueueEffects,
    private readonly deviation: Deviation | null,
  ) {
    this.decoder = new DescriptorDecoder(platform);
  }

  reset(enabled: boolean, page: number): void {
    this.enabled = enabled;
    this.error = null;
    this.page = page;
    this.entries = 256;
    this.head = 0;
    this.tail = 0;
    this.pending.length = 0;
  }

  /** Fetches a descriptor, or executes one; false when there is nothing to do. */
  step(): boolean {
    const canFetch = this.enabled && this.error === null && this.head !== this.tail;
    const canExecute = this.pending.length > 0;
    if (canFetch && (!canExecute || this.chance.happens(128))) this.fetch();
    else if (canExecute) this.executeOne();
    else return false;
    return true;
  }

  /** 6.5.2: the head moves on once a descriptor was found valid; it stays at a bad one until software clears IQE. */
  private fetch(): void {
    const { memory } = this;
    const page = this.page + Math.floor(this.head / 256);
    this.effects.snoop(page);
    const frame = memory.frameOf(page);
    const word = (this.head % 256) * 2;
    const descriptor = this.decoder.decode(
      memory.low(frame, word),
      memory.high(frame, word),
      memory.low(frame, word + 1),
      memory.high(frame, word + 1),
    );
    if (descriptor.kind === "error") {
      this.error = { code: descriptor.codes[0]! };
      if (!this.deviation?.skipsBadDescriptor) return;
    } else if (descriptor.kind !== "unspecified") {
      this.pending.push(descriptor);
    }
    this.head = (this.head + 1) % this.entries;
  }

  /** 6.5.2.12: any pending descriptor whose turn it may be. */
  private executeOne(): void {
    const start = this.chance.below(this.pending.length);
    for (let offset = 0; offset < this.pending.length; offset++) {
      const index = (start + offset) % this.pending.length;
      if (!this.mayExecute(index)) continue;
      const [descriptor] = this.pending.splice(index, 1);
      this.execute(descriptor!);
      return;
    }
  }

  private mayExecute(index: number): boolean {
    const one = this.pending[index]!;
    if (one.kind === "wait" && this.deviation?.waitsIgnoreOlder) return true;
    for (let earlier = 0; earlier < index; earlier++) {
      const before = this.pending[earlier]!;
      if (one.kind === "wait") return false;
      if (before.kind === "wait" && before.fence) return false;
      if (one.kind === "invalidate" && before.kind === "invalidate") {
        if (before.target.cache === "context" && one.target.cache === "iotlb") return false;
      }
    }
    return true;
  }

  private execute(descriptor: Descriptor): void {
    if (descriptor.kind === "invalidate") this.effects.invalidate(descriptor.target, descriptor.drainsWrites);
    if (descriptor.kind !== "wait") return;
    const { status } = descriptor;
    if (status) this.writeStatus(status.page, status.dword, status.data);
    this.effects.waitCompleted(descriptor.interrupt);
  }

  private writeStatus(page: number, dword: number, data: number): void {
    const frame = this.memory.frameOf(page);
    if (frame < 0) return;
    const word = dword >>> 1;
    const low = dword & 1 ? this.memory.low(frame, word) : data;
    const high = dword & 1 ? data : this.memory.high(frame, word);
    this.memory.fill(page, word, low, high);
  }
}
