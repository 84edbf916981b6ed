/**
 * Known deviations of QEMU's intel-iommu in legacy mode, each measured and held against VT-d Rev 5.10. What QEMU does
 * differently but may do (collapsing faults, flushing more than asked) is not one.
 */
import { PAGES_OF_SIZE, type PageSize, vtdPlaces } from "../generators/places.js";
import type { Step } from "../generators/scenario.js";
import type { Profile } from "../model/profile.js";
import { platformOf, vtdProfile } from "../model/vtd/profile.js";
import { Offset } from "../model/vtd/registers.js";
import { faultRules } from "../model/vtd/rules.js";
import { INTERRUPT_RANGE_FIRST_PAGE, INTERRUPT_RANGE_LAST_PAGE } from "../model/vtd/walk.js";
import type { KnownDeviation } from "./known-deviation.js";

const FAULT_RECORD_LOW = 0x220;
const FAULT_RECORD_HIGH = 0x228;
const PASID_PRESENT = 0x80000000;
const PASID_VALUE = 0x0fffff00;
const FAULT = 0x80000000;
const QUEUE_ADDRESS = { low: (vtdPlaces.queuePage << 12) >>> 0, high: 0 };

/** Each with the versions it was measured on. */
export const qemuVtdDeviations: readonly KnownDeviation[] = [
  {
    id: "pasid-value-without-pasid",
    statement: "FRCD.PV reads FFFFh in records of faults met while walking, although PP is 0",
    specification: "11.4.7.6: PV is reserved (zero) where ECAP.PASID = 0",
    versions: ["7.2", "10.0"],
    repairs: (action, seen) => {
      const isRecord =
        action.do === "read-register" && action.offset === FAULT_RECORD_HIGH && action.width === 8;
      if (!isRecord || (seen.low & PASID_PRESENT) !== 0 || (seen.high & FAULT) === 0) return null;
      if ((seen.high & PASID_VALUE) === 0) return null;
      return { low: seen.low, high: (seen.high & ~PASID_VALUE) >>> 0 };
    },
  },
  {
    id: "cached-permission-fault-not-recorded",
    statement: "A request that a cached translation does not permit is blocked without a fault record",
    specification: "7.1.3 LGN.2, LGN.3 and 7.2.1: the fault is recorded, wherever the rights were taken from",
    versions: ["7.2", "10.0", "11.1"],
    relaxes: (outcome) => {
      const permission =
        outcome.rule === faultRules.writePermission || outcome.rule === faultRules.readPermission;
      return permission && outcome.recorded ? { ...outcome, recorded: false } : null;
    },
  },
  {
    id: "context-reserved-fault-ignores-fpd",
    statement: "Fault Bh (reserved bits of the context entry) is recorded although the entry has FPD = 1",
    specification: "7.1.3 LCT.3 is qualified; 7.1.1: qualified faults are not recorded under FPD = 1",
    versions: ["7.2", "10.0", "11.1"],
    relaxes: (outcome) => {
      const reserved = outcome.rule === faultRules.contextReserved;
      return reserved && !outcome.recorded ? { ...outcome, recorded: true } : null;
    },
  },
  {
    id: "interrupt-range-access-not-recorded",
    statement: "Reads of FEEx_xxxxh and writes of other sizes than a DWORD are not reported as faults",
    specification: "3.15 and 5.1.4.1: fault reason 29h",
    versions: ["7.2", "10.0", "11.1"],
    relaxes: (outcome) =>
      outcome.rule === faultRules.interruptRangeAccess && outcome.recorded
        ? { ...outcome, recorded: false }
        : null,
  },
  {
    id: "interrupt-range-by-page",
    statement:
      "A mapping faults with Eh when any part of its page overlaps FEEx_xxxxh, whatever address is asked for",
    specification: "3.15, 7.1.3 LGN.4: the output address of the request decides",
    versions: ["7.2", "10.0", "11.1"],
    avoidsStep: (step) =>
      step.do === "map" && step.size !== "4K" && overlapsInterruptRange(step.page, step.size),
  },
  {
    id: "pass-through-without-width",
    statement: "Pass-through requests beyond the host address width are not reported as faults",
    specification: "7.1.3 LGN.1.3 and 3.9: fault reason 4h",
    versions: ["7.2", "10.0", "11.1"],
    relaxes: (outcome) => {
      const width = outcome.rule === faultRules.passThroughBeyondWidth;
      return width && outcome.recorded ? { ...outcome, recorded: false } : null;
    },
  },
  {
    id: "fault-info-keeps-high-bits",
    statement: "FRCD.FI keeps address bits above the largest supported width",
    specification: "11.4.7.6: bits 63:N of FI read 0, N being the largest supported width",
    versions: ["7.2", "10.0", "11.1"],
    repairs: (action, seen, profile) => {
      const isRecord =
        action.do === "read-register" && action.offset === FAULT_RECORD_LOW && action.width === 8;
      if (!isRecord || seen.high < limitOfHighHalf(profile)) return null;
      return { low: seen.low, high: seen.high % limitOfHighHalf(profile) };
    },
  },
  {
    id: "wait-without-sign-refused",
    statement: "A wait descriptor with neither a status write nor an interrupt is taken for an error",
    specification: "6.5.2.9: both flags may be clear; nothing makes such a descriptor invalid",
    versions: ["7.2", "10.0", "11.1"],
    avoidsStep: (step) => step.do === "wait" && step.sign === "none",
  },
  {
    id: "scalable-descriptors-accepted",
    statement: "Descriptors of types 6 and 7 are carried out in legacy mode",
    specification: "6.5.2, table 26: they are for scalable mode; FSTS.IQE is set",
    versions: ["7.2"],
    avoidsStep: refuses("scalable"),
  },
  {
    id: "device-tlb-descriptors-accepted",
    statement: "Device-TLB invalidations are carried out although ECAP.DT = 0",
    specification: "6.5.2.5: the type is invalid then; FSTS.IQE is set",
    versions: ["7.2", "10.0", "11.1"],
    avoidsStep: refuses("device-tlb"),
  },
  {
    id: "interrupt-entry-descriptors-unchecked",
    statement: "Reserved bits of interrupt entry cache invalidations are not looked at",
    specification: "6.5.2.8, 11.4.9.9: FSTS.IQE is set, IQEI is 4",
    versions: ["7.2"],
    avoidsStep: refuses("interrupt-entry"),
  },
  {
    id: "wait-with-both-signs-aborts",
    statement: "A wait descriptor with both SW and IF ends QEMU by a failed assertion",
    specification: "6.5.2.9: both may be set",
    versions: ["7.2"],
    fatal: true,
    avoidsStep: (step) => step.do === "wait" && step.sign === "both",
  },
  {
    id: "queue-address-hidden",
    statement: "IQA reads 0 until QIE is set",
    specification: "11.4.9.3: it reads what it was given",
    versions: ["7.2", "10.0", "11.1"],
    repairs: (action, seen) =>
      action.do === "read-register" && action.offset === Offset.IQA && seen.low === 0 && seen.high === 0
        ? QUEUE_ADDRESS
        : null,
  },
  {
    id: "fault-event-kept-pending",
    statement: "FECTL.IP stays 1 when the last F is cleared, until FSTS is written",
    specification: "7.3, 11.4.7.2: it is 0 when every status of FSTS is",
    versions: ["7.2", "10.0", "11.1"],
    avoidsAction: (action) => action.do === "read-register" && action.offset === Offset.FECTL,
  },
  {
    id: "ones-taken-for-unreadable",
    statement:
      "An entry of all ones is taken for one that cannot be read: fault 7h, or 3h in the first table",
    specification: "7.1.3 LSS.2, 9.8: it is there, and its reserved bits are set: fault Ch",
    versions: ["7.2", "10.0", "11.1"],
    avoidsStep: (step) => step.do === "fill-with-ones",
  },
  {
    id: "queue-not-restarted",
    statement: "Clearing FSTS.IQE does not restart the queue; only the next write to IQT does",
    specification:
      "6.5.2, 6.5.2.11: descriptors are fetched while QIES is set, IQE clear and the queue not empty",
    versions: ["7.2", "10.0", "11.1"],
    avoidsStep: (step) => step.do === "queue-error" && !step.rewriteTail,
  },
];

/** A condition on steps: a bad descriptor of that kind. */
function refuses(error: string): (step: Step) => boolean {
  return (step) => step.do === "queue-error" && step.error === error;
}

/** Bits 63:32 of an address of the largest supported width are below this. */
function limitOfHighHalf(profile: Profile): number {
  return 2 ** (12 + 9 * platformOf(vtdProfile(profile)).largestLevels - 32);
}

function overlapsInterruptRange(page: number, size: PageSize): boolean {
  return page <= INTERRUPT_RANGE_LAST_PAGE && page + PAGES_OF_SIZE[size] > INTERRUPT_RANGE_FIRST_PAGE;
}
