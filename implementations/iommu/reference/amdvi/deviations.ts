/** Faulty variants of the AMD-Vi unit. */
import type { InvalidationTarget } from "../../../../model/amdvi/invalidations.js";
import { type AmdViPlatform, ExclusionRange } from "../../../../model/amdvi/profile.js";
import { type AmdViFaultRule, faultRules } from "../../../../model/amdvi/rules.js";
import { NextLevel } from "../../../../model/amdvi/tables.js";
import { pageOf } from "../../../../model/amdvi/walk.js";
import type { Word } from "../../../../model/trace.js";
import type { Translation } from "../../../../model/windows/walk.js";
import type { RemovalRules } from "../caches.js";
import type { EntryChange } from "../caching-reader.js";
import { type DeviationFacts, minimum } from "../deviation.js";
import type { EntryWords } from "./half-reads.js";
import { removalRules } from "./removal.js";

export interface AmdViDeviation extends DeviationFacts {
  readonly architecture: "amdvi";
  readonly removal?: Partial<RemovalRules<InvalidationTarget>>;
  readonly platform?: (platform: AmdViPlatform) => AmdViPlatform;
  /** Changes the first 128 bits of a device table entry as the walk reads them. */
  readonly device?: (entry: EntryWords) => void;
  /** Changes an entry of a page table as the walk reads it. */
  readonly entry?: EntryChange;
  /** Puts a walk that has failed at this entry back on its way; false when it has to end. */
  readonly goesOn?: (walk: Translation<AmdViFaultRule>, entry: { low: number; high: number }) => boolean;
  readonly event?: (event: readonly Word[]) => readonly Word[];
  readonly waitsIgnoreOlder?: boolean;
  readonly drainsNothing?: boolean;
  readonly cachesNotPresent?: boolean;
  readonly skipsIllegalCommand?: boolean;
  readonly overflowOverwritesFirst?: boolean;
  readonly ignoresSuppressAll?: boolean;
  readonly suppressesFirst?: boolean;
  readonly gatesWaitStatus?: boolean;
  readonly ignoresTableSize?: boolean;
  readonly writesEventsLate?: boolean;
}

type PagesTarget = Extract<InvalidationTarget, { command: "invalidate-iommu-pages" }>;

/** The bits of an entry's high half that give the right to write: IW of a PDE, a PTE or a device table entry. */
const IW_HIGH = 1 << 30;
const RIGHTS_HIGH = 3 << 29;
const MODE = 0xe00;
/** PR in the high half of an event's first word. */
const PR_HIGH = 1 << 20;

const nextLevel = (low: number) => (low >>> 9) & 7;
const pointsToTable = ({ low }: { low: number }) =>
  (low & 1) === 1 && nextLevel(low) !== NextLevel.leaf && nextLevel(low) !== NextLevel.sizeCoded;

/** A rule for mappings that sees INVALIDATE_IOMMU_PAGES differently. */
function mappingsBy(
  change: (target: PagesTarget) => InvalidationTarget,
): Partial<RemovalRules<InvalidationTarget>> {
  return {
    mapping: (target, entry) =>
      removalRules.mapping(target.command === "invalidate-iommu-pages" ? change(target) : target, entry),
  };
}

/** An exclusion range without its last page. */
class ShortExclusionRange extends ExclusionRange {
  override excludes(page: number, deviceMayUse: boolean): boolean {
    return super.excludes(page, deviceMayUse) && page < this.limitPage;
  }
}

export const amdViDeviations: readonly AmdViDeviation[] = [
  {
    architecture: "amdvi",
    id: "iommu-pages-ignores-size",
    description: "INVALIDATE_IOMMU_PAGES removes one page, whatever S and the size that the address codes",
    rule: "amdvi.invalidation.iommu-pages",
    sources: [],
    minimum: minimum(
      7,
      "attach, map, request to another page than the first of the range, unmap, flush, wait, request",
    ),
    removal: mappingsBy((target) => ({ ...target, pageCount: 1 })),
  },
  {
    architecture: "amdvi",
    id: "page-directory-bit-ignored",
    description: "INVALIDATE_IOMMU_PAGES with PDE = 1 leaves the page directory cache as it is",
    rule: "amdvi.invalidation.page-directories",
    sources: [],
    minimum: minimum(
      6,
      "attach, map, change of an upper entry, flush with PDE, wait, request; page 0 needs no request before",
    ),
    removal: {
      table: (target, entry) =>
        target.command === "invalidate-iommu-pages" ? false : removalRules.table(target, entry),
    },
  },
  {
    architecture: "amdvi",
    id: "large-page-survives-part",
    description: "INVALIDATE_IOMMU_PAGES removes a large page only if all of it is in the range",
    rule: "amdvi.invalidation.iommu-pages",
    sources: [],
    minimum: minimum(
      6,
      "attach, map a large page, unmap, flush of a part of it, wait, request; page 0 needs no request before",
    ),
    removal: {
      mapping: (target, entry) => {
        const required = removalRules.mapping(target, entry);
        if (!required || target.command !== "invalidate-iommu-pages" || entry.mappedPages < 2)
          return required;
        const first = entry.firstPage - (entry.firstPage % entry.mappedPages);
        const end = target.firstPage + target.pageCount;
        return target.firstPage <= first && first + entry.mappedPages <= end;
      },
    },
  },
  {
    architecture: "amdvi",
    id: "domain-id-compares-few-bits",
    description: "INVALIDATE_IOMMU_PAGES uses the low 8 bits of the DomainID it is given",
    rule: "amdvi.invalidation.iommu-pages",
    sources: [],
    minimum: minimum(
      6,
      "attach with a DomainID above 255, map, unmap, flush, wait, request; page 0 needs no request before",
    ),
    removal: mappingsBy((target) => ({ ...target, domainId: target.domainId & 0xff })),
  },
  {
    architecture: "amdvi",
    id: "devtab-entry-of-function-0",
    description: "INVALIDATE_DEVTAB_ENTRY removes the entry of function 0 of the device it names",
    rule: "amdvi.invalidation.devtab-entry",
    sources: [],
    minimum: minimum(4, "attach of another function than 0, flush of its entry, wait, request"),
    removal: {
      device: (target, entry) =>
        target.command === "invalidate-devtab-entry"
          ? removalRules.device({ ...target, deviceId: target.deviceId & 0xfff8 }, entry)
          : removalRules.device(target, entry),
    },
  },
  {
    architecture: "amdvi",
    id: "completion-before-invalidations",
    description: "COMPLETION_WAIT completes although commands ahead of it are still to be done",
    rule: "amdvi.commands.wait-order",
    sources: [],
    minimum: minimum(4, "attach, flush of the device table entry, wait, request"),
    waitsIgnoreOlder: true,
  },
  {
    architecture: "amdvi",
    id: "completion-before-posted-writes",
    description: "COMPLETION_WAIT completes while writes that earlier invalidations drain are on their way",
    rule: "amdvi.invalidation.drain-writes",
    sources: [],
    minimum: minimum(5, "attach, write, flush that drains, wait, new content of the page"),
    drainsNothing: true,
  },
  {
    architecture: "amdvi",
    id: "leaf-reserved-unchecked",
    description: "Reserved bits of entries that map pages are not checked",
    rule: "amdvi.page-table.reserved-bits",
    sources: [],
    minimum: minimum(4, "map, set a reserved bit of the entry, attach, request: nothing was cached before"),
    platform: (platform) => ({
      ...platform,
      reserved: { ...platform.reserved, pte: new Uint32Array(2) },
    }),
  },
  {
    architecture: "amdvi",
    id: "device-reserved-unchecked",
    description: "Reserved bits of device table entries are not checked",
    rule: "amdvi.dte.reserved-bits",
    sources: [],
    minimum: minimum(5, "attach, set a reserved bit of the entry, flush, wait, request"),
    platform: (platform) => ({
      ...platform,
      reserved: { ...platform.reserved, device: new Uint32Array(8) },
    }),
  },
  {
    architecture: "amdvi",
    id: "upper-write-permission-ignored",
    description: "The right to write is taken from the entry that maps the page and the device table entry",
    rule: "amdvi.page-table.permission",
    sources: [],
    minimum: minimum(4, "map, clear IW of an upper entry, attach, write: nothing stale can be in use"),
    entry: (entry) => {
      if (pointsToTable(entry)) entry.high |= IW_HIGH;
    },
  },
  {
    architecture: "amdvi",
    id: "device-write-permission-ignored",
    description: "IW of the device table entry is not looked at",
    rule: "amdvi.dte.permission",
    sources: [],
    minimum: minimum(2, "attach with Mode 0 and without IW, write"),
    device: (entry) => {
      entry.high |= IW_HIGH;
    },
  },
  {
    architecture: "amdvi",
    id: "skipped-bits-unchecked",
    description: "Address bits of levels that an entry skips are not checked",
    rule: "amdvi.page-table.skipped-bits",
    sources: [],
    minimum: minimum(3, "attach, map by skipping a level, request with bits of that level"),
    goesOn: (walk, { low, high }) => {
      if (walk.fault !== faultRules.skippedBits) return false;
      walk.fault = null;
      walk.table = pageOf(low, high);
      walk.level = nextLevel(low);
      return true;
    },
  },
  {
    architecture: "amdvi",
    id: "coded-size-halved",
    description: "A size-coded page of more than two pages is taken for half as large",
    rule: "amdvi.served.translated",
    sources: [],
    minimum: minimum(3, "attach, map by a size-coded page, request in its upper half"),
    entry: (entry) => {
      if ((entry.low & 1) === 0 || nextLevel(entry.low) !== NextLevel.sizeCoded) return;
      const address = entry.low >>> 12;
      // The lowest zero codes the size: below it are the ones, of which the highest becomes zero.
      const lowestZero = ~address & (address + 1);
      entry.low &= ~((lowestZero >>> 1) << 12);
    },
  },
  {
    architecture: "amdvi",
    id: "address-width-unchecked",
    description: "Address bits beyond the width that Mode gives are not looked at",
    rule: "amdvi.page-table.address-width",
    sources: [],
    minimum: minimum(3, "attach, map, request to the same page beyond the width"),
    platform: (platform) => ({
      ...platform,
      inputPageLimit: platform.inputPageLimit.map(() => Number.POSITIVE_INFINITY),
    }),
  },
  {
    architecture: "amdvi",
    id: "last-page-of-width-blocked",
    description: "The last page of the width that Mode gives is beyond it",
    rule: "amdvi.page-table.address-width",
    sources: ["OpenVMM commit 48a89a5b8"],
    minimum: minimum(3, "attach, map at the last address of the width, request"),
    platform: (platform) => ({
      ...platform,
      inputPageLimit: platform.inputPageLimit.map((limit) => limit - 1),
    }),
  },
  {
    architecture: "amdvi",
    id: "event-written-after-tail",
    description: "The tail of the event log moves on before the event is written: software may read zeroes",
    rule: "amdvi.events.record",
    sources: ["AMD family 15h erratum 732", "AMD family 15h erratum 733"],
    minimum: minimum(2, "a blocked request, reading the event log"),
    writesEventsLate: true,
  },
  {
    architecture: "amdvi",
    id: "not-valid-translation-passes",
    description: "With TV = 0 requests are forwarded untranslated",
    rule: "amdvi.dte.translation-valid",
    sources: [],
    minimum: minimum(1, "a request of a device that nothing was attached to"),
    device: (entry) => {
      if ((entry.low & 3) !== 1) return;
      entry.low = (entry.low & ~MODE) | 2;
      entry.high |= RIGHTS_HIGH;
    },
  },
  {
    architecture: "amdvi",
    id: "illegal-command-skipped",
    description: "An illegal command is logged, but the command buffer goes on behind it",
    rule: "amdvi.commands.halt",
    sources: [],
    minimum: minimum(1, "an illegal command, the status and the head"),
    skipsIllegalCommand: true,
  },
  {
    architecture: "amdvi",
    id: "event-without-function",
    description: "An event is logged with function 0 of the requester's device",
    rule: "amdvi.events.record",
    sources: [],
    minimum: minimum(2, "a blocked request of another function than 0, reading the event log"),
    event: ([first, ...rest]) => [{ low: (first!.low & 0xfffffff8) >>> 0, high: first!.high }, ...rest],
  },
  {
    architecture: "amdvi",
    id: "event-claims-present",
    description: "Every event has PR = 1",
    rule: "amdvi.events.record",
    sources: [],
    minimum: minimum(2, "a request that finds nothing present, reading the event log"),
    event: ([first, ...rest]) => [{ low: first!.low, high: (first!.high | PR_HIGH) >>> 0 }, ...rest],
  },
  {
    architecture: "amdvi",
    id: "event-overflow-overwrites-first",
    description: "An event that finds the log full overwrites the one that software reads next",
    rule: "amdvi.events.overflow",
    sources: [],
    minimum: minimum(
      3,
      "an event log without room, a blocked request that crosses a page, reading the event log",
    ),
    overflowOverwritesFirst: true,
  },
  {
    architecture: "amdvi",
    id: "suppress-all-ignored",
    description: "I/O page faults are logged although the device table entry has SA = 1",
    rule: "amdvi.events.suppress-all",
    sources: [],
    minimum: minimum(3, "a device table entry with SA, a blocked request, reading the event log"),
    ignoresSuppressAll: true,
  },
  {
    architecture: "amdvi",
    id: "suppress-further-takes-first",
    description: "With SE = 1 in the device table entry no I/O page fault is logged, not even the first",
    rule: "amdvi.events.suppress-further",
    sources: [],
    minimum: minimum(3, "a device table entry with SE, a blocked request, reading the event log"),
    suppressesFirst: true,
  },
  {
    architecture: "amdvi",
    id: "not-present-cached",
    description: "Entries that are not present are cached although NpCache is 0",
    rule: "amdvi.served.translated",
    sources: [],
    minimum: minimum(
      5,
      "attach, flush of its entry, wait, map, request: before the map the entry may be looked up",
    ),
    cachesNotPresent: true,
  },
  {
    architecture: "amdvi",
    id: "exclusion-limit-off-by-one",
    description: "The last page of the exclusion range is translated",
    rule: "amdvi.served.pass-through",
    sources: [],
    minimum: minimum(
      4,
      "from reset: device table, attach, translation, request to the last page of the range",
    ),
    platform: (platform) => ({ ...platform, exclusion: new ShortExclusionRange() }),
  },
  {
    architecture: "amdvi",
    id: "completion-status-gated",
    description: "COMPLETION_WAIT with i = 1 sets ComWaitInt only while ComWaitIntEn is 1",
    rule: "amdvi.commands.wait-interrupt",
    sources: ["OpenVMM: ComWaitInt gated by ComWaitIntEn"],
    minimum: minimum(1, "a wait with i whose end is seen in Status"),
    gatesWaitStatus: true,
  },
  {
    architecture: "amdvi",
    id: "device-table-size-unchecked",
    description: "Size of the device table is not looked at",
    rule: "amdvi.dte.out-of-table",
    sources: [],
    minimum: minimum(1, "a request of a device beyond the device table"),
    ignoresTableSize: true,
  },
];
