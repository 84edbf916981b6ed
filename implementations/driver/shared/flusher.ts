/** Invalidations, whichever way a unit takes them. */
import type { IovaPage, RequesterId } from "../../../model/words/address.js";
import type { Routine } from "../interface.js";
import { coveringMask } from "./address-mask.js";
import type { ChangedPages } from "./change.js";
import type { SharedFaults } from "./faults.js";

/** One intent at a time holds it: everything a driver keeps and submits is behind it. */
export const LOCK = "unit";

/** A way of submitting invalidations. */
export interface InvalidationInterface<Invalidation> {
  /** Hands invalidations to the unit, in this order. */
  submit(invalidations: readonly Invalidation[]): Routine;
  /** Waits until all that were submitted are complete. @throws Error when they never are */
  wait(): Routine;
}

export abstract class Flusher<Invalidation> {
  /** Where part of a large page is invalidated, the unit may go on using all of it. */
  abstract readonly sparesLargePages: boolean;

  constructor(
    private readonly via: InvalidationInterface<Invalidation>,
    protected readonly faults: SharedFaults,
  ) {}

  /** The entry of a device. `domainId` is the one that it was cached under. */
  abstract forDevice(domainId: number, requester: RequesterId): Invalidation;
  /** Everything that is cached under a domain id, device entries apart. */
  abstract forDomain(domainId: number): Invalidation;
  /** The device entries of a domain that is gone. */
  abstract forDevicesOf(domainId: number): readonly Invalidation[];
  /** What is cached of the aligned range of 2^mask pages that `iova` is in. */
  protected abstract forRange(
    domainId: number,
    iova: IovaPage,
    mask: number,
    leafOnly: boolean,
  ): Invalidation;
  /** The invalidations one after the other, those of one stage complete before those of the next begin. */
  protected abstract inOrder(stages: readonly (readonly Invalidation[])[]): readonly Invalidation[];

  /** What is cached of pages whose entries were changed: one range that holds them all. */
  forPages({ domainId, iova, pages, leafOnly }: ChangedPages): Invalidation {
    const { faults } = this;
    const mask = (faults.addressMask ?? coveringMask)(iova, pages);
    return this.forRange(faults.flushedDomainId?.(domainId) ?? domainId, iova, mask, leafOnly);
  }

  /**
   * Carries invalidations out, stage by stage: when this is over they are complete.
   * @throws Error when they never are
   */
  flush(...stages: readonly (readonly Invalidation[])[]): Routine {
    const work = this.submitAndWait(this.inOrder(stages));
    return this.faults.flushesUnlocked ? unlocked(work) : work;
  }

  /** {@link flush} for pages whose entries were changed. */
  flushPages(changed: ChangedPages): Routine {
    return this.flush([this.forPages(changed)]);
  }

  private *submitAndWait(invalidations: readonly Invalidation[]): Routine {
    if (invalidations.length === 0) return;
    yield* this.via.submit(invalidations);
    if (!this.faults.neverWaits) yield* this.via.wait();
  }
}

function* unlocked(work: Routine): Routine {
  yield { do: "unlock", lock: LOCK };
  yield* work;
  yield { do: "lock", lock: LOCK };
}
