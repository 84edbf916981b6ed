/** Writes that devices have posted and that are on their way to memory, in order. */
import { empty } from "../../../model/words/lists.js";
import type { PhysicalMemory } from "../../../model/words/memory.js";

export interface PostedWrite {
  readonly requester: number;
  /** What it was translated from, and under which domain id. */
  readonly iova: number;
  readonly domainId: number;
  readonly page: number;
  readonly offset: number;
  readonly length: number;
  readonly tag: number;
}

export class PostedWrites {
  private readonly queue: PostedWrite[] = [];
  /** How many of the oldest have to reach memory before the invalidation that was told to drain is complete. */
  private required = 0;

  constructor(private readonly memory: PhysicalMemory) {}

  clear(): void {
    empty(this.queue);
    this.required = 0;
  }

  get count(): number {
    return this.queue.length;
  }

  add(write: PostedWrite): void {
    this.queue.push(write);
  }

  /** Those that match, and what is ahead of them, are to be drained: writes stay in order. */
  require(matches: (write: PostedWrite) => boolean): void {
    this.required = Math.max(this.required, this.queue.findLastIndex(matches) + 1);
  }

  /** Those that were required reach memory. */
  drain(): void {
    this.commit(this.required);
  }

  /** The oldest ones reach memory; without a number all do. */
  commit(count = this.queue.length): void {
    for (let left = count; left > 0 && this.queue.length > 0; left--) this.land(this.queue.shift()!);
    this.required = Math.max(0, this.required - count);
  }

  private land({ page, offset, length, tag }: PostedWrite): void {
    if (page >= this.memory.pageCount) return;
    const word = offset >>> 3;
    const frame = this.memory.frameOf(page);
    const upper = (offset & 4) !== 0;
    const low = upper ? this.memory.low(frame, word) : tag;
    const high = upper || length === 8 ? tag : this.memory.high(frame, word);
    this.memory.fill(page, word, low, high);
  }
}
