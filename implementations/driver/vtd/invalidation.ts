/** What the driver asks to be invalidated (VT-d 6.5). */
import { Granularity } from "../../../model/vtd/descriptors.js";
import type { IovaPage, RequesterId } from "../../../model/words/address.js";
import { alignedTo } from "../shared/address-mask.js";
import { Flusher, type InvalidationInterface } from "../shared/flusher.js";
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

export class VtdFlusher extends Flusher<Invalidation> {
  /** 6.5.2.3: a superpage is sure to go only when the range holds all of it. */
  readonly sparesLargePages = true;

  constructor(
    private readonly unit: Unit,
    via: InvalidationInterface<Invalidation>,
  ) {
    super(via, unit.faults);
  }

  forDevice(domainId: number, requester: RequesterId): Invalidation {
    return contextInvalidation.device(domainId, requester);
  }

  forDomain(domainId: number): Invalidation {
    return iotlbInvalidation.domain(domainId);
  }

  /** 6.5.3.3: the context entries of a domain go before its id is used again. */
  forDevicesOf(domainId: number): readonly Invalidation[] {
    return [contextInvalidation.domain(domainId)];
  }

  /** The whole domain where the unit cannot invalidate such a range (CAP.PSI, CAP.MAMV). */
  protected forRange(domainId: number, iova: IovaPage, mask: number, leafOnly: boolean): Invalidation {
    const { pageSelectiveInvalidation, largestAddressMask } = this.unit.platform;
    if (!pageSelectiveInvalidation || mask > largestAddressMask) return iotlbInvalidation.domain(domainId);
    const page = alignedTo(mask, this.unit.faults.roundsBaseUp ? iova + 2 ** mask - 1 : iova);
    return { cache: "iotlb", granularity: Granularity.selective, domainId, page, mask, leafOnly };
  }

  /** 6.5.2.1: IOTLB invalidations execute after the context-cache invalidations ahead of them. */
  protected inOrder(stages: readonly (readonly Invalidation[])[]): readonly Invalidation[] {
    return stages.flat();
  }
}
