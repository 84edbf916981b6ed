/**
 * Writes that were translated and may not have reached memory yet (VT-d 6.5.4): the moments at which one may have been
 * translated that nothing has drained since.
 */
import { NOTHING_KNOWN } from "./chain-moments.js";
import { Cache, type CacheTags, drains, type Fence, type InvalidationLog } from "./invalidation-log.js";
import type { LandedWrite } from "./oracle.js";
import type { QueueView } from "./queue-view.js";
import type { SteeringRegisters } from "./steering.js";

/** What is known of the writes to some pages that were translated under some domain id. */
export interface Drained {
  /** None that is still under way was translated before this step. */
  readonly step: number;
  /** The invalidations that drained them, as far as software saw that after the step: indices into the log. */
  readonly known: readonly number[];
}

/** What software has done and seen, as far as draining goes. */
interface Observed {
  readonly log: InvalidationLog;
  readonly queue: Draining;
  readonly steering: SteeringRegisters;
}

type Draining = Pick<QueueView, "drains">;

export class PostedWrites {
  private asked = -1;
  /** The draining invalidations that are known to be done by the step that was asked about: indices into the log. */
  private readonly done: number[] = [];
  private enabledSince = 0;
  private readonly tags: CacheTags = { sourceId: 0, domainId: 0, page: 0, level: 1 };
  private readonly fence: Fence = { step: 0, done: [] };

  constructor(private readonly oracle: Observed) {}

  /**
   * A write that is still under way at step `now` was translated after every draining of it that is known to be done had
   * executed, so after the last of them was submitted. Switching translation on drains everything.
   */
  drained(now: number, domainId: number, firstPage: number, pages: number): Drained {
    this.look(now);
    const { entries } = this.oracle.log;
    let step = this.enabledSince;
    for (const index of this.done) {
      const { target, submitted } = entries[index]!;
      if (submitted > step && drains(target, domainId, firstPage, pages)) step = submitted;
    }
    const known = this.done.filter((index) => {
      const { target, observed } = entries[index]!;
      return observed > step && drains(target, domainId, firstPage, pages);
    });
    return { step, known };
  }

  /**
   * The moments to ask at whether a write was translated that is still under way. What could be translated right after
   * the draining can be later too, until an invalidation that does not drain it takes effect: the moments right before
   * those were seen complete are the others.
   */
  moments(now: number, { step, known }: Drained): number[] {
    const moments = step > 0 ? [step] : [];
    for (const [index, { observed }] of this.oracle.log.entries.entries()) {
      if (observed <= step || observed > now || known.includes(index)) continue;
      if (!moments.includes(observed - 1)) moments.push(observed - 1);
    }
    return moments;
  }

  /** The pages inside a run from which on other invalidations drain than before. */
  boundaries(now: number, firstPage: number, pages: number): number[] {
    this.look(now);
    const found = new Set<number>();
    for (const index of this.done) {
      const { target } = this.oracle.log.entries[index]!;
      if (!("firstPage" in target)) continue;
      for (const page of [target.firstPage, target.firstPage + target.pageCount])
        if (page > firstPage && page < firstPage + pages) found.add(page);
    }
    return [...found].sort((one, other) => one - other);
  }

  /** Forgets what was asked before: the invalidations have other indices from now on. */
  forget(): void {
    this.asked = -1;
  }

  /** It was seen complete by that step, or tells of itself through one that was (6.5.2.12). */
  private isDone(index: number, now: number): boolean {
    const { log } = this.oracle;
    const { target, observed } = log.entries[index]!;
    if (observed <= now) return true;
    const { tags, fence } = this;
    tags.domainId = "domainId" in target ? target.domainId : 0;
    tags.page = "firstPage" in target ? target.firstPage : 0;
    log.fence(Cache.iotlb, tags, now, NOTHING_KNOWN, fence);
    return fence.done.includes(index);
  }

  private look(now: number): void {
    if (now === this.asked) return;
    this.asked = now;
    const { log, queue, steering } = this.oracle;
    const draining = new Set(queue.drains.map((one) => one.invalidation));
    this.done.length = 0;
    for (const [index, one] of log.entries.entries())
      if (draining.has(one) && this.isDone(index, now)) this.done.push(index);
    const on = steering.switchedOn(now);
    this.enabledSince = steering.enabled.value[on] === 1 ? steering.enabled.since[on]! : 0;
  }
}

/**
 * True when the write had reached memory by step `by`: under whichever domain id it was translated, an invalidation that
 * drains it was submitted after it and seen complete.
 */
export function isDrained({ drains: all }: Draining, write: LandedWrite, by: number): boolean {
  const { page } = write.request;
  return write.domainIds.every((domainId) =>
    all.some(({ invalidation: { target, submitted, observed } }) => {
      return submitted > write.step && observed <= by && drains(target, domainId, page, 1);
    }),
  );
}
