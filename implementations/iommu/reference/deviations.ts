/** Faulty variants of the reference IOMMU: each is one small named difference to it. */
import type { FaultRecord } from "../../../model/vtd/fault-log.js";
import type { WalkPlatform } from "../../../model/vtd/walk.js";
import { type RemovalRules, requiredRemoval } from "./caches.js";

export interface Deviation {
  readonly id: string;
  readonly description: string;
  /** The rule it breaks. */
  readonly rule: string;
  /** Steps of a smallest counterexample, and why no shorter one shows it. */
  readonly minimum: { readonly steps: number; readonly because: string };
  readonly removal?: Partial<RemovalRules>;
  readonly platform?: (platform: WalkPlatform) => WalkPlatform;
  /** Changes an entry of the second stage as the walk reads it. */
  readonly entryLow?: (low: number, level: number) => number;
  readonly record?: (fault: FaultRecord) => FaultRecord;
  readonly waitsIgnoreOlder?: boolean;
  readonly cachesNotPresent?: boolean;
  readonly overflowOverwritesFirst?: boolean;
  readonly drainsNothing?: boolean;
  readonly ignoresFaultProcessingDisable?: boolean;
  readonly completesCommandsEarly?: boolean;
  readonly skipsBadDescriptor?: boolean;
}

/** 9.8: PS = 1 at level 2 or 3. */
function mapsPage(low: number, level: number): boolean {
  return level <= 3 && (low & 0x80) !== 0;
}

const smaller = (steps: number, because: string) => ({ steps, because });

export const deviations: readonly Deviation[] = [
  {
    id: "page-flush-ignores-mask",
    description: "A page-selective invalidation removes one page, whatever its address mask",
    rule: "vtd.invalidation.iotlb-page",
    minimum: smaller(
      6,
      "attach, map, request, unmap, flush of several pages by register (which is waited for), request",
    ),
    removal: {
      iotlb: (target, entry) =>
        target.cache === "iotlb" && target.granularity === "page"
          ? requiredRemoval.iotlb({ ...target, pageCount: 1 }, entry)
          : requiredRemoval.iotlb(target, entry),
    },
  },
  {
    id: "superpage-survives-page-flush",
    description: "A page-selective invalidation leaves the entries of superpages, whatever its address mask",
    rule: "vtd.invalidation.iotlb-page",
    minimum: smaller(
      6,
      "attach, map a superpage, request, unmap, flush by register with the mask of the superpage, request",
    ),
    removal: {
      iotlb: (target, entry) =>
        target.cache === "iotlb" && target.granularity === "page" && entry.pageCount > 1
          ? false
          : requiredRemoval.iotlb(target, entry),
    },
  },
  {
    id: "wait-before-invalidations",
    description: "A wait descriptor completes although invalidations ahead of it are still to be done",
    rule: "vtd.queue.wait-order",
    minimum: smaller(4, "without translation: write, draining flush, wait, new content of the page"),
    waitsIgnoreOlder: true,
  },
  {
    id: "context-flush-ignores-function-mask",
    description:
      "A device-selective context-cache invalidation compares all 16 bits of the source id, whatever FM",
    rule: "vtd.invalidation.context-device",
    minimum: smaller(
      6,
      "attach with FPD, request, attach without, context flush with FM by register, request, reading the fault registers",
    ),
    removal: {
      context: (target, entry) =>
        target.cache === "context" && target.granularity === "device"
          ? requiredRemoval.context({ ...target, ignoredSourceBits: 0 }, entry)
          : requiredRemoval.context(target, entry),
    },
  },
  {
    id: "domain-flush-compares-few-bits",
    description: "A domain-selective invalidation uses the low 8 bits of the domain id it is given",
    rule: "vtd.invalidation.iotlb-domain",
    minimum: smaller(
      6,
      "attach with a domain id above 255, map, request, unmap, flush of the domain by register, request",
    ),
    removal: {
      iotlb: (target, entry) =>
        target.cache === "iotlb" && target.granularity === "domain"
          ? requiredRemoval.iotlb({ ...target, domainId: target.domainId & 0xff }, entry)
          : requiredRemoval.iotlb(target, entry),
    },
  },
  {
    id: "caches-not-present",
    description: "Not-present entries are cached although Caching Mode is 0",
    rule: "vtd.served.translated",
    minimum: smaller(4, "attach, request, map, request"),
    cachesNotPresent: true,
  },
  {
    id: "write-permission-from-leaf",
    description: "Write permission is taken from the leaf entry alone",
    rule: "vtd.second-stage.write-permission",
    minimum: smaller(4, "attach, map, clear W of an upper entry, write"),
    entryLow: (low, level) => (level > 1 && low & 1 && !mapsPage(low, level) ? low | 2 : low),
  },
  {
    id: "non-leaf-reserved-unchecked",
    description: "Reserved bits of entries that point to tables are not checked",
    rule: "vtd.second-stage.reserved-bits",
    minimum: smaller(4, "attach, map, set a reserved bit of an upper entry, request"),
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
    id: "fault-wrong-source",
    description: "A fault is recorded with function 0 of the requester's device",
    rule: "vtd.faults.record",
    minimum: smaller(2, "a blocked request of another function than 0, reading the fault registers"),
    record: (fault) => ({ ...fault, sourceId: fault.sourceId & 0xfff8 }),
  },
  {
    id: "overflow-overwrites-first",
    description: "A fault that finds its register in use overwrites it",
    rule: "vtd.faults.overflow",
    minimum: smaller(
      2,
      "a blocked request that crosses a page and so faults twice, reading the fault registers",
    ),
    overflowOverwritesFirst: true,
  },
  {
    id: "pass-through-ignores-width",
    description: "Pass-through requests beyond the host address width are served",
    rule: "vtd.address.pass-through-beyond-width",
    minimum: smaller(2, "attach for pass-through, a request beyond 2^HAW"),
    platform: (platform) => ({ ...platform, hostPageLimit: Number.POSITIVE_INFINITY }),
  },
  {
    id: "posted-writes-not-drained",
    description: "Invalidations that drain complete while posted writes are still on their way",
    rule: "vtd.invalidation.drain-writes",
    minimum: smaller(3, "without translation: write, draining flush by register, new content of the page"),
    drainsNothing: true,
  },
  {
    id: "fault-processing-disable-ignored",
    description: "Qualified faults are recorded although the context entry has FPD = 1",
    rule: "vtd.faults.processing-disable",
    minimum: smaller(3, "a context entry with FPD, a blocked request, reading the fault registers"),
    ignoresFaultProcessingDisable: true,
  },
  {
    id: "register-command-completes-early",
    description: "ICC and IVT read as cleared before the invalidation is done",
    rule: "vtd.registers.iotlb-command",
    minimum: smaller(
      3,
      "without translation: write, draining flush by register with its completion, new content of the page",
    ),
    completesCommandsEarly: true,
  },
  {
    id: "bad-descriptor-skipped",
    description: "A bad descriptor sets IQE, but the queue goes on behind it",
    rule: "vtd.queue.stops-at-error",
    minimum: smaller(1, "a bad descriptor, its error and the head"),
    skipsBadDescriptor: true,
  },
  {
    id: "hint-ignores-leaf",
    description: "A page-selective invalidation with the hint removes nothing",
    rule: "vtd.invalidation.hint",
    minimum: smaller(6, "attach, map, request, unmap, flush with the hint by register, request"),
    removal: {
      iotlb: (target, entry) =>
        target.cache === "iotlb" && target.granularity === "page" && target.leafOnly
          ? false
          : requiredRemoval.iotlb(target, entry),
    },
  },
];

/** The variant of that id. @throws RangeError naming the known ones */
export function deviationNamed(id: string): Deviation {
  const found = deviations.find((one) => one.id === id);
  if (!found)
    throw new RangeError(
      `unknown faulty variant "${id}"; known: ${deviations.map((one) => one.id).join(", ")}`,
    );
  return found;
}
