/** What Linux and Xen print about AMD-Vi: events, the entries they show beside them, commands that do not complete. */
import {
  findInLog,
  type LogFact,
  type LogFinding,
  type LogForm,
  type LogMeaning,
  meaning,
} from "../kernel-log.js";
import type { Word } from "../trace.js";
import { showRequester } from "../words/address.js";
import { type ShownField, shownFields, wordsOf } from "../words/shown-fields.js";
import { eventLayoutOf } from "./decode-buffers.js";
import { type Cause, causeOf } from "./event-causes.js";

type Groups = Readonly<Record<string, string | undefined>>;

const BDF = "(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]";

/** Linux: the device is in the event, or in front of the message. */
const EVENT = new RegExp(
  `(?:(?<device>${BDF}):\\s+)?(?:AMD-Vi:\\s*)?Event\\s+logged\\s*\\[\\s*(?<name>[A-Z_]+)\\s+(?<fields>[^\\]\\[]*)(?:\\]|(?=\\n|$))`,
  "gi",
);

/** Linux: an event whose code it does not know, in 32-bit words. */
const UNKNOWN_EVENT =
  /Event\s+logged\s*\[\s*UNKNOWN\s+event\[0\]=0x(?<a>[0-9a-f]+)\s+event\[1\]=0x(?<b>[0-9a-f]+)\s+event\[2\]=0x(?<c>[0-9a-f]+)\s+event\[3\]=0x(?<d>[0-9a-f]+)/gi;

/** Xen, with the guest that has the device, and flags in letters behind the number. */
const XEN_FAULT = new RegExp(
  `AMD-Vi:\\s*IO_PAGE_FAULT:\\s*(?<device>${BDF})\\s+d(?<guest>\\d+)\\s+addr\\s+(?<address>[0-9a-f]+)\\s+flags\\s+0x(?<flags>[0-9a-f]+)[ A-Z]*`,
  "gi",
);

/** Xen before that. */
const OLD_XEN_FAULT =
  /AMD-Vi:\s*(?<name>IO_PAGE_FAU?LT):\s*domain\s*[=:]\s*(?<domain>\d+),\s*device id\s*[=:]\s*0x(?<id>[0-9a-f]+),\s*fault address\s*[=:]\s*0x(?<address>[0-9a-f]+)(?:,\s*flags\s*[=:]\s*0x(?<flags>[0-9a-f]+))?/gi;

/** Xen: any other event as 32-bit words. */
const XEN_EVENT =
  /AMD-Vi:\s*(?<name>[A-Z_]{8,}):?\s+(?<a>[0-9a-f]{8})\s+(?<b>[0-9a-f]{8})\s+(?<c>[0-9a-f]{8})\s+(?<d>[0-9a-f]{8})/g;

const DEVICE_TABLE_ENTRY =
  /DTE\[0\]:\s*(?<a>[0-9a-f]{16})\s+(?:AMD-Vi:\s*)?DTE\[1\]:\s*(?<b>[0-9a-f]{16})\s+(?:AMD-Vi:\s*)?DTE\[2\]:\s*(?<c>[0-9a-f]{16})\s+(?:AMD-Vi:\s*)?DTE\[3\]:\s*(?<d>[0-9a-f]{16})/gi;
const COMMAND =
  /CMD\[0\]:\s*(?<a>[0-9a-f]{8})\s+(?:AMD-Vi:\s*)?CMD\[1\]:\s*(?<b>[0-9a-f]{8})\s+(?:AMD-Vi:\s*)?CMD\[2\]:\s*(?<c>[0-9a-f]{8})\s+(?:AMD-Vi:\s*)?CMD\[3\]:\s*(?<d>[0-9a-f]{8})/gi;
const CONTROL = /Control\s+Reg\s*:\s*0x(?<value>[0-9a-f]+)/gi;
const TIME_OUT = /Completion-Wait\s+loop\s+timed\s+out/gi;

/** Names that kernels have for events beside those of the specification. */
const otherNames: Readonly<Record<string, string>> = {
  IO_PAGE_FALT: "IO_PAGE_FAULT",
  DEV_TABLE_HW_ERROR: "DEV_TAB_HARDWARE_ERROR",
  PAGE_TABLE_HW_ERROR: "PAGE_TAB_HARDWARE_ERROR",
  COMMAND_HW_ERROR: "COMMAND_HARDWARE_ERROR",
  INVALID_DEV_REQUEST: "INVALID_DEVICE_REQUEST",
  RMP_HW_ERROR: "RMP_HARDWARE_ERROR",
};

/** `0000:00:14.0` without segment 0. */
function showDevice(device: string): string {
  return device.replace(/^0000:/, "");
}

/** `device=00:1f.0 domain=0x000c address=0x…` by name. */
function fieldsOf(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/(\w+)=([0-9a-fx:.]+)/gi)].map(([, name, value]) => [name!.toLowerCase(), value!]),
  );
}

const FLAGS_LOW = 48;
const FLAGS_HIGH = 59;

/** Bits 59:48 of the event, from its layout. */
function shownFlags(code: number, flags: number): ShownField[] {
  const words: Word[] = [
    { low: 0, high: ((code << 28) | (flags << 16)) >>> 0 },
    { low: 0, high: 0 },
  ];
  const of = eventLayoutOf(words);
  if (!of) return [];
  const fields = of.fields.filter(
    (one) => one.kind === "field" && one.low >= FLAGS_LOW && one.high <= FLAGS_HIGH,
  );
  return shownFields({ ...of, fields }, words);
}

/** Names of the fields of messages, and what they are called here. */
const factNames: readonly (readonly [field: string, name: string])[] = [
  ["domain", "domain"],
  ["pasid", "PASID"],
  ["tag", "page request group"],
  ["vmg_tag", "guest tag"],
  ["flags_rmp", "flags of the reverse map check"],
];

/** Events whose address is not one in a request. */
const placeOf: Readonly<Record<string, string>> = {
  DEV_TAB_HARDWARE_ERROR: "address of the device table entry",
  PAGE_TAB_HARDWARE_ERROR: "address of the page table entry",
  ILLEGAL_COMMAND_ERROR: "address of the command",
  COMMAND_HARDWARE_ERROR: "address of the command",
  IOTLB_INV_TIMEOUT: "address of the command",
};

interface Event {
  readonly name: string;
  readonly requester: string | null;
  readonly address: bigint | null;
  readonly flags: number | null;
  readonly facts: readonly LogFact[];
}

function eventMeaning({ name, requester, address, flags, facts }: Event): LogMeaning | null {
  const cause: Cause | null = causeOf(name, flags, address);
  if (!cause) return null;
  const place = placeOf[name];
  return meaning(`${name}: ${cause.statement}`, {
    section: cause.section,
    rules: cause.rules,
    facts: [
      ...(requester === null ? [] : [{ name: "requester", value: requester }]),
      ...(cause.access === "" ? [] : [{ name: "access", value: cause.access }]),
      ...facts,
      ...(place && address !== null ? [{ name: place, value: `0x${address.toString(16)}` }] : []),
    ],
    address: place ? null : address,
    flags: flags === null ? [] : shownFlags(cause.code, flags),
    causes: cause.causes,
  });
}

function linuxEvent({ device, name, fields }: Groups): LogMeaning | null {
  const values = fieldsOf(fields!);
  const number = (key: string) => values.get(key);
  const address = number("address") ?? number("gpa") ?? number("spa");
  const shown = number("device") ?? device;
  return eventMeaning({
    name: specificationName(name!),
    requester: shown === undefined ? null : showDevice(shown),
    address: address === undefined ? null : BigInt(address),
    flags: values.has("flags") ? Number(number("flags")) : null,
    facts: factNames.flatMap(([key, shownName]) => {
      const value = number(key);
      return value === undefined ? [] : [{ name: shownName, value: hex(Number(value)) }];
    }),
  });
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function specificationName(name: string): string {
  const upper = name.toUpperCase();
  return otherNames[upper] ?? upper;
}

function xenFault({ device, id, guest, domain, address, flags }: Groups): LogMeaning | null {
  const requester = device ? showDevice(device) : showRequester(Number.parseInt(id!, 16));
  return eventMeaning({
    name: "IO_PAGE_FAULT",
    requester,
    address: BigInt(`0x${address}`),
    flags: flags === undefined ? null : Number.parseInt(flags, 16),
    facts: [guest ? { name: "guest", value: `d${guest}` } : { name: "domain", value: hex(Number(domain)) }],
  });
}

/** Four 32-bit words. */
function wordsIn({ a, b, c, d }: Groups): Word[] {
  return wordsOf(BigInt(`0x${d}${c}${b}${a}`), 128);
}

const SUPPRESSED = /\bamd_iommu_\w+:\s*(?<count>\d+)\s+callbacks\s+suppressed/gi;
const OVERFLOW = /\bIOMMU\s+(?:(?<log>Event|PPR|GA)\s+)?log\s+(?:overflow|restarting)/gi;

const forms: readonly LogForm[] = [
  {
    pattern: SUPPRESSED,
    meaning: ({ count }) => meaning(`${count} further lines about faults were not printed`),
  },
  {
    pattern: OVERFLOW,
    meaning: ({ log }) =>
      meaning(`the ${log ?? "event"} log was full: entries were lost`, {
        section: "AMD-Vi 2.5",
        causes: ["a device floods it: the events before this line tell which"],
      }),
  },
  { pattern: EVENT, meaning: linuxEvent },
  {
    pattern: UNKNOWN_EVENT,
    meaning: (groups) =>
      meaning("an event that the kernel does not know", {
        section: "AMD-Vi 2.5",
        entry: { structure: "event", words: wordsIn(groups) },
      }),
  },
  { pattern: XEN_FAULT, meaning: xenFault },
  { pattern: OLD_XEN_FAULT, meaning: xenFault },
  { pattern: XEN_EVENT, meaning: xenEvent },
  {
    pattern: DEVICE_TABLE_ENTRY,
    meaning: ({ a, b, c, d }) =>
      meaning("the device table entry", {
        section: "AMD-Vi 2.2.2",
        entry: { structure: "dte", words: wordsOf(BigInt(`0x${d}${c}${b}${a}`), 256) },
      }),
  },
  {
    pattern: COMMAND,
    meaning: (groups) =>
      meaning("the command", {
        section: "AMD-Vi 2.4",
        entry: { structure: "command", words: wordsIn(groups) },
      }),
  },
  {
    pattern: CONTROL,
    meaning: ({ value }) =>
      meaning("the control register", {
        section: "AMD-Vi MMIO 0018h",
        entry: { structure: "Control", words: wordsOf(BigInt(`0x${value}`), 64) },
      }),
  },
  {
    pattern: TIME_OUT,
    meaning: () =>
      meaning("a COMPLETION_WAIT command was not completed in the time that the kernel waits", {
        section: "AMD-Vi 2.4.1",
        causes: [
          "a device with ATS does not answer INVALIDATE_IOTLB_PAGES (it hangs, was reset, or lost power: IOTLB_INV_TIMEOUT may follow), or the command buffer has halted (look for ILLEGAL_COMMAND_ERROR or COMMAND_HARDWARE_ERROR before it)",
          "in a second kernel (kdump): the unit still runs on the buffers of the first",
        ],
      }),
  },
];

/** Xen prints all four words: whatever the layout knows can be told. */
function xenEvent(groups: Groups): LogMeaning | null {
  const words = wordsIn(groups);
  const of = eventLayoutOf(words);
  if (!of) return null;
  const [first, second] = words;
  const hasDevice = of.fields.some((one) => one.name === "DeviceID");
  const told = eventMeaning({
    name: of.name,
    requester: hasDevice ? showRequester(first!.low & 0xffff) : null,
    address: BigInt(second!.high) * 2n ** 32n + BigInt(second!.low),
    flags: (first!.high >>> 16) & 0xfff,
    facts: [],
  });
  return told && { ...told, entry: { structure: "event", words } };
}

/** The messages about AMD-Vi in a log without prefixes. */
export function amdViMessages(log: string): LogFinding[] {
  return findInLog(log, "amdvi", forms);
}
