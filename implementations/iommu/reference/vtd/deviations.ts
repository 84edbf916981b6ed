/** Faulty variants of the VT-d unit. */
import type { FaultRecord } from "../../../../model/vtd/fault-log.js";
import type { InvalidationTarget } from "../../../../model/vtd/invalidations.js";
import type { WalkPlatform } from "../../../../model/vtd/walk.js";
import type { RemovalRules } from "../caches.js";
import type { EntryChange } from "../caching-reader.js";
import { type DeviationFacts, minimum } from "../deviation.js";
import { removalRules } from "./removal.js";

export interface VtdDeviation extends DeviationFacts {
  readonly architecture: "vtd";
  readonly removal?: Partial<RemovalRules<InvalidationTarget>>;
  readonly platform?: (platform: WalkPlatform) => WalkPlatform;
  /** Changes an entry of the second stage as the walk reads it. */
  readonly entry?: EntryChange;
  readonly record?: (fault: FaultRecord) => FaultRecord;
  readonly waitsIgnoreOlder?: boolean;
  readonly cachesNotPresent?: boolean;
  readonly overflowOverwritesFirst?: boolean;
  readonly drainsNothing?: boolean;
  readonly ignoresFaultProcessingDisable?: boolean;
  readonly completesCommandsEarly?: boolean;
  readonly skipsBadDescriptor?: boolean;
  readonly leavesProtectedOpen?: boolean;
  readonly showsProtectionEarly?: boolean;
}

/** 9.8: PS = 1 at level 2 or 3. */
function mapsPage(low: number, level: number): boolean {
  return level <= 3 && (low & 0x80) !== 0;
}

export const vtdDeviations: readonly VtdDeviation[] = [
  {
    architecture: "vtd",
    id: "page-flush-ignores-mask",
    description: "A page-selective invalidation removes one page, whatever its address mask",
    rule: "vtd.invalidation.iotlb-page",
    sources: [],
    minimum: minimum(
      6,
      "attach, map, request, unmap, flush of several pages by register (which is waited for), request",
    ),
    removal: {
      mapping: (target, entry) =>
        target.cache === "iotlb" && target.granularity === "page"
          ? removalRules.mapping({ ...target, pageCount: 1 }, entry)
          : removalRules.mapping(target, entry),
    },
  },
  {
    architecture: "vtd",
    id: "mask-above-nine-ignored",
    description: "A page-selective invalidation whose address mask is above 9 removes nothing",
    rule: "vtd.invalidation.iotlb-page",
    sources: ["Intel Xeon E7 v2 datasheet, volume 2: address masks above 9 (quirk of FreeBSD)"],
    minimum: minimum(6, "attach, map, request, unmap, flush by register with a mask above 9, request"),
    removal: {
      mapping: (target, entry) =>
        target.cache === "iotlb" && target.granularity === "page" && target.pageCount > 512
          ? false
          : removalRules.mapping(target, entry),
    },
  },
  {
    architecture: "vtd",
    id: "superpage-survives-page-flush",
    description: "A page-selective invalidation leaves the entries of superpages, whatever its address mask",
    rule: "vtd.invalidation.iotlb-page",
    sources: [],
    minimum: minimum(
      6,
      "attach, map a superpage, request, unmap, flush by register with the mask of the superpage, request",
    ),
    removal: {
      mapping: (target, entry) =>
        target.cache === "iotlb" && target.granularity === "page" && entry.pageCount > 1
          ? false
          : removalRules.mapping(target, entry),
    },
  },
  {
    architecture: "vtd",
    id: "wait-before-invalidations",
    description: "A wait descriptor completes although invalidations ahead of it are still to be done",
    rule: "vtd.queue.wait-order",
    sources: [],
    minimum: minimum(4, "without translation: write, draining flush, wait, new content of the page"),
    waitsIgnoreOlder: true,
  },
  {
    architecture: "vtd",
    id: "context-flush-ignores-function-mask",
    description:
      "A device-selective context-cache invalidation compares all 16 bits of the source id, whatever FM",
    rule: "vtd.invalidation.context-device",
    sources: [],
    minimum: minimum(5, "attach, request, attach in another way, context flush with FM by register, request"),
    removal: {
      device: (target, entry) =>
        target.cache === "context" && target.granularity === "device"
          ? removalRules.device({ ...target, ignoredSourceBits: 0 }, entry)
          : removalRules.device(target, entry),
    },
  },
  {
    architecture: "vtd",
    id: "domain-flush-compares-few-bits",
    description: "A domain-selective invalidation uses the low 8 bits of the domain id it is given",
    rule: "vtd.invalidation.iotlb-domain",
    sources: [],
    minimum: minimum(
      6,
      "attach with a domain id above 255, map, request, unmap, flush of the domain by register, request",
    ),
    removal: {
      mapping: (target, entry) =>
        target.cache === "iotlb" && target.granularity === "domain"
          ? removalRules.mapping({ ...target, domainId: target.domainId & 0xff }, entry)
          : removalRules.mapping(target, entry),
    },
  },
  {
    architecture: "vtd",
    id: "caches-not-present",
    description: "Not-present entries are cached although Caching Mode is 0",
    rule: "vtd.served.translated",
    sources: [],
    minimum: minimum(4, "attach, request, map, request"),
    cachesNotPresent: true,
  },
  {
    architecture: "vtd",
    id: "superpage-bit-ignored",
    description: "CAP advertises superpages, but their entries are taken for ones that point to tables",
    rule: "vtd.served.translated",
    sources: ["Intel Sandy Bridge: superpages advertised and not usable (Xen commit 6dacdcd439)"],
    minimum: minimum(3, "attach, map a superpage, request"),
    entry: (entry, level) => {
      if (level > 1 && mapsPage(entry.low, level)) entry.low &= ~0x80;
    },
  },
  {
    architecture: "vtd",
    id: "write-permission-from-leaf",
    description: "Write permission is taken from the leaf entry alone",
    rule: "vtd.second-stage.write-permission",
    sources: [],
    minimum: minimum(4, "attach, map, clear W of an upper entry, write"),
    entry: (entry, level) => {
      if (level > 1 && entry.low & 1 && !mapsPage(entry.low, level)) entry.low |= 2;
    },
  },
  {
    architecture: "vtd",
    id: "non-leaf-reserved-unchecked",
    description: "Reserved bits of entries that point to tables are not checked",
    rule: "vtd.second-stage.reserved-bits",
    sources: [],
    minimum: minimum(4, "attach, map, set a reserved bit of an upper entry, request"),
    platform: (platform) => ({
      ...platform,
      reserved: {
        ...platform.reserved,
        secondStageLow: platform.reserved.secondStageLow.map((mask, index) => (index % 2 === 0 ? 0 : mask)),
        secondStageHigh: platform.reserved.secondStageHigh.map((mask, index) => (index % 2 === 0 ? 0 : mask)),
      },
    }),
  },
  {
    architecture: "vtd",
    id: "fault-wrong-source",
    description: "A fault is recorded with function 0 of the requester's device",
    rule: "vtd.faults.record",
    sources: [],
    minimum: minimum(2, "a blocked request of another function than 0, reading the fault registers"),
    record: (fault) => ({ ...fault, sourceId: fault.sourceId & 0xfff8 }),
  },
  {
    architecture: "vtd",
    id: "overflow-overwrites-first",
    description: "A fault that finds its register in use overwrites it",
    rule: "vtd.faults.overflow",
    sources: [],
    minimum: minimum(
      2,
      "a blocked request that crosses a page and so faults twice, reading the fault registers",
    ),
    overflowOverwritesFirst: true,
  },
  {
    architecture: "vtd",
    id: "pass-through-ignores-width",
    description: "Pass-through requests beyond the host address width are served",
    rule: "vtd.address.pass-through-beyond-width",
    sources: [],
    minimum: minimum(2, "attach for pass-through, a request beyond 2^HAW"),
    platform: (platform) => ({ ...platform, hostPageLimit: Number.POSITIVE_INFINITY }),
  },
  {
    architecture: "vtd",
    id: "posted-writes-not-drained",
    description: "Invalidations that drain complete while posted writes are still on their way",
    rule: "vtd.invalidation.drain-writes",
    sources: [],
    minimum: minimum(3, "without translation: write, draining flush by register, new content of the page"),
    drainsNothing: true,
  },
  {
    architecture: "vtd",
    id: "fault-processing-disable-ignored",
    description: "Qualified faults are recorded although the context entry has FPD = 1",
    rule: "vtd.faults.processing-disable",
    sources: [],
    minimum: minimum(3, "a context entry with FPD, a blocked request, reading the fault registers"),
    ignoresFaultProcessingDisable: true,
  },
  {
    architecture: "vtd",
    id: "register-command-completes-early",
    description: "ICC and IVT read as cleared before the invalidation is done",
    rule: "vtd.registers.iotlb-command",
    sources: [],
    minimum: minimum(
      2,
      "two flushes of different granularity by register: what the second reports may be what the first did",
    ),
    completesCommandsEarly: true,
  },
  {
    architecture: "vtd",
    id: "bad-descriptor-skipped",
    description: "A bad descriptor sets IQE, but the queue goes on behind it",
    rule: "vtd.queue.stops-at-error",
    sources: [],
    minimum: minimum(1, "a bad descriptor, its error and the head"),
    skipsBadDescriptor: true,
  },
  {
    architecture: "vtd",
    id: "hint-ignores-leaf",
    description: "A page-selective invalidation with the hint removes nothing",
    rule: "vtd.invalidation.hint",
    sources: [],
    minimum: minimum(6, "attach, map, request, unmap, flush with the hint by register, request"),
    removal: {
      mapping: (target, entry) =>
        target.cache === "iotlb" && target.granularity === "page" && target.leafOnly
          ? false
          : removalRules.mapping(target, entry),
    },
  },
  {
    architecture: "vtd",
    id: "protected-memory-open",
    description: "PRS shows memory protected, but requests reach it all the same",
    rule: "vtd.protected-memory",
    sources: ["Intel 5400 chipset, erratum 23 (quirk of FreeBSD)"],
    minimum: minimum(2, "without translation: memory protected, a request to it"),
    leavesProtectedOpen: true,
  },
  {
    architecture: "vtd",
    id: "protection-shown-early",
    description: "PRS shows memory protected before it is",
    rule: "vtd.protected-memory",
    sources: [],
    minimum: minimum(2, "without translation: memory protected, a request to it"),
    showsProtectionEarly: true,
  },
];
