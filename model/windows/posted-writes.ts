/**
 * Writes that were translated and may not have reached memory yet: the moments at which one may have been translated
 * that nothing has drained since.
 */
import type { LandedWrite } from "../architecture.js";
import type { CacheTags, InvalidationLog } from "./invalidation-log.js";
import type { SteeringRegisters } from "./steering.js";
import type { Unit } from "./unit.js";

/** A write that a device was seen to make, with its tags. */
export interface TranslatedWrite extends LandedWrite {
  /** The domain ids it may have been translated under; `NO_DOMAIN` for none. */
  readonly domainIds: readonly number[];
}

/** What is known of the writes with some tags. */
export interface Drained {
  /** None that is still under way was translated before this step. */
  readonly step: number;
  /** The invalidations that drained them, as far as software saw that after the step: indices into the log. */
  readonly known: readonly number[];
}

/** What software has done and seen, as far as draining goes. */
interface Observed {
  readonly log: InvalidationLog;
  readonly steering: SteeringRegisters;
  readonly unit: Pick<Unit, "protection">;
}

export class PostedWrites {
  private asked = -1;
  /** The draining invalidations that are known to be done by the step that was asked about: indices into the log. */
  private readonly done: number[] = [];
  /** A command that was seen done has drained everything that was translated before this step. */
  private drainedSince = 0;

  constructor(private readonly oracle: Observed) {}

  /**
   * A write that is still under way at step `now` was translated after every draining of it that is known to be done had
   * executed, so after the last of them was submitted. Switching translation on drains everything, and so may protecting
   * memory.
   */
  drained(now: number, writes: CacheTags): Drained {
    this.look(now);
    const { log } = this.oracle;
    const { entries } = log;
    let step = this.drainedSince;
    for (const index of this.done) {
      const entry = entries[index]!;
      if (entry.submitted > step && log.drains(entry, writes)) step = entry.submitted;
    }
    const known = this.done.filter((index) => {
      const entry = entries[index]!;
      return entry.observed > step && log.drains(entry, writes);
    });
    return { step, known };
  }

  /** No write that is still under way at step `now` was translated before this step, whatever its tags. */
  drainedAll(now: number): number {
    this.look(now);
    const { entries, rules } = this.oracle.log;
    let step = this.drainedSince;
    for (const index of this.done) {
      const { target, submitted } = entries[index]!;
      if (rules.domainOf(target) === null && rules.rangeOf(target) === null) step = Math.max(step, submitted);
    }
    return step;
  }

  /**
   * The moments to ask at whether a write was translated that is still under way. What could be translated right after
   * the draining can be later too, until an invalidation that does not drain it takes effect: the moments right before
   * those were seen complete are the others, and those right before translation went off or other memory was protected.
   */
  moments(now: number, { step, known }: Drained): number[] {
    const moments = step > 0 ? [step] : [];
    for (const [index, { observed }] of this.oracle.log.entries.entries()) {
      if (observed <= step || observed > now || known.includes(index)) continue;
      if (!moments.includes(observed - 1)) moments.push(observed - 1);
    }
    const { enabled, protection } = this.oracle.steering;
    for (const end of [...enabled.ends(1), ...protection.ends()])
      if (end > step && end <= now && !moments.includes(end - 1)) moments.push(end - 1);
    return moments;
  }

  /** The pages inside a run from which on other invalidations drain than before. */
  boundaries(now: number, firstPage: number, pages: number): number[] {
    this.look(now);
    const { entries, rules } = this.oracle.log;
    const found = new Set<number>();
    for (const index of this.done) {
      const range = rules.rangeOf(entries[index]!.target);
      if (!range) continue;
      for (const page of [range.firstPage, range.firstPage + range.pageCount])
        if (page > firstPage && page < firstPage + pages) found.add(page);
    }
    return [...found].sort((one, other) => one - other);
  }

  /** Forgets what was asked before: the invalidations have other indices from now on. */
  forget(): void {
    this.asked = -1;
  }

  private look(now: number): void {
    if (now === this.asked) return;
    this.asked = now;
    const { log, steering, unit } = this.oracle;
    this.done.length = 0;
    for (const [index, { drainsWrites }] of log.entries.entries())
      if (drainsWrites && log.isDone(index, now)) this.done.push(index);
    const on = steering.switchedOn(now);
    const enabledSince = steering.enabled.value[on] === 1 ? steering.enabled.since[on]! : 0;
    const protectedSince = unit.protection?.drains ? steering.protection.onSince(now) : 0;
    this.drainedSince = Math.max(enabledSince, protectedSince);
  }
}

/**
 * True when the write had reached memory by step `by`: under whichever domain id it was translated, an invalidation that
 * drains it was submitted after it and seen complete.
 */
export function isDrained(log: InvalidationLog, write: TranslatedWrite, by: number): boolean {
  const { requester, page } = write.request;
  return write.domainIds.every((domainId) => {
    const tags = { requester, domainId, page, pages: 1 };
    return log.entries.some((one) => {
      return one.submitted > write.step && one.observed <= by && log.drains(one, tags);
    });
  });
}
