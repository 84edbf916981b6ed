/** CPU stores on their way to memory, for platforms whose walks do not see them at once (VT-d 3.10, 6.8). */

import type { Chance } from "../../../model/words/chance.js";
import { empty, shorten } from "../../../model/words/lists.js";
import type { PhysicalMemory, StoreVisibility } from "../../../model/words/memory.js";

interface PendingStore {
  readonly page: number;
  readonly word: number;
  readonly low: number;
  readonly high: number;
}

export class StoreBuffer {
  /** Stores that are still in a dirty line of the CPU's cache, oldest first. */
  private readonly dirty: PendingStore[] = [];
  /** Stores that have left the cache and wait in the chipset's write buffer. */
  private readonly buffered: PendingStore[] = [];
  private visibility: StoreVisibility = { needsLineFlush: false, needsBufferFlush: false };

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly chance: Chance,
  ) {}

  reset(visibility: StoreVisibility): void {
    empty(this.dirty);
    empty(this.buffered);
    this.visibility = visibility;
  }

  store(page: number, word: number, low: number, high: number): void {
    if (this.visibility.needsLineFlush) this.dirty.push({ page, word, low, high });
    else if (this.visibility.needsBufferFlush) this.buffered.push({ page, word, low, high });
    else this.memory.fill(page, word, low, high);
  }

  /** The line leaves the cache: every store to it so far goes on its way, in order. */
  flushLine(page: number, line: number): void {
    const { dirty, buffered } = this;
    let kept = 0;
    for (const one of dirty) {
      if (one.page === page && one.word >>> 3 === line) buffered.push(one);
      else dirty[kept++] = one;
    }
    if (kept === dirty.length) return;
    shorten(dirty, kept);
    if (!this.visibility.needsBufferFlush) this.flushBuffer();
  }

  flushBuffer(): void {
    for (const one of this.buffered) this.memory.fill(one.page, one.word, one.low, one.high);
    empty(this.buffered);
  }

  /** A read that snoops (the invalidation queue's always do, 3.10) finds every store to the page. */
  snoop(page: number): void {
    this.bring(this.buffered, page);
    this.bring(this.dirty, page);
  }

  private bring(stores: readonly PendingStore[], page: number): void {
    for (const one of stores) if (one.page === page) this.memory.fill(page, one.word, one.low, one.high);
  }

  /** Every store to the page goes to memory: the CPU reads it, or the unit writes to it. */
  writeBack(page: number): void {
    this.snoop(page);
    forgetPage(this.buffered, page);
    forgetPage(this.dirty, page);
  }

  /** A cache evicts lines, and a buffer drains, whenever they like. */
  drainSome(): void {
    if (this.dirty.length > 0 && this.chance.happens(64)) {
      const { page, word } = this.dirty[this.chance.below(this.dirty.length)]!;
      this.flushLine(page, word >>> 3);
    }
    if (this.buffered.length > 0 && this.chance.happens(64)) this.flushBuffer();
  }
}

function forgetPage(stores: PendingStore[], page: number): void {
  let kept = 0;
  for (const one of stores) if (one.page !== page) stores[kept++] = one;
  shorten(stores, kept);
}
