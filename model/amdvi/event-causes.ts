/** What an event of a kernel's log reports (AMD-Vi 2.5), by its name and flags, and what usually brings it about. */
import type { Rule } from "../words/rule.js";
import { eventLayouts, requestTypes } from "./events.js";
import { rmpHardwareErrorLayout, rmpPageFaultLayout } from "./layout-guest.js";
import { type AmdViFaultRule, EventCode, faultRules } from "./rules.js";

export interface Cause {
  readonly code: number;
  readonly statement: string;
  readonly section: string;
  /** The checks that are reported so. */
  readonly rules: readonly Rule[];
  /** What the request was; empty where the event does not say. */
  readonly access: string;
  readonly causes: readonly string[];
}

/** Bits 59:48 of an event. */
const Flag = {
  GN: 0x1,
  NX: 0x2,
  US: 0x4,
  I: 0x8,
  PR: 0x10,
  RW: 0x20,
  PE: 0x40,
  RZ: 0x80,
  TR: 0x100,
} as const;
const typeOf = (flags: number) => flags >>> 9;

const RMP_PAGE_FAULT = 13;
const RMP_HARDWARE_ERROR = 14;

const codes = new Map<string, number>([
  ...Object.entries(eventLayouts).map(([code, of]) => [of.name, Number(code)] as const),
  [rmpPageFaultLayout.name, RMP_PAGE_FAULT],
  [rmpHardwareErrorLayout.name, RMP_HARDWARE_ERROR],
]);

/** What an event says; null for a name that is none. `flags` is null where the message has none. */
export function causeOf(name: string, flags: number | null, address: bigint | null): Cause | null {
  const code = codes.get(name);
  if (code === undefined) return null;
  const told = { code, section: `AMD-Vi ${eventLayouts[code]?.section ?? "2.5"}` };
  const known = flags ?? 0;
  switch (code) {
    case EventCode.ioPageFault:
      return { ...told, ...pageFault(flags, address) };
    case EventCode.illegalDevTableEntry:
      return { ...told, ...illegalEntry(known) };
    case EventCode.invalidDeviceRequest:
      return { ...told, ...invalidRequest(known) };
    default:
      return { ...told, rules: rulesOf(code, () => true), access: "", ...others[code]! };
  }
}

type Told = Omit<Cause, "code" | "section">;

function rulesOf(code: number, matches: (rule: AmdViFaultRule) => boolean): AmdViFaultRule[] {
  return Object.values(faultRules).filter((one) => one.event === code && matches(one));
}

/** The checks that are reported with these flags. */
function rulesWith(code: number, flags: number): AmdViFaultRule[] {
  const bit = (mask: number) => (flags & mask ? 1 : 0);
  return rulesOf(
    code,
    (one) => one.present === bit(Flag.PR) && one.permission === bit(Flag.PE) && one.reserved === bit(Flag.RZ),
  );
}

const INTERRUPT_CAUSES = [
  "an interrupt was sent that software has not set up, or has already torn down: the device kept an old MSI address or data (reset, resume, affinity change in flight), or raises interrupts before its driver is ready",
  "one at boot, from the function that is the I/O APIC or the HPET, is usually an interrupt that firmware left enabled",
];

/** True for FEEx_xxxxh, and for FD_F8xx_xxxxh, which interrupts are reported at with or without ones above. */
function isInterruptAddress(address: bigint): boolean {
  return ((address >> 24n) & 0xffffn) === 0xfdf8n || address >> 20n === 0xfeen;
}

function pageFault(flags: number | null, address: bigint | null): Told {
  if (flags === null)
    return { statement: "a request was blocked", rules: [], access: "", causes: pageCauses("request") };
  if (flags & Flag.I) return interruptFault(flags);
  const access = flags & Flag.RW ? "write" : "read";
  const rules = flags & Flag.GN ? [] : rulesWith(EventCode.ioPageFault, flags);
  const causes =
    address !== null && isInterruptAddress(address)
      ? ["the address is one of interrupts: see what the device's MSI registers hold", ...pageCauses(access)]
      : pageCauses(access);
  if ((flags & Flag.PR) === 0)
    return { statement: `a ${access} of a page that is not mapped`, rules, access, causes };
  if (flags & Flag.PE)
    return { statement: `a ${access} that the entries do not allow`, rules, access, causes };
  const corrupt = [
    "a page table entry is not what software meant: the table was freed or overwritten, or the address is wider than the tables",
    "decode the entry with `iommu-spec decode amdvi.page-table-N`",
  ];
  return flags & Flag.RZ
    ? { statement: "reserved bits of a page table entry are not zero", rules, access, causes: corrupt }
    : {
        statement: "an illegal encoding in the page tables, or an address beyond them",
        rules,
        access,
        causes: corrupt,
      };
}

function pageCauses(access: "read" | "write" | "request"): string[] {
  const direction = { read: "DMA_FROM_DEVICE", write: "DMA_TO_DEVICE", request: "" }[access];
  const wrongWay = direction === "" ? "" : ` or in the wrong direction (${direction}),`;
  return [
    `the driver unmapped the page while the device still used it (missing stop, wrong order), mapped too little${wrongWay || ","} or gave the device an address that is no IOVA`,
    "domain 0x0000, or the same address on every boot: the device was started by firmware, or is not attached; an address inside the system's memory map: a physical address used without mapping",
  ];
}

function interruptFault(flags: number): Told {
  const statement =
    flags & Flag.PR
      ? "an interrupt whose interrupt table entry has reserved bits or an illegal type"
      : "an interrupt that no valid interrupt table entry is for";
  return { statement, rules: [], access: "interrupt", causes: INTERRUPT_CAUSES };
}

function illegalEntry(flags: number): Told {
  const interrupt = (flags & Flag.I) !== 0;
  const access = interrupt
    ? "interrupt"
    : flags & Flag.TR
      ? "translation request"
      : flags & Flag.RW
        ? "write"
        : "read";
  const rules = interrupt
    ? []
    : rulesOf(EventCode.illegalDevTableEntry, (one) => one.reserved === (flags & Flag.RZ ? 1 : 0));
  return {
    statement:
      flags & Flag.RZ
        ? "reserved bits of the device table entry are not zero"
        : "an illegal encoding in the device table entry",
    rules,
    access,
    causes: [
      "the entry has bits for a feature that the unit lacks or that is switched off in the control register (after resume or in a guest, say), or was overwritten, or is that of another kernel",
      "the lines `DTE[0]` to `DTE[3]` behind it show the entry; with `--profile` the rule that it breaks is found",
    ],
  };
}

/** 2.5.9: Type of translation requests. */
const translationTypes: Readonly<Record<number, string>> = {
  1: "a translation request for addresses that have none",
  2: "a translation request with I = 0 or V = 0 in the device table entry",
  3: "a translation request with a DeviceID beyond the device table",
};

const INTERRUPTS_OFF =
  "interrupts of the device are not enabled in its device table entry: one before remapping is set up, or during shutdown, is harmless";
const NOT_ALLOWED =
  "the device sends what its device table entry does not allow: ATS enabled in the device only, or an address that is no IOVA";

function invalidRequest(flags: number): Told {
  const translation = (flags & Flag.TR) !== 0;
  const type = typeOf(flags);
  const statement =
    (translation ? translationTypes : requestTypes)[type] || "a request of a kind that is not allowed";
  const rules = translation ? [] : rulesOf(EventCode.invalidDeviceRequest, (one) => one.type === type);
  return {
    statement,
    rules,
    access: translation ? "translation request" : "",
    causes: [!translation && type === 5 ? INTERRUPTS_OFF : NOT_ALLOWED],
  };
}

const HARDWARE = [
  "the address is no memory, or memory answers with an error: a pointer was overwritten, the table is of another kernel, or memory is faulty",
];

const others: Readonly<Record<number, Pick<Cause, "statement" | "causes">>> = {
  [EventCode.devTabHardwareError]: { statement: "the device table entry cannot be read", causes: HARDWARE },
  [EventCode.pageTabHardwareError]: { statement: "a page table entry cannot be read", causes: HARDWARE },
  [EventCode.illegalCommandError]: {
    statement: "the command buffer has halted at an illegal command",
    causes: [
      "a command that the unit does not have, reserved bits in one, or memory of the buffer that was overwritten; invalidations after it are not carried out",
      "the lines `CMD[0]` to `CMD[3]` show it",
    ],
  },
  [EventCode.commandHardwareError]: {
    statement: "a command cannot be read, or its completion cannot be stored",
    causes: HARDWARE,
  },
  [EventCode.iotlbInvTimeout]: {
    statement: "a device has not answered an invalidation of its TLB in time",
    causes: [
      "the device hangs, was reset, lost power or was unplugged while ATS was enabled, or claims ATS and does not do it",
      "look at the link of the device (lspci -vv: LnkSta, AER), and whether the event goes away with ATS off (pci=noats)",
    ],
  },
  [EventCode.invalidPprRequest]: {
    statement: "a page request that the device may not make",
    causes: ["page requests are on in the device and off in its device table entry or in the unit"],
  },
  [EventCode.eventCounterZero]: { statement: "a performance counter has overflowed", causes: [] },
  [RMP_PAGE_FAULT]: {
    statement: "the reverse map does not allow the access (secure nested paging)",
    causes: [
      "the page belongs to a guest, to firmware or to the hypervisor alone: it was given to a device without being shared, or changed its owner while the device used it",
    ],
  },
  [RMP_HARDWARE_ERROR]: { statement: "an entry of the reverse map cannot be read", causes: HARDWARE },
};
