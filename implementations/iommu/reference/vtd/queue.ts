/** The invalidation queue of the reference IOMMU: fetched in order, executed when it likes, in any order that is legal. */
import { type Descriptor, DescriptorDecoder } from "../../../../model/vtd/descriptors.js";
import type { InvalidationTarget } from "../../../../model/vtd/invalidations.js";
import type { Platform } from "../../../../model/vtd/profile.js";
import type { Chance } from "../../../../model/words/chance.js";
import type { PhysicalMemory } from "../../../../model/words/memory.js";
import { CommandPipeline } from "../command-pipeline.js";
import { Ring } from "../ring.js";
import type { VtdDeviation } from "./deviations.js";

/** What the queue asks of the unit it belongs to. */
export interface QueueEffects {
  /** The queue is about to read this page. */
  snoop(page: number): void;
  invalidate(target: InvalidationTarget, drainsWrites: boolean): void;
  waitCompleted(interrupt: boolean): void;
}

export class ReferenceQueue extends CommandPipeline<Descriptor> {
  enabled = false;
  error: { readonly code: number } | null = null;
  readonly ring = new Ring();
  private readonly decoder: DescriptorDecoder;

  constructor(
    platform: Platform,
    private readonly memory: PhysicalMemory,
    chance: Chance,
    private readonly effects: QueueEffects,
    private readonly deviation: VtdDeviation | null,
  ) {
    super(chance);
    this.decoder = new DescriptorDecoder(platform);
  }

  reset(enabled: boolean, page: number): void {
    this.enabled = enabled;
    this.error = null;
    this.ring.moveTo(page);
    this.pending.length = 0;
  }

  protected canFetch(): boolean {
    return this.enabled && this.error === null && !this.ring.isEmpty;
  }

  /** 6.5.2: the head moves on once a descriptor was found valid; it stays at a bad one until software clears IQE. */
  protected fetch(): void {
    const { memory, ring } = this;
    const { page, word } = ring.placeOf(ring.head);
    this.effects.snoop(page);
    const frame = memory.frameOf(page);
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
    ring.head = ring.after(ring.head);
  }

  /** 6.5.2.12. */
  protected waitsFor(one: Descriptor, earlier: Descriptor): boolean {
    if (one.kind === "wait") return !this.deviation?.waitsIgnoreOlder;
    if (earlier.kind === "wait") return earlier.fence;
    const bothInvalidate = one.kind === "invalidate" && earlier.kind === "invalidate";
    return bothInvalidate && earlier.target.cache === "context" && one.target.cache === "iotlb";
  }

  protected execute(descriptor: Descriptor): void {
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
