/** What the driver asks to be invalidated, and how it waits for that (VT-d 6.5). */
import { Granularity } from "../../../model/vtd/descriptors.js";
import type { IovaPage, RequesterId } from "../../../model/words/address.js";
import type { Routine } from "../interface.js";
import { alignedTo, coveringMask } from "./address-mask.js";
import type { ChangedPages } from "./change.js";
import type { Unit } from "./unit.js";

type OneGranularity = (typeof Granularity)[keyof typeof Granularity];

/** One invalidation. Fields that its granularity does not look at are 0. */
export type Invalidation =
  | {
      readonly cache: "context";
      readonly granularity: OneGranularity;
      readonly domainId: number;
      readonly requester: RequesterId;
    }
  | {
      readonly cache: "iotlb";
      readonly granularity: OneGranularity;
      readonly domainId: number;
      readonly page: IovaPage;
      readonly mask: number;
      /** Invalidation hint: no entry that points to a table was changed. */
      readonly leafOnly: boolean;
    };

/** Either of the two ways of submitting invalidations. */
export interface InvalidationInterface {
  /** Hands invalidations to the unit, in this order. */
  submit(invalidations: readonly Invalidation[]): Routine;
  /** Waits until all that were submitted are complete. @throws Error when they never are */
  wait(): Routine;
}

export const LOCK = "vtd";

/** The context cache, entries of every function or of one. */
export const contextInvalidation = {
  global: { cache: "context", granularity: Granularity.global, domainId: 0, requester: 0 },
  domain: (domainId: number): Invalidation => ({
    cache: "context",
    granularity: Granularity.domain,
    domainId,
    requester: 0,
  }),
  /** `domainId` is the one the entry was filled under: 0 for one that was not present (caching mode, 6.1). */
  device: (domainId: number, requester: RequesterId): Invalidation => ({
    cache: "context",
    granularity: Granularity.selective,
    domainId,
    requester,
  }),
} as const;

/** IOTLB and paging-structure caches, entries of every domain or of one. */
export const iotlbInvalidation = {
  global: { cache: "iotlb", granularity: Granularity.global, domainId: 0, page: 0, mask: 0, leafOnly: false },
  domain: (domainId: number): Invalidation => ({
    cache: "iotlb",
    granularity: Granularity.domain,
    domainId,
    page: 0,
    mask: 0,
    leafOnly: false,
  }),
} as const;

export class Flusher {
  constructor(
    private readonly unit: Unit,
    private readonly via: InvalidationInterface,
  ) {}

  /** Carries invalidations out: when this is over they are complete. @throws Error when they never are */
  flush(invalidations: readonly Invalidation[]): Routine {
    const work = this.submitAndWait(invalidations);
    return this.unit.faults.flushesUnlocked ? unlocked(work) : work;
  }

  private *submitAndWait(invalidations: readonly Invalidation[]): Routine {
    if (invalidations.length === 0) return;
    yield* this.via.submit(invalidations);
    if (!this.unit.faults.neverWaits) yield* this.via.wait();
  }

  /**
   * The invalidation that covers pages that were changed: one range of 2^mask pages, or the whole domain where the unit
   * cannot do that (CAP.PSI, CAP.MAMV). A superpage lies in its range whole, as 6.5.2.3 asks for, because changes do.
   */
  forPages({ domainId, iova, pages, leafOnly }: ChangedPages): Invalidation {
    const mask = (this.unit.faults.addressMask ?? coveringMask)(iova, pages);
    const flushed = this.unit.faults.flushedDomainId?.(domainId) ?? domainId;
    if (!this.unit.platform.pageSelectiveInvalidation || mask > this.unit.platform.largestAddressMask)
      return iotlbInvalidation.domain(flushed);
    return {
      cache: "iotlb",
      granularity: Granularity.selective,
      domainId: flushed,
      page: alignedTo(mask, iova),
      mask,
      leafOnly,
    };
  }
}

function* unlocked(work: Routine): Routine {
  yield { do: "unlock", lock: LOCK };
  yield* work;
  yield { do: "lock", lock: LOCK };
}
