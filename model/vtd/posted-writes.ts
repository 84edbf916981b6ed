/**
 * Writes that were translated and may not have reached memory yet (VT-d 6.5.4): the moments at which one may have been
 * translated that nothing has drained since.
 */
import type { Invalidation, InvalidationLog } from "./invalidation-log.js";
import type { QueueView } from "./queue-view.js";

/** Moments to ask at, and the invalidations that are known to be done by then. */
export interface Undrained {
  readonly moments: readonly number[];
  readonly known: readonly number[];
}

export class PostedWrites {
  private asked = -1;
  private answer: Undrained = { moments: [], known: [] };

  constructor(
    private readonly log: InvalidationLog,
    private readonly queue: QueueView,
  ) {}

  /**
   * A write that is still under way at step `now` was translated after every draining that is known to be done had
   * executed, so after the last of them was submitted. What could be translated then can be later too, until an
   * invalidation that does not drain takes effect: the moments right before those were seen complete are the others.
   */
  undrained(now: number): Undrained {
    if (now !== this.asked) {
      this.asked = now;
      this.answer = this.compute(now);
    }
    return this.answer;
  }

  /** Forgets what was asked before: the invalidations have other indices from now on. */
  forget(): void {
    this.asked = -1;
  }

  /** No write that is still under way at step `now`, or will be later, was translated before the step returned. */
  earliest(now: number): number {
    return latestDraining(this.drained(now));
  }

  private drained(now: number): Invalidation[] {
    return this.queue.drains.map((one) => one.invalidation).filter((one) => one.observed <= now);
  }

  private compute(now: number): Undrained {
    const draining = this.queue.drains.map((one) => one.invalidation);
    const done = this.drained(now);
    const last = latestDraining(done);
    const { entries } = this.log;
    const known = done.filter((one) => one.observed > last).map((one) => entries.lastIndexOf(one));
    const moments = new Set(last > 0 ? [last] : []);
    for (const one of entries) {
      if (one.observed > last && one.observed <= now && !draining.includes(one))
        moments.add(one.observed - 1);
    }
    return { moments: [...moments], known };
  }
}

function latestDraining(done: readonly Invalidation[]): number {
  return done.reduce((latest, one) => Math.max(latest, one.submitted), 0);
}
