/** The rules of address translation, with the event that a unit logs when one is broken (AMD-Vi 2.2, 2.5). */
import type { FaultRule } from "../windows/walk.js";

/** 2.5: event codes. */
export const EventCode = {
  illegalDevTableEntry: 1,
  ioPageFault: 2,
  devTabHardwareError: 3,
  pageTabHardwareError: 4,
  illegalCommandError: 5,
  commandHardwareError: 6,
  iotlbInvTimeout: 7,
  invalidDeviceRequest: 8,
  invalidPprRequest: 9,
  eventCounterZero: 0xa,
} as const;
export type EventCode = (typeof EventCode)[keyof typeof EventCode];

/** A check whose failure blocks the request with an event. */
export interface AmdViFaultRule extends FaultRule {
  readonly event: EventCode;
  /** PR, PE and RZ of the event. */
  readonly present: 0 | 1;
  readonly permission: 0 | 1;
  readonly reserved: 0 | 1;
  /** Type, where the event has one. */
  readonly type?: number;
  /** True for a check of the device table entry or before it; it comes before everything in the page tables. */
  readonly beforeTables: boolean;
}

type Flags = Partial<Pick<AmdViFaultRule, "present" | "permission" | "reserved" | "type">>;

const eventSections: Readonly<Partial<Record<EventCode, string>>> = {
  [EventCode.illegalDevTableEntry]: "2.5.2",
  [EventCode.ioPageFault]: "2.5.3",
  [EventCode.devTabHardwareError]: "2.5.4",
  [EventCode.pageTabHardwareError]: "2.5.5",
  [EventCode.invalidDeviceRequest]: "2.5.9",
};

/** Sections of what the rules are about: the device table, the host page tables, or the event's own. */
const subjects = { dte: "2.2.2", "page-table": "2.2.3", request: null } as const;

function fault(
  id: `${keyof typeof subjects}.${string}`,
  event: EventCode,
  flags: Flags,
  statement: string,
): AmdViFaultRule {
  const subject = id.slice(0, id.indexOf(".")) as keyof typeof subjects;
  return {
    id: `amdvi.${id}`,
    section: `AMD-Vi ${subjects[subject] ?? eventSections[event]}`,
    statement,
    // 2.2.2 SA: I/O page faults only.
    suppressible: event === EventCode.ioPageFault,
    event,
    present: 0,
    permission: 0,
    reserved: 0,
    beforeTables: subject !== "page-table",
    ...flags,
  };
}

const { illegalDevTableEntry, ioPageFault, devTabHardwareError, pageTabHardwareError, invalidDeviceRequest } =
  EventCode;

/**
 * 2.5.4, 2.5.5 Type. Choice: memory that is not there answers with a master abort; a unit may call it a target abort.
 */
const MASTER_ABORT = 1;

export const faultRules = {
  deviceIdOutOfTable: fault("dte.out-of-table", ioPageFault, {}, "The DeviceID is within the device table"),
  deviceFetch: fault(
    "dte.fetch",
    devTabHardwareError,
    { type: MASTER_ABORT },
    "The device table entry can be read",
  ),
  deviceReserved: fault(
    "dte.reserved-bits",
    illegalDevTableEntry,
    { reserved: 1 },
    "Reserved bits of a valid device table entry are zero",
  ),
  ioControl: fault(
    "dte.io-control-illegal",
    illegalDevTableEntry,
    {},
    "IoCtl of a device table entry is not 11b",
  ),
  translationValid: fault(
    "dte.translation-valid",
    ioPageFault,
    {},
    "A request that is translated finds TV = 1 in the device table entry",
  ),
  hostAccessedDirty: fault(
    "dte.host-accessed-dirty-illegal",
    illegalDevTableEntry,
    {},
    "HAD of a device table entry is not 10b",
  ),
  mode: fault(
    "dte.mode-illegal",
    illegalDevTableEntry,
    {},
    "Mode of a device table entry is a number of levels that the unit supports",
  ),
  guestLevels: fault(
    "dte.guest-levels-illegal",
    illegalDevTableEntry,
    {},
    "GLX of a device table entry with GV = 1 is not 11b",
  ),
  devicePermission: fault(
    "dte.permission",
    ioPageFault,
    { present: 1, permission: 1 },
    "IR and IW of the device table entry allow the access",
  ),
  addressBeyondWidth: fault(
    "page-table.address-width",
    ioPageFault,
    { present: 1 },
    "Address bits beyond the width of the first table's level are zero",
  ),
  tableFetch: fault(
    "page-table.fetch",
    pageTabHardwareError,
    { type: MASTER_ABORT },
    "An entry of a host page table can be read",
  ),
  notPresent: fault("page-table.present", ioPageFault, {}, "An entry of a host page table is present"),
  tableReserved: fault(
    "page-table.reserved-bits",
    ioPageFault,
    { present: 1, reserved: 1 },
    "Reserved bits of a host page table entry are zero",
  ),
  tablePermission: fault(
    "page-table.permission",
    ioPageFault,
    { present: 1, permission: 1 },
    "IR and IW of every host page table entry allow the access",
  ),
  levelIllegal: fault(
    "page-table.level-illegal",
    ioPageFault,
    { present: 1 },
    "NextLevel of a host page table entry is below the entry's own level",
  ),
  skippedBits: fault(
    "page-table.skipped-bits",
    ioPageFault,
    { present: 1 },
    "Address bits that belong to skipped levels are zero",
  ),
  pageSize: fault(
    "page-table.page-size",
    ioPageFault,
    { present: 1 },
    "The size of a page lies between the default sizes of its level and the next",
  ),
  interruptRange: fault(
    "request.interrupt-range",
    invalidDeviceRequest,
    { type: 1 },
    "Requests to the interrupt address range are posted writes of a DWORD",
  ),
  portIo: fault(
    "request.port-io",
    invalidDeviceRequest,
    { type: 3 },
    "Requests to the port I/O range find IoCtl other than 00b",
  ),
  systemManagement: fault(
    "request.system-management",
    invalidDeviceRequest,
    { type: 4 },
    "Posted writes to the system management range find SysMgt other than 00b",
  ),
  reservedInterruptRange: fault(
    "request.reserved-interrupt-range",
    invalidDeviceRequest,
    { type: 6 },
    "No posted write goes to the reserved interrupt range",
  ),
} as const;
