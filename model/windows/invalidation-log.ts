/**
 * The invalidations software has submitted, when each was submitted and when it was seen to be complete, and the
 * fences that follow (`docs/visibility-windows.md`).
 */
import type { InvalidationActions } from "../finding.js";
import { empty } from "../words/lists.js";
import { OPEN } from "../words/memory.js";

/**
 * The cache whose entry is asked about:
 * - `device`: of device entries (VT-d context cache, AMD-Vi device table cache);
 * - `table`: of entries that point to tables (VT-d paging-structure caches, AMD-Vi page directory cache);
 * - `iotlb`: of translations.
 */
export const Cache = { device: 0, table: 1, iotlb: 2 } as const;
export type Cache = (typeof Cache)[keyof typeof Cache];

/** Tags of a cached entry, or of writes under way. */
export interface CacheTags {
  /** The function that it was filled for, or that wrote. */
  requester: number;
  /** The domain id that it was filled, or the writes were translated, under. */
  domainId: number;
  page: number;
  /**
   * Pages that the entry maps or reaches, a power of two: `page` is one of them; {@link NO_PAGE_SIZE} where no table gives
   * a translation its size. Of writes: the pages from `page` on.
   */
  pages: number;
}

/** In place of a number of pages: the translation rests on no entry of a table. */
export const NO_PAGE_SIZE = 0;

/** In place of a requester: writes of any function. */
export const ANY_REQUESTER = -1;

/** What an architecture says about its invalidations. */
export interface InvalidationRules<Target> {
  /** True when it must remove the entry with these tags from that cache. */
  covers(target: Target, cache: Cache, tags: CacheTags): boolean;
  /** True when it drains, if it drains at all, every write with these tags. */
  drains(target: Target, tags: CacheTags): boolean;
  /** True when, of two in one queue with no fence between them, the second executes after the first. */
  executesBefore(earlier: Target, later: Target): boolean;
  /** True when entries that point to tables may stay, wherever they are. */
  sparesTables(target: Target): boolean;
  /** True when it comes with a change of the table pointer: caches are refilled through the new one only. */
  switchesPointer(target: Target): boolean;
  /** The only domain id whose entries it removes; null when there is none, or it is not restricted so. */
  domainOf(target: Target): number | null;
  /** The pages that it is restricted to; null when it is not restricted so. */
  rangeOf(target: Target): PageRange | null;
}

export interface PageRange {
  readonly firstPage: number;
  readonly pageCount: number;
}

export interface Invalidation<Target = unknown> {
  readonly target: Target;
  /** Step at which hardware could first execute it. */
  submitted: number;
  /** Step at which software had seen its completion; {@link OPEN} while it has not. */
  observed: number;
  /** Invalidations of a higher group execute after every one of a lower group. */
  readonly fenceGroup: number;
  /** The lowest group that waits for it: the next one, or none where the fence does not cover it. */
  fencedBy: number;
  /** Submitted through the queue, where the ordering of its entries applies. */
  readonly queued: boolean;
  /** Its completion tells that the writes it covers have reached memory. */
  readonly drainsWrites: boolean;
}

/** When an invalidation was submitted and seen complete, in actions in place of steps. */
export function actionsOf({ submitted, observed }: Invalidation): InvalidationActions {
  return { submitted: submitted - 1, completed: observed === OPEN ? null : observed - 1 };
}

/** The submission of the last covering invalidation known to be done, and which covering ones are known to be. */
export interface Fence {
  step: number;
  /** Indices into the log. */
  readonly done: number[];
}

export class InvalidationLog<Target = unknown> {
  readonly entries: Invalidation<Target>[] = [];

  constructor(readonly rules: InvalidationRules<Target>) {}

  reset(): void {
    empty(this.entries);
  }

  submit(
    target: Target,
    step: number,
    queued: boolean,
    fenceGroup: number,
    drainsWrites = true,
  ): Invalidation<Target> {
    const fencedBy = fenceGroup + 1;
    const entry = { target, submitted: step, observed: OPEN, fenceGroup, fencedBy, queued, drainsWrites };
    this.entries.push(entry);
    return entry;
  }

  /** True when the invalidation must remove the entry with these tags from that cache. */
  covers({ target }: Invalidation<Target>, cache: Cache, tags: CacheTags): boolean {
    return this.rules.covers(target, cache, tags);
  }

  /** True when the invalidation drains every write with these tags. */
  drains({ target, drainsWrites }: Invalidation<Target>, tags: CacheTags): boolean {
    return drainsWrites && this.rules.drains(target, tags);
  }

  /**
   * The fence of a cache for an entry with these tags as of step `at`, given that the invalidations `known` are done.
   * Done means: seen complete by then, or executed before one that was or that is known to be done.
   */
  fence(cache: Cache, tags: CacheTags, at: number, known: readonly number[], into: Fence): void {
    into.step = 0;
    empty(into.done);
    const { entries } = this;
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index]!;
      if (entry.submitted > at || !this.covers(entry, cache, tags)) continue;
      if (entry.observed > at && !this.isImplied(index, at, known)) continue;
      into.done.push(index);
      if (entry.submitted > into.step) into.step = entry.submitted;
    }
  }

  /** True when the invalidation was seen complete by step `at`, or executed before one that was. */
  isDone(index: number, at: number): boolean {
    const { submitted, observed } = this.entries[index]!;
    return observed <= at || (submitted <= at && this.isImplied(index, at, []));
  }

  /** True when the later one of two invalidations is known to execute after the earlier one. */
  executesBefore(earlier: Invalidation<Target>, later: Invalidation<Target>): boolean {
    if (earlier.observed <= later.submitted) return true;
    if (!earlier.queued || !later.queued) return false;
    return earlier.fencedBy <= later.fenceGroup || this.rules.executesBefore(earlier.target, later.target);
  }

  /** The last step at which one of these was submitted: what was in the write buffer then has left it (VT-d 6.8). */
  flushedBy(known: readonly number[]): number {
    let step = 0;
    for (const index of known) step = Math.max(step, this.entries[index]!.submitted);
    return step;
  }

  /** Index of the first invalidation that was submitted at `step` or later. */
  firstSince(step: number): number {
    const { entries } = this;
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle]!.submitted < step) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Forgets entries that exclude nothing.
   * @param isIdle true for an entry that excludes nothing itself; it stays while it tells that another one is done
   */
  forget(isIdle: (entry: Invalidation<Target>) => boolean): void {
    const { entries } = this;
    const kept = new Set(entries.filter((one) => !isIdle(one)));
    if (kept.size === entries.length) return;
    entries.forEach((entry, index) => {
      const teller = isIdle(entry) ? null : this.firstToTell(index);
      if (teller) kept.add(teller);
    });
    const left = entries.filter((one) => kept.has(one));
    entries.splice(0, entries.length, ...left);
  }

  /** The first invalidation whose completion tells that this one is done, if software did not see its own before. */
  private firstToTell(index: number): Invalidation<Target> | null {
    const { entries } = this;
    const entry = entries[index]!;
    let first: Invalidation<Target> | null = null;
    for (let later = index + 1; later < entries.length; later++) {
      const one = entries[later]!;
      if (one.observed < (first ?? entry).observed && this.executesBefore(entry, one)) first = one;
    }
    return first;
  }

  private isImplied(index: number, at: number, known: readonly number[]): boolean {
    if (known.includes(index)) return true;
    const { entries } = this;
    for (let later = index + 1; later < entries.length; later++) {
      const done = entries[later]!.observed <= at || known.includes(later);
      if (done && this.executesBefore(entries[index]!, entries[later]!)) return true;
    }
    return false;
  }
}
