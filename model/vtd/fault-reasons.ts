/**
 * Every fault reason that a record may carry (VT-d 5.1.4.1 and 7.1.3): the conditions that share it, what was wrong, and what
 * usually brings it about.
 */
import type { Rule } from "../words/rule.js";
import { faultRules } from "./rules.js";

export interface FaultReason {
  readonly reason: number;
  /** Names in the specification's table; interrupt remapping has none. */
  readonly conditions: readonly string[];
  readonly statement: string;
  readonly section: string;
  /** The rules of the model whose failure has this reason. */
  readonly rules: readonly Rule[];
  /** What usually causes it, and what to look at; empty where nothing better than the statement is known. */
  readonly causes: readonly string[];
}

/** What usually causes a group of faults. */
const causes = {
  root: [
    "no tables for the requester's bus: a device that nobody attached, often still active from firmware (graphics before its driver loads) or under a requester id that its driver does not know",
    "look whether the requester exists (lspci), is named by an RMRR of the DMAR table, and which unit it is under",
  ],
  context: [
    "the requester is attached to no domain: its driver has not loaded or has detached it, or requests come under another id than its own (bridge alias, phantom function, management controller)",
    "look whether the requester exists (lspci -s), and whether a device behind the same bridge or function 0 of it is the one in use",
  ],
  corrupt: [
    "a table entry is not what software meant: memory of a table was freed or overwritten, tables are of another kernel (kexec, kdump), or an entry was written for a capability that the unit lacks",
    "decode the entry with `iommu-spec decode` and the platform's profile",
  ],
  fetch: [
    "a table pointer leads to what is no memory: the table was freed or overwritten, or the pointer never was one",
  ],
  width: [
    "the address is wider than the tables: a physical or a sign-extended address in place of an IOVA, or a DMA mask wider than the domain",
  ],
  unmapped: [
    "the page is not mapped: the driver unmapped it while the device still used it (missing stop, wrong order), mapped too little, or gave the device an address that is no IOVA of its process",
    "an address inside the system's memory map suggests a physical address used without mapping; one that was mapped before suggests use after unmap",
  ],
  write: [
    "the page is not mapped, or not for writing: the driver unmapped it while the device still wrote (missing stop, wrong order), mapped it in the wrong direction (DMA_TO_DEVICE), mapped too little, or gave the device an address that is no IOVA",
    "an address inside the system's memory map suggests a physical address used without mapping; one that was mapped before suggests use after unmap",
  ],
  read: [
    "the page is not mapped, or not for reading: the driver unmapped it while the device still read, mapped it in the wrong direction (DMA_FROM_DEVICE), mapped too little (prefetch past the end of a buffer), or gave the device an address that is no IOVA",
    "graphics of firmware that scans out of memory which the kernel took back shows as this at boot: an RMRR is missing or was dropped",
  ],
  interruptRange: [
    "a mapping leads to FEEx_xxxxh, or a device sends something else than an interrupt message there: the MSI window was given away as IOVA or mapped as memory",
  ],
  mode: [
    "the root-table address register asks for what the unit does not have, or requests do not fit the mode",
  ],
  pasid: [
    "the process address space is not set up for this device: the PASID was never bound, was unbound while requests were under way, or the device uses another one than software told it",
  ],
  interruptEntry: [
    "an interrupt was sent with a handle that software has freed or never set up: the device kept an old MSI address or data (reset, resume, missed reprogramming), or the interrupt was torn down too early",
  ],
  compatibility: [
    "an interrupt in the old format: a source that was not reprogrammed when remapping was switched on (I/O APIC, HPET, a device behind a controller with MSI handling of its own), or firmware that raises interrupts itself",
    "requester f0:1f.x or 00:1e.7, 00:1f.x of Intel platforms is usually the I/O APIC or the HPET",
  ],
  source: [
    "the interrupt comes from another requester than its entry is for: a device moved or lost its bus number over a power transition, its requests carry an alias, or a stale entry was reused",
  ],
  posted: [
    "the descriptor of a posted interrupt is wrong or is no memory: it was freed or overwritten while in use",
  ],
} as const;

type Row = readonly [reason: number, conditions: string, statement: string, causes: keyof typeof causes];

const TRANSLATION: readonly Row[] = [
  [0x01, "LRT.2", "the root entry is not present", "root"],
  [0x02, "LCT.2", "the context entry is not present", "context"],
  [
    0x03,
    "LCT.4.1 LCT.4.2 LCT.4.3",
    "the context entry has an AW or TT that the unit lacks, or its table cannot be read",
    "corrupt",
  ],
  [0x04, "LGN.1.1 LGN.1.2 LGN.1.3", "the address is beyond the width of the tables or of the host", "width"],
  [0x05, "LGN.2", "a write or AtomicOp without write permission in the second-stage tables", "write"],
  [0x06, "LGN.3", "a read or AtomicOp without read permission in the second-stage tables", "read"],
  [0x07, "LSS.1", "a second-stage table behind the first cannot be read", "fetch"],
  [0x08, "LRT.1", "the root entry cannot be read", "fetch"],
  [0x09, "LCT.1", "the context entry cannot be read", "fetch"],
  [0x0a, "LRT.3", "reserved bits of the root entry are not zero", "corrupt"],
  [0x0b, "LCT.3", "reserved bits of the context entry are not zero", "corrupt"],
  [0x0c, "LSS.2", "reserved bits of a present second-stage entry are not zero", "corrupt"],
  [0x0d, "LCT.5", "TT of the context entry lets no translation or translated requests pass", "context"],
  [0x0e, "LGN.4", "the translation leads into the interrupt address range", "interruptRange"],
  [0x30, "RTA.1.1 RTA.1.2 RTA.1.3 RTA.1.4", "RTADDR has a mode that the unit lacks", "mode"],
  [0x31, "RTA.2", "a request with PASID in legacy mode", "mode"],
  [0x32, "RTA.3", "a page request in legacy mode", "mode"],
  [0x33, "RTA.4", "abort-DMA mode blocks every request", "mode"],
  [0x34, "RTA.5", "a request asks to execute", "mode"],
  [0x38, "SRT.1", "the scalable-mode root entry cannot be read", "fetch"],
  [0x39, "SRT.2", "the half of the scalable-mode root entry for the device is not present", "root"],
  [0x3a, "SRT.3", "reserved bits of the scalable-mode root entry are not zero", "corrupt"],
  [0x40, "SCT.1", "the scalable-mode context entry cannot be read", "fetch"],
  [0x41, "SCT.2", "the scalable-mode context entry is not present", "context"],
  [0x42, "SCT.3", "reserved bits of the scalable-mode context entry are not zero", "corrupt"],
  [
    0x43,
    "SCT.4.1 SCT.4.2 SCT.4.3",
    "fields of the scalable-mode context entry contradict each other",
    "corrupt",
  ],
  [0x44, "SCT.5", "a translation or translated request with DTE = 0", "context"],
  [0x45, "SCT.6", "a request with PASID with PASIDE = 0", "pasid"],
  [0x46, "SCT.7", "the PASID is beyond the PASID directory", "pasid"],
  [0x47, "SCT.8", "a page request with PRE = 0", "context"],
  [0x48, "SCT.9", "a request carries the PASID that requests without PASID have (RID_PASID)", "pasid"],
  [0x49, "SCT.10", "a translated request with PASID with EPTR = 0", "context"],
  [0x50, "SPD.1", "the PASID directory entry cannot be read", "fetch"],
  [0x51, "SPD.2", "the PASID directory entry is not present", "pasid"],
  [0x52, "SPD.3", "reserved bits of the PASID directory entry are not zero", "corrupt"],
  [0x58, "SPT.1", "the PASID table entry cannot be read", "fetch"],
  [0x59, "SPT.2", "the PASID table entry is not present", "pasid"],
  [0x5a, "SPT.3", "reserved bits of the PASID table entry are not zero", "corrupt"],
  [
    0x5b,
    "SPT.4.1 SPT.4.2 SPT.4.3 SPT.4.4",
    "the PASID table entry has an AW, PGTT, FSPM or FSPTPTR that the unit lacks",
    "corrupt",
  ],
  [0x5c, "SPT.5", "a request asks to execute", "pasid"],
  [0x5d, "SPT.6", "a privileged request with SRE = 0", "pasid"],
  [0x60, "SPT.9", "a translated request beyond the host permission table", "width"],
  [0x70, "SFS.1", "a first-stage table behind the first cannot be read", "fetch"],
  [0x71, "SFS.2", "a first-stage entry is not present", "unmapped"],
  [0x72, "SFS.3", "reserved bits of a present first-stage entry are not zero", "corrupt"],
  [0x73, "SFS.4", "the first first-stage table cannot be read", "fetch"],
  [0x74, "SFS.5", "nested: a first-stage entry points beyond the second stage", "corrupt"],
  [0x75, "SFS.6", "nested: the second stage does not let the first first-stage table be read", "fetch"],
  [0x76, "SFS.7", "nested: the second stage does not let a first-stage table be read", "fetch"],
  [0x77, "SFS.8", "nested: the second stage does not let accessed and dirty flags be written", "fetch"],
  [0x78, "SSS.1", "a second-stage table behind the first cannot be read", "fetch"],
  [0x79, "SSS.2", "a second-stage entry is not present", "unmapped"],
  [0x7a, "SSS.3", "reserved bits of a present second-stage entry are not zero", "corrupt"],
  [0x7b, "SSS.4", "the first second-stage table cannot be read", "fetch"],
  [0x7c, "SSS.5", "second-stage accessed and dirty flags need walks that snoop", "corrupt"],
  [0x7d, "SSS.6", "accessed and dirty flags of a second-stage entry could not be written", "fetch"],
  [0x80, "SGN.1", "the address is not canonical", "width"],
  [0x81, "SGN.2", "a user request to a supervisor page", "write"],
  [0x83, "SGN.4.1 SGN.4.2", "the address is beyond the width of the host", "width"],
  [0x84, "SGN.5", "the address is beyond the width of the second-stage tables", "width"],
  [0x85, "SGN.6", "a write or AtomicOp without write permission", "write"],
  [0x86, "SGN.7", "a read or AtomicOp without read permission", "read"],
  [
    0x87,
    "SGN.8.1 SGN.8.2 SGN.8.3",
    "the translation leads into the interrupt address range",
    "interruptRange",
  ],
  [0x89, "SGN.10", "the PASID has more bits than the unit supports", "pasid"],
  [0x90, "SFS.9", "first-stage accessed and dirty flags need walks that snoop", "corrupt"],
  [0x91, "SFS.10", "accessed and dirty flags of a first-stage entry could not be written", "fetch"],
  [0xa0, "", "a host permission table behind the first cannot be read", "fetch"],
  [0xa1, "", "reserved bits of a host permission entry are not zero", "corrupt"],
  [0xa2, "", "the first host permission table cannot be read", "fetch"],
  [0xa3, "", "the host permission table denies a zero-length read", "read"],
  [0xa4, "", "the host permission table denies a write", "write"],
  [0xa5, "", "the host permission table denies a read", "read"],
];

const INTERRUPTS: readonly Row[] = [
  [0x20, "", "a reserved field of a remappable interrupt request is not zero", "interruptEntry"],
  [0x21, "", "the interrupt index is beyond the table", "interruptEntry"],
  [0x22, "", "the interrupt remapping entry is not present", "interruptEntry"],
  [0x23, "", "the interrupt remapping entry cannot be read", "fetch"],
  [0x24, "", "reserved bits of the interrupt remapping entry are not zero", "corrupt"],
  [0x25, "", "an interrupt in compatibility format is blocked", "compatibility"],
  [0x26, "", "the source of the interrupt is not the one of the entry", "source"],
  [0x27, "", "the posted-interrupt descriptor cannot be read", "posted"],
  [0x28, "", "reserved bits of the posted-interrupt descriptor are not zero", "posted"],
  [0x29, "", "a request to FEEx_xxxxh that is no interrupt", "interruptRange"],
  [0x2a, "", "the unit demands extended interrupt mode", "compatibility"],
  [0x2b, "", "the unit demands interrupt remapping", "compatibility"],
];

function reasonOf([reason, conditions, statement, group]: Row, section: string): FaultReason {
  return {
    reason,
    conditions: conditions === "" ? [] : conditions.split(" "),
    statement,
    section: `VT-d ${section}`,
    rules: Object.values(faultRules).filter((one) => one.reason === reason),
    causes: causes[group],
  };
}

export const faultReasons: readonly FaultReason[] = [
  ...TRANSLATION.map((row) => reasonOf(row, "7.1.3")),
  ...INTERRUPTS.map((row) => reasonOf(row, "5.1.4.1")),
];

const byReason = new Map(faultReasons.map((one) => [one.reason, one]));

/** What a fault reason means; undefined for one that no revision defines. */
export function faultReason(reason: number): FaultReason | undefined {
  return byReason.get(reason);
}

/** A reason as records and messages name it: `5h, LGN.2`. */
export function showReason({ reason, conditions }: FaultReason): string {
  return [`${reason.toString(16).toUpperCase()}h`, ...conditions].join(", ");
}

/** True for a reason of interrupt remapping, whose fault information is an index. */
export function isInterruptReason(reason: number): boolean {
  return reason >= 0x20 && reason <= 0x2b;
}
