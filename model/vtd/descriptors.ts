/** Invalidation queue descriptors of 128 bits (VT-d 6.5.2): layouts, legality, meaning. */
import type { Word } from "../trace.js";
import { encode, field, type Layout, layout, reserved, reservedMask } from "../words/layout.js";
import type { Rule } from "../words/rule.js";
import { asAddress, asPowerOfTwo, asRequester, saying } from "../words/shown-fields.js";
import { FUNCTION_MASK_BITS, type InvalidationTarget } from "./invalidations.js";
import type { Platform } from "./profile.js";
import { pageOf } from "./walk.js";

const NEVER = Number.POSITIVE_INFINITY;
const granularity = (three: string) =>
  saying(field<Platform>("G", "5:4", "granularity"), { 1: "global", 2: "domain-selective", 3: three });
const sourceId = saying(field<Platform>("SID", "47:32", "source id"), asRequester);
const page = saying(field<Platform>("ADDR", "127:76", "page"), asAddress(12));
const type = [
  field<Platform>("Type", "3:0", "descriptor type"),
  field<Platform>("TypeHigh", "11:9", "descriptor type, upper bits"),
];

export const DescriptorType = { context: 1, iotlb: 2, deviceTlb: 3, interruptEntry: 4, wait: 5 } as const;

/** Granularities of context-cache and IOTLB invalidations; 0 is not one. */
export const Granularity = { global: 1, domain: 2, selective: 3 } as const;

export const contextDescriptor: Layout<Platform> = layout("context-cache invalidate", "6.5.2.1", 128, [
  ...type,
  granularity("device-selective"),
  reserved("8:6"),
  reserved("15:12"),
  field("DID", "31:16", "domain id"),
  sourceId,
  saying(field("FM", "49:48", "function mask"), {
    1: "function bit 2 does not count",
    2: "function bits 2:1 do not count",
    3: "function bits 2:0 do not count",
  }),
  reserved("63:50"),
  reserved("127:64"),
]);

export const iotlbDescriptor: Layout<Platform> = layout("IOTLB invalidate", "6.5.2.3", 128, [
  ...type,
  granularity("page-selective"),
  field("DW", "6", "drain writes"),
  field("DR", "7", "drain reads"),
  reserved("8"),
  reserved("15:12"),
  field("DID", "31:16", "domain id"),
  reserved("63:32"),
  saying(field("AM", "69:64", "address mask: log2 of the number of pages"), asPowerOfTwo("pages")),
  field("IH", "70", "invalidation hint: leaf entries only"),
  reserved("75:71"),
  page,
]);

export const deviceTlbDescriptor: Layout<Platform> = layout("device-TLB invalidate", "6.5.2.5", 128, [
  ...type,
  reserved("8:4"),
  field("PFSIDLow", "15:12", "source id of the physical function", (p) =>
    p.deviceTlbThrottling ? NEVER : 12,
  ),
  field("MIP", "20:16", "largest number of pending invalidations"),
  reserved("31:21"),
  sourceId,
  reserved("51:48"),
  field("PFSIDHigh", "63:52", "source id of the physical function", (p) =>
    p.deviceTlbThrottling ? NEVER : 52,
  ),
  field("S", "64", "size"),
  reserved("75:65"),
  page,
]);

export const interruptEntryDescriptor: Layout<Platform> = layout(
  "interrupt entry cache invalidate",
  "6.5.2.8",
  128,
  [
    ...type,
    saying(field("G", "4", "granularity"), { 0: "global", 1: "index-selective" }),
    reserved("8:5"),
    reserved("26:12"),
    field("IM", "31:27", "index mask"),
    field("IIDX", "47:32", "interrupt index"),
    reserved("63:48"),
    reserved("127:64"),
  ],
);

export const waitDescriptor: Layout<Platform> = layout("invalidation wait", "6.5.2.9", 128, [
  ...type,
  field("IF", "4", "interrupt flag"),
  field("SW", "5", "status write"),
  field("FN", "6", "fence"),
  field("PD", "7", "page-request drain", (platform) => (platform.pageRequestDrain ? NEVER : 7)),
  reserved("8"),
  reserved("31:12"),
  field("Data", "63:32", "status data"),
  reserved("65:64"),
  saying(field("Address", "127:66", "status address, in DWORDs"), asAddress(2)),
]);

const layouts: Readonly<Record<number, Layout<Platform>>> = {
  [DescriptorType.context]: contextDescriptor,
  [DescriptorType.iotlb]: iotlbDescriptor,
  [DescriptorType.deviceTlb]: deviceTlbDescriptor,
  [DescriptorType.interruptEntry]: interruptEntryDescriptor,
  [DescriptorType.wait]: waitDescriptor,
};

const rule = (id: string, section: string, statement: string): Rule => ({
  id: `vtd.queue.${id}`,
  section: `VT-d ${section}`,
  statement,
});

export const queueErrorRules = {
  type: rule(
    "descriptor-type",
    "6.5.2.11",
    "A descriptor has a type that table 26 lists for the mode and the unit supports",
  ),
  reserved: rule("reserved-bits", "11.4.9.9", "Reserved bits of a descriptor are zero"),
  granularity: rule(
    "granularity",
    "6.5.2.3",
    "A descriptor asks for a granularity that exists and the unit supports",
  ),
} as const;

/** IQEI codes of 11.4.9.9. */
export const QueueError = { invalidType: 3, reservedBits: 4 } as const;

export type Descriptor =
  | { readonly kind: "invalidate"; readonly target: InvalidationTarget; readonly drainsWrites: boolean }
  | {
      readonly kind: "wait";
      /** Page and 32-bit index in the page of the status word, or null when none is written. */
      readonly status: { readonly page: number; readonly dword: number; readonly data: number } | null;
      readonly interrupt: boolean;
      readonly fence: boolean;
    }
  /** Device TLBs and interrupt entries: legal, and without effect on second-stage translation. */
  | { readonly kind: "other" }
  /** Legal to submit, but the specification does not say what hardware does. */
  | { readonly kind: "unspecified"; readonly why: string }
  | { readonly kind: "error"; readonly rule: Rule; readonly codes: readonly number[] };

/** Reserved bits of every descriptor type on one platform. */
export class DescriptorDecoder {
  private readonly masks = new Map<number, readonly [Word, Word]>();

  constructor(private readonly platform: Platform) {
    for (const [kind, of] of Object.entries(layouts)) {
      const [first, second] = reservedMask(of, platform);
      this.masks.set(Number(kind), [first!, second!]);
    }
  }

  /** What a 128-bit descriptor asks for, or why it is an error (6.5.2.11). */
  decode(low: number, high: number, low2: number, high2: number): Descriptor {
    const kind = (low & 0xf) | ((low >>> 5) & 0x70);
    const mask = this.masks.get(kind);
    if (!mask || !this.supports(kind)) return error(queueErrorRules.type, QueueError.invalidType);
    const [first, second] = mask;
    if ((low & first.low) | (high & first.high) | (low2 & second.low) | (high2 & second.high)) {
      return error(queueErrorRules.reserved, QueueError.reservedBits);
    }
    switch (kind) {
      case DescriptorType.context:
        return decodeContext(low, high);
      case DescriptorType.iotlb:
        return this.decodeIotlb(low, low2, high2);
      case DescriptorType.wait:
        return decodeWait(low, high, low2, high2, this.platform.hostAddressWidth);
      default:
        return { kind: "other" };
    }
  }

  private supports(kind: number): boolean {
    if (kind === DescriptorType.deviceTlb) return this.platform.deviceTlb;
    if (kind === DescriptorType.interruptEntry) return this.platform.interruptRemapping;
    return true;
  }

  private decodeIotlb(low: number, low2: number, high2: number): Descriptor {
    const granularity = (low >>> 4) & 3;
    const domainId = low >>> 16;
    const drainsWrites =
      this.platform.majorVersion >= 2 || (this.platform.drainsWrites && (low & 0x40) !== 0);
    if (granularity === Granularity.global) {
      return { kind: "invalidate", target: { cache: "iotlb", granularity: "global" }, drainsWrites };
    }
    if (granularity === Granularity.domain) {
      return {
        kind: "invalidate",
        target: { cache: "iotlb", granularity: "domain", domainId },
        drainsWrites,
      };
    }
    if (granularity !== Granularity.selective || !this.platform.pageSelectiveInvalidation)
      return granularityError();
    const mask = low2 & 0x3f;
    if (mask > this.platform.largestAddressMask) {
      return { kind: "unspecified", why: "an address mask above CAP.MAMV (6.5.2.3)" };
    }
    const target = pageSelective(domainId, (low2 >>> 12) + high2 * 0x100000, mask, (low2 & 0x40) !== 0);
    return { kind: "invalidate", target, drainsWrites };
  }
}

/** The pages a page-selective invalidation covers: 2^mask of them, the address aligned to that. */
export function pageSelective(
  domainId: number,
  page: number,
  mask: number,
  leafOnly: boolean,
): InvalidationTarget {
  const pageCount = 2 ** mask;
  return {
    cache: "iotlb",
    granularity: "page",
    domainId,
    firstPage: page - (page % pageCount),
    pageCount,
    leafOnly,
  };
}

/** What a context-cache invalidation of this granularity covers; null when the granularity does not exist. */
export function contextTarget(
  granularity: number,
  domainId: number,
  sourceId: number,
  functionMask: number,
): InvalidationTarget | null {
  if (granularity === Granularity.global) return { cache: "context", granularity: "global" };
  if (granularity === Granularity.domain) return { cache: "context", granularity: "domain", domainId };
  if (granularity !== Granularity.selective) return null;
  const ignoredSourceBits = FUNCTION_MASK_BITS[functionMask]!;
  return { cache: "context", granularity: "device", domainId, sourceId, ignoredSourceBits };
}

function decodeContext(low: number, high: number): Descriptor {
  const target = contextTarget((low >>> 4) & 3, low >>> 16, high & 0xffff, (high >>> 16) & 3);
  return target ? { kind: "invalidate", target, drainsWrites: false } : granularityError();
}

function decodeWait(
  low: number,
  high: number,
  low2: number,
  high2: number,
  hostAddressWidth: number,
): Descriptor {
  const page = pageOf(low2, high2) % 2 ** (hostAddressWidth - 12);
  return {
    kind: "wait",
    status: low & 0x20 ? { page, dword: (low2 >>> 2) & 1023, data: high } : null,
    interrupt: (low & 0x10) !== 0,
    fence: (low & 0x40) !== 0,
  };
}

function error(broken: Rule, ...codes: number[]): Descriptor {
  return { kind: "error", rule: broken, codes };
}

/** 6.5.2.1, 6.5.2.3: "an invalid descriptor"; whether as a type or as a reserved value is not said. */
function granularityError(): Descriptor {
  return error(queueErrorRules.granularity, QueueError.invalidType, QueueError.reservedBits);
}

/** A descriptor with these fields, as two 64-bit words. */
export function encodeDescriptor(
  of: Layout<Platform>,
  values: Readonly<Record<string, number>>,
): [Word, Word] {
  const [first, second] = encode(of, values);
  return [first!, second!];
}
