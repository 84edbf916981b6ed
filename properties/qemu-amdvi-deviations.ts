/**
 * Known deviations of QEMU's amd-iommu, each measured and held against the AMD I/O virtualization specification. What
 * QEMU does differently but may do (flushing more than asked, keeping no device table entries) is not one.
 */
import type { AmdViScenario, AmdViStep } from "../generators/amdvi/scenario.js";
import { amdViPlaces } from "../generators/places.js";
import type { Scenario, Step } from "../generators/scenario.js";
import { Offset } from "../model/amdvi/registers.js";
import { faultRules } from "../model/amdvi/rules.js";
import { HYPERTRANSPORT_FIRST_PAGE, HYPERTRANSPORT_LAST_PAGE } from "../model/amdvi/special-ranges.js";
import { DEVICE_TABLE_ENTRIES_PER_PAGE } from "../model/amdvi/tables.js";
import type { KnownDeviation } from "./known-deviation.js";

/** Before 10.2 little is checked and nothing is logged. */
const OLD = ["7.2", "10.0"];
const NEW = ["11.1"];
const ALL = [...OLD, ...NEW];

const { rootPages } = amdViPlaces;
/** Address bit 48 is the lowest bit of the DeviceID in the key of a cached translation. */
const FIRST_OVERLAPPING_PAGE = 2 ** 36;
/** 256 commands of 16 bytes. */
const RING_BYTES = 0x1000;

/** HAD, PPR, GPRP, GIoV, GV, GLX, IoCtl and SATS of a device table entry. */
const UNCHECKED_DEVICE_BITS = [7, 8, 52, 53, 54, 55, 56, 57, 99, 100, 106];

/** What is reserved in every device table entry. */
const CHECKED_DEVICE_BITS = [2, 3, 4, 5, 6, 63];

/** Address bits in which the tables of a scenario differ. */
const OTHER_TABLE_BITS = [12, 13, 14, 15, 16, 17];

/** Address bits that code the size of a leaf. */
const SIZE_BITS = Array.from({ length: 17 }, (_, bit) => 12 + bit);

/** Address bits that lead beyond the memory of a run. */
const FAR_BITS = Array.from({ length: 23 }, (_, bit) => 29 + bit);

/** Each with the versions it was measured on. */
export const qemuAmdViDeviations: readonly KnownDeviation[] = [
  {
    id: "events-not-logged",
    statement: "No event is ever logged",
    specification: "2.5: events are logged while EventLogEn is 1",
    versions: OLD,
    relaxes: (outcome) => (outcome.recorded ? { ...outcome, recorded: false } : null),
  },
  {
    id: "illegal-command-skipped",
    statement: "The command buffer goes on behind an illegal command",
    specification: "2.4, 2.5.6: hardware stops at it and clears CmdBufRun",
    versions: ALL,
    avoidsStep: ofAmdVi((step) => step.do === "command-error"),
  },
  {
    id: "root-ports-ignored",
    statement: "The DeviceID of a function behind a root port is that of the same function on bus 0",
    specification: "2.2.2: the bus number is in bits 15:8 of the DeviceID",
    versions: OLD,
    avoidsAction: (action) => action.do === "request" && action.request.requester >= 0x100,
  },
  {
    id: "translation-valid-ignored",
    statement: "With TV = 0 requests are forwarded untranslated where IR and IW allow it, and that is cached",
    specification: "2.2.2: with V = 1 and TV = 0 requests are blocked",
    versions: OLD,
    avoidsStep: ofAmdVi(
      (step) =>
        step.do === "detach" ||
        (step.do === "attach" && step.type === "blocked" && step.access !== "none") ||
        corruptsDevice(step, [0, 1, 61, 62]),
    ),
  },
  {
    id: "width-of-mode-ignored",
    statement: "Address bits beyond the width of the first table's level are cut off",
    specification: "2.2.3: they must be zero, or the request is blocked",
    versions: OLD,
    avoidsStep: ofAmdVi(
      (step, scenario) =>
        corruptsDevice(step, [9, 10, 11]) ||
        (step.do === "dma" && step.iova + 1 >= 512 ** fewestLevels(step, scenario)),
    ),
  },
  {
    id: "cached-under-overlapping-key",
    statement:
      "Address bits from 48 on and the DeviceID are the same bits of what a cached translation is found by: one serves other addresses, and other devices",
    specification: "2.2.2, 2.2.3: a request is translated by the entries of its device and address",
    versions: OLD,
    avoidsAction: (action) => action.do === "request" && action.request.page >= FIRST_OVERLAPPING_PAGE,
  },
  {
    id: "rights-of-leaf-cached",
    statement: "A cached translation has the rights of the leaf, whatever entries above it allow",
    specification: "2.2.3: a request needs the right in the device table entry and in every table entry",
    versions: OLD,
    avoidsStep: ofAmdVi(restrictsAboveLeaf),
  },
  {
    id: "rights-of-leaf-only",
    statement: "Only the rights in the leaf count, with Mode 0 none",
    specification:
      "2.2.2, 2.2.3: a request needs the right in the device table entry and in every table entry",
    versions: NEW,
    avoidsStep: ofAmdVi(
      (step) =>
        restrictsAboveLeaf(step) ||
        corruptsDevice(step, [1]) ||
        (step.do === "attach" && step.access === "none"),
    ),
  },
  {
    id: "levels-not-checked",
    statement:
      "Address bits of skipped levels, NextLevel that is not below the entry's own, and sizes of a level are not checked",
    specification: "2.2.3: each of them blocks the request",
    versions: ALL,
    avoidsStep: ofAmdVi(
      (step, scenario) =>
        (step.do === "map" && step.skip > 0) ||
        corruptsDevice(step, [9, 10, 11, ...OTHER_TABLE_BITS]) ||
        corruptsTable(step, [9, 10, 11, ...SIZE_BITS]) ||
        usesSpareTwice(step, scenario),
    ),
  },
  {
    id: "table-cycle-hangs",
    statement: "Tables that lead back to themselves at levels that are not lower are followed for ever",
    specification: "2.2.3: NextLevel that is not below the entry's own level blocks the request",
    versions: OLD,
    fatal: true,
    avoidsStep: ofAmdVi(
      (step, scenario) => corruptsTable(step, OTHER_TABLE_BITS) || usesSpareTwice(step, scenario),
    ),
  },
  {
    id: "not-present-leaf-maps",
    statement: "An entry with PR = 0 maps a page when NextLevel says leaf and the entry is not all zero",
    specification: "2.2.3: the other bits of an entry with PR = 0 are not looked at",
    versions: OLD,
    avoidsStep: ofAmdVi((step) => corruptsTable(step, [0])),
  },
  {
    id: "reserved-bits-of-tables-ignored",
    statement: "Reserved bits of page table entries are not checked",
    specification: "2.2.3: IO_PAGE_FAULT with PR = 1 and RZ = 1",
    versions: ALL,
    avoidsStep: ofAmdVi(
      (step) => step.do === "fill-with-ones" || corruptsTable(step, [52, 53, 54, 55, 56, 57, 58, 59, 60]),
    ),
  },
  {
    id: "device-table-entry-hardly-checked",
    statement:
      "Of what a valid device table entry must not hold, only bits 6:2 and 63 are looked at, not what is reserved for want of a feature, nor HAD = 10b, GLX = 11b, IoCtl = 11b",
    specification: "2.2.2, 2.5.2: ILLEGAL_DEV_TABLE_ENTRY",
    versions: ALL,
    avoidsStep: ofAmdVi((step) => corruptsDevice(step, UNCHECKED_DEVICE_BITS)),
  },
  {
    id: "reserved-bits-without-valid",
    statement: "A device table entry with V = 0 blocks requests when one of bits 6:2 and 63 is set",
    specification: "2.2.2: with V = 0 no other bit is looked at, and requests are forwarded untranslated",
    versions: ALL,
    avoidsStep: ofAmdVi(
      (step, { start, steps }) =>
        corruptsDevice(step, CHECKED_DEVICE_BITS) &&
        (start === "reset" || steps.some((one) => clearsValid(one) || usesEmptyTable(one))),
    ),
  },
  {
    id: "event-at-invalidation",
    statement:
      "INVALIDATE_DEVTAB_ENTRY reads the entry, and logs an event when it is illegal or cannot be read",
    specification: "2.4.2, 2.5.2, 2.5.4: those events are about requests",
    versions: NEW,
    avoidsStep: ofAmdVi(
      (step, { steps }) =>
        step.do === "invalidate" &&
        step.target.command === "device" &&
        steps.some(
          (one) =>
            corruptsDevice(one, CHECKED_DEVICE_BITS) ||
            (one.do === "set-device-table" && one.table === "absent"),
        ),
    ),
  },
  {
    id: "translated-or-not-kept",
    statement:
      "Whether a device is translated at all is learnt from its entry at INVALIDATE_DEVTAB_ENTRY alone: neither IommuEn nor INVALIDATE_IOMMU_ALL changes it",
    specification: "2.2.2, 2.4.8, MMIO 0018h: the entry in memory holds once nothing older may be cached",
    versions: NEW,
    avoidsStep: ofAmdVi(
      (step, { start }) =>
        clearsValid(step) ||
        (step.do === "attach" && step.type === "identity") ||
        (start === "reset" && step.do === "translation" && step.enable),
    ),
  },
  {
    id: "command-pointers-kept",
    statement: "Writing CmdBase leaves what CmdHead and CmdTail read as it is",
    specification: "MMIO 0008h: writing CmdBase sets the head and the tail to zero",
    versions: ALL,
    avoidsStep: ofAmdVi((step) => step.do === "restart-commands"),
  },
  {
    id: "command-head-not-wrapped",
    statement: "CmdHead reads the size of the ring where the head is back at 0",
    specification: "MMIO 2000h, 2.4: the head is reset to 0 behind the last entry",
    versions: ["7.2"],
    repairs: (action, seen) =>
      action.do === "read-register" && action.offset === Offset.CmdHead && seen.low === RING_BYTES
        ? { low: 0, high: 0 }
        : null,
  },
  {
    id: "status-not-clearable",
    statement: "Writing 1 to ComWaitInt of Status does not clear it",
    specification: "MMIO 2020h: ComWaitInt is RW1C",
    versions: OLD,
    avoidsStep: ofAmdVi((step) => step.do === "wait" && step.sign === "interrupt"),
  },
  {
    id: "event-base-ignored",
    statement: "A write of EvtBase does nothing while EventLogInt is 1",
    specification: "MMIO 0010h: writing EvtBase sets the head and the tail to zero",
    versions: NEW,
    avoidsStep: ofAmdVi((step) => step.do === "log-events" && step.interrupt),
  },
  {
    id: "event-head-kept",
    statement: "Writing EvtBase leaves the event log head as it is",
    specification: "MMIO 0010h: writing EvtBase sets the head and the tail to zero",
    versions: OLD,
    avoidsAction: (action) => action.do === "read-register" && action.offset === Offset.EvtHead,
  },
  {
    id: "some-faults-not-logged",
    statement: "Requests blocked by TV = 0 or at the interrupt range leave no event",
    specification: "2.2.2, 2.1.2: IO_PAGE_FAULT, INVALID_DEVICE_REQUEST",
    versions: NEW,
    relaxes: (outcome) =>
      outcome.recorded &&
      (outcome.rule === faultRules.translationValid || outcome.rule === faultRules.interruptRange)
        ? { ...outcome, recorded: false }
        : null,
  },
  {
    id: "suppression-ignored",
    statement: "I/O page faults are logged whatever SA says",
    specification: "2.2.2: with SA = 1 they are not",
    versions: NEW,
    relaxes: (outcome) => (outcome.rule && !outcome.recorded ? { ...outcome, recorded: true } : null),
  },
  {
    id: "cached-permission-fault-not-logged",
    statement: "A request that a cached translation does not permit is blocked without an event",
    specification: "2.5.3: IO_PAGE_FAULT, wherever the rights were taken from",
    versions: NEW,
    relaxes: (outcome) =>
      outcome.recorded && outcome.rule === faultRules.tablePermission
        ? { ...outcome, recorded: false }
        : null,
  },
  {
    id: "two-events-for-unreadable-table",
    statement: "An entry that cannot be read leaves a PAGE_TAB_HARDWARE_ERROR and an IO_PAGE_FAULT",
    specification: "2.5.5: PAGE_TAB_HARDWARE_ERROR",
    versions: NEW,
    avoidsStep: ofAmdVi((step) => corruptsDevice(step, FAR_BITS) || corruptsTable(step, FAR_BITS)),
  },
  {
    id: "event-contents",
    statement:
      "Events have address 0, DomainID 0 and, if page faults, bus 0; flags of page faults are I and the access, at NX and US",
    specification: "2.5.2 to 2.5.9: which device, domain and address, and what was wrong",
    versions: NEW,
    avoidsAction: (action) => action.do === "read-memory",
  },
  {
    id: "event-for-each-dword",
    statement: "A blocked request of 8 bytes leaves an event for each of its halves",
    specification: "2.5: an event for a request",
    versions: NEW,
    replacesAction: (action) =>
      action.do === "request" && action.request.length === 8
        ? { ...action, request: { ...action.request, length: 4 } }
        : null,
  },
  {
    id: "overflow-without-interrupt",
    statement: "A full log drops events without a sign unless EventIntEn is 1; EventLogRun stays 1",
    specification: "2.5, MMIO 2020h: EventOverflow becomes 1, EventLogRun 0",
    versions: NEW,
    avoidsStep: ofAmdVi((step) => step.do === "fill-event-log"),
  },
  {
    id: "device-table-size-ignored",
    statement: "Entries beyond the end of the device table are used",
    specification: "2.2.2.1, MMIO 0000h: IO_PAGE_FAULT",
    versions: ALL,
    avoidsStep: ofAmdVi((step) => step.do === "set-device-table" && step.pages < rootPages),
    avoidsAction: (action) =>
      action.do === "request" && action.request.requester >= rootPages * DEVICE_TABLE_ENTRIES_PER_PAGE,
  },
  {
    id: "hypertransport-ranges-translated",
    statement: "Requests to the HyperTransport ranges are translated like others",
    specification: "2.1.2: IoCtl, SysMgt and IntCtl of the device table entry decide about them",
    versions: ALL,
    avoidsAction: (action) =>
      action.do === "request" &&
      action.request.page >= HYPERTRANSPORT_FIRST_PAGE &&
      action.request.page <= HYPERTRANSPORT_LAST_PAGE,
  },
  {
    id: "exclusion-range-missing",
    statement: "There is no exclusion range; its base register cannot be written",
    specification: "MMIO 0020h, 0028h: requests to the range are forwarded untranslated",
    versions: ALL,
    avoidsAction: (action) =>
      action.do === "write-register" &&
      (action.offset === Offset.ExclBase || action.offset === Offset.ExclLimit),
  },
];

/** A condition on steps of AMD-Vi scenarios. */
function ofAmdVi(test: (step: AmdViStep, scenario: AmdViScenario) => boolean) {
  return (step: Step, scenario: Scenario) =>
    scenario.architecture === "amdvi" && test(step as AmdViStep, scenario);
}

/** Whether a step sets or clears one of these bits of a device table entry. */
function corruptsDevice(step: AmdViStep, bits: readonly number[]): boolean {
  return step.do === "corrupt" && step.entry.structure === "device" && bits.includes(step.bit);
}

/** Whether a step sets or clears one of these bits of a page table entry. */
function corruptsTable(step: AmdViStep, bits: readonly number[]): boolean {
  return step.do === "corrupt" && step.entry.structure === "table" && bits.includes(step.bit);
}

/** Whether a step leaves a device table entry with V = 0. */
function clearsValid(step: AmdViStep): boolean {
  return (step.do === "attach" && step.type === "untranslated") || corruptsDevice(step, [0]);
}

/** Whether a step moves the unit to the device table that is empty at the start: V = 0 in every entry. */
function usesEmptyTable(step: AmdViStep): boolean {
  return step.do === "set-device-table" && step.table === "B";
}

/** Whether a step links a table that is used at another level too. */
function usesSpareTwice(step: AmdViStep, { steps }: AmdViScenario): boolean {
  if (step.do !== "retable") return false;
  return steps.some((one) => one.do === "retable" && one.spare === step.spare && one.level !== step.level);
}

/** Whether a step takes rights away above the entry that maps a page. */
function restrictsAboveLeaf(step: AmdViStep): boolean {
  return (
    (step.do === "attach" && step.type !== "untranslated" && (step.access === "r" || step.access === "w")) ||
    corruptsDevice(step, [61, 62]) ||
    corruptsTable(step, [61, 62])
  );
}

/** Levels of the smallest tables that the device of a request has been attached to when the request is made. */
function fewestLevels(dma: AmdViStep & { do: "dma" }, { steps, domains }: AmdViScenario): number {
  const before = steps.slice(0, steps.indexOf(dma));
  const names = before.flatMap((step) =>
    step.do === "attach" && step.device === dma.device ? [step.domain] : [],
  );
  const levels = domains.filter(({ name }) => names.includes(name)).map((one) => one.levels);
  return Math.min(6, ...levels);
}
