/** The entries of the event log (AMD-Vi 2.5): layouts, encoding from a broken rule, decoding. */
import type { Request, Word } from "../trace.js";
import { NO_DOMAIN } from "../windows/walk.js";
import {
  decode,
  encoderOf,
  type Field,
  field,
  fieldOf,
  ignored,
  type Layout,
  layout,
} from "../words/layout.js";
import { asRequester, saying } from "../words/shown-fields.js";
import { type AmdViFaultRule, EventCode } from "./rules.js";

export { EventCode } from "./rules.js";

function event(name: string, section: string, fields: Field[]): Layout {
  const declared = [field("EventCode", "63:60", "which event"), ...fields];
  const taken = new Set(
    declared.flatMap(({ low, high }) => Array.from({ length: high - low + 1 }, (_, i) => low + i)),
  );
  const rest = Array.from({ length: 128 }, (_, bit) => bit).filter((bit) => !taken.has(bit));
  return layout(name, section, 128, [...declared, ...rest.map((bit) => ignored(String(bit)))]);
}

const deviceId = saying(field("DeviceID", "15:0", "device"), asRequester);
const pasidHigh = field("PASID19:16", "19:16", "process, with GN = 1");
const domainOrPasid = field("DomainID", "47:32", "domain; with GN = 1 PASID 15:0");
const [gn, nx, us] = [
  field("GN", "48", "a guest address"),
  field("NX", "49", "execution is denied"),
  field("US", "50", "user access"),
];
const [interrupt, pr, rw] = [
  field("I", "51", "an interrupt request"),
  field("PR", "52", "the entry was present"),
  field("RW", "53", "a write"),
];
const [pe, rz, tr] = [
  field("PE", "54", "a right was missing"),
  field("RZ", "55", "a reserved bit was not zero; 0: an illegal encoding"),
  field("TR", "56", "a translation request"),
];
const hardwareErrorType = saying(field("Type", "58:57", "what memory answered"), {
  1: "master abort",
  2: "target abort",
  3: "data error",
});
/** 2.5.9: Type of requests that are no translation requests. */
export const requestTypes: Readonly<Record<number, string>> = {
  1: "a read or non-posted write in the interrupt address range",
  2: "a pretranslated request with I = 0 or V = 0 in the device table entry",
  3: "a request to the port I/O range with IoCtl = 00b",
  4: "a posted write to the system management range that SysMgt does not allow",
  5: "a posted write to the interrupt range with IntCtl = 00b",
  6: "a posted write to the reserved interrupt range",
  7: "a system management message that is not valid",
};
const addressFrom = (bit: number, meaning: string) => [
  field("AddressLow", `95:${64 + bit}`, `${meaning}, lower half`),
  field("AddressHigh", "127:96", `${meaning}, upper half`),
];

export const illegalDevTableEntryLayout = event("ILLEGAL_DEV_TABLE_ENTRY", "2.5.2", [
  deviceId,
  pasidHigh,
  field("PASID15:0", "47:32", "process, with GN = 1"),
  gn,
  interrupt,
  rw,
  rz,
  tr,
  ...addressFrom(2, "address of the request, in 4 bytes"),
]);

export const ioPageFaultLayout = event("IO_PAGE_FAULT", "2.5.3", [
  deviceId,
  pasidHigh,
  domainOrPasid,
  gn,
  nx,
  us,
  interrupt,
  pr,
  rw,
  pe,
  rz,
  tr,
  ...addressFrom(0, "address of the request"),
]);

export const devTabHardwareErrorLayout = event("DEV_TAB_HARDWARE_ERROR", "2.5.4", [
  deviceId,
  interrupt,
  rw,
  tr,
  hardwareErrorType,
  ...addressFrom(4, "address of the device table entry, in 16 bytes"),
]);

/** Choice: the address is that of the 8-byte entry; the figure and the table of 2.5.5 disagree on bit 3. */
export const pageTabHardwareErrorLayout = event("PAGE_TAB_HARDWARE_ERROR", "2.5.5", [
  deviceId,
  pasidHigh,
  domainOrPasid,
  gn,
  interrupt,
  rw,
  tr,
  hardwareErrorType,
  ...addressFrom(3, "address of the entry, in 8 bytes"),
]);

export const illegalCommandErrorLayout = event("ILLEGAL_COMMAND_ERROR", "2.5.6", [
  ...addressFrom(4, "address of the command, in 16 bytes"),
]);

export const commandHardwareErrorLayout = event("COMMAND_HARDWARE_ERROR", "2.5.7", [
  hardwareErrorType,
  ...addressFrom(4, "address of the command, in 16 bytes"),
]);

export const iotlbInvTimeoutLayout = event("IOTLB_INV_TIMEOUT", "2.5.8", [
  deviceId,
  ...addressFrom(4, "address of the command, in 16 bytes"),
]);

export const invalidDeviceRequestLayout = event("INVALID_DEVICE_REQUEST", "2.5.9", [
  deviceId,
  pasidHigh,
  field("PASID15:0", "47:32", "process, with GN = 1"),
  gn,
  nx,
  us,
  tr,
  saying(field("Type", "59:57", "what was wrong"), requestTypes),
  ...addressFrom(0, "address of the request"),
]);

export const invalidPprRequestLayout = event("INVALID_PPR_REQUEST", "2.5.10", [
  deviceId,
  field("PASID15:0", "31:16", "process, with GN = 1"),
  field("Tag", "41:32", "page request group"),
  field("PASID19:16", "45:42", "process, with GN = 1"),
  gn,
  ...addressFrom(0, "address of the request"),
]);

export const eventCounterZeroLayout = event("EVENT_COUNTER_ZERO", "2.5.11", [
  field("CounterNoteLow", "31:0", "note of the counter"),
  field("CounterNoteHigh", "51:32", "note of the counter, upper part"),
]);

/** Every event by code. */
export const eventLayouts: Readonly<Record<number, Layout>> = {
  [EventCode.illegalDevTableEntry]: illegalDevTableEntryLayout,
  [EventCode.ioPageFault]: ioPageFaultLayout,
  [EventCode.devTabHardwareError]: devTabHardwareErrorLayout,
  [EventCode.pageTabHardwareError]: pageTabHardwareErrorLayout,
  [EventCode.illegalCommandError]: illegalCommandErrorLayout,
  [EventCode.commandHardwareError]: commandHardwareErrorLayout,
  [EventCode.iotlbInvTimeout]: iotlbInvTimeoutLayout,
  [EventCode.invalidDeviceRequest]: invalidDeviceRequestLayout,
  [EventCode.invalidPprRequest]: invalidPprRequestLayout,
  [EventCode.eventCounterZero]: eventCounterZeroLayout,
};

/** A place in memory: page, and byte offset in it. */
export interface Place {
  readonly page: number;
  readonly offset: number;
}

/** What the events of requests say, as far as their layouts have the fields. */
export interface EventFields {
  readonly DeviceID: number;
  readonly DomainID: number;
  readonly PR: number;
  readonly PE: number;
  readonly RZ: number;
  readonly RW: number;
  readonly Type: number;
}

const FIELDS = ["DeviceID", "DomainID", "PR", "PE", "RZ", "RW", "Type"] as const;
const PLACED = [...FIELDS, "EventCode", "AddressLow", "AddressHigh"] as const;

/** Encoders by code, with the lowest address bit that the layout has room for. */
const encoders = new Map(
  Object.entries(eventLayouts).map(([code, of]) => {
    const has = (name: string) => of.fields.some((one) => one.name === name);
    const addressFrom = has("AddressLow") ? fieldOf(of, "AddressLow").low - 64 : 0;
    return [Number(code), { encode: encoderOf(of, PLACED.filter(has)), addressFrom }];
  }),
);

/** An event at this place; fields that are not given, and those its layout does not have, are left out. */
export function encodeEvent(code: EventCode, { page, offset }: Place, fields: Partial<EventFields>): Word[] {
  const { DeviceID = 0, DomainID = 0, PR = 0, PE = 0, RZ = 0, RW = 0, Type = 0 } = fields;
  const { encode, addressFrom } = encoders.get(code)!;
  const low = ((page % 0x100000) * 4096 + offset) >>> 0;
  // A value is placed at its field's lowest bit; what lies below is cut off.
  const AddressLow = low >>> addressFrom;
  const AddressHigh = Math.floor(page / 0x100000);
  return encode({ DeviceID, DomainID, PR, PE, RZ, RW, Type, EventCode: code, AddressLow, AddressHigh });
}

/**
 * The event of a request that was blocked under this rule.
 * @param domainId of the device table entry; 0 is reported when there is none
 * @param entry where the entry is that could not be read; the address in the request otherwise
 */
export function eventOf(
  rule: AmdViFaultRule,
  request: Request,
  domainId: number,
  entry: Place = request,
): Word[] {
  return encodeEvent(rule.event, entry, {
    DeviceID: request.requester,
    // Choice: the domain is reported as 0 when no device table entry gives one.
    DomainID: domainId === NO_DOMAIN ? 0 : domainId,
    PR: rule.present,
    PE: rule.permission,
    RZ: rule.reserved,
    // Choice: an AtomicOp is reported as a write.
    RW: request.type === "write" || request.type === "atomic" ? 1 : 0,
    Type: rule.type ?? 0,
  });
}

/** The event of an illegal command at this place. */
export function illegalCommandEvent(command: Place): Word[] {
  return encodeEvent(EventCode.illegalCommandError, command, {});
}

/** An entry of the log as its fields say. */
export interface DecodedEvent {
  readonly code: number;
  /** As the specification calls it. */
  readonly name: string;
  /** Bits 59:48, as kernels print them. */
  readonly flags: number;
  readonly place: Place;
  readonly fields: Readonly<Record<string, number>>;
}

/** What an entry of the log says; null when its code is not one of an event. */
export function decodeEvent(words: readonly Word[]): DecodedEvent | null {
  const code = words[0]!.high >>> 28;
  const of = eventLayouts[code];
  if (!of) return null;
  const [, { low, high }] = words as readonly [Word, Word];
  return {
    code,
    name: of.name,
    flags: (words[0]!.high >>> 16) & 0xfff,
    place: { page: high * 0x100000 + (low >>> 12), offset: low & 0xfff },
    fields: decode(of, words),
  };
}
