/** The register file: every register of one log each, its fields and their access types (AMD-Vi 3.4). */
import { type FieldRow, type Register, RegisterFile, register } from "../words/register-file.js";
import { asAddress, asPowerOfTwo, names } from "../words/shown-fields.js";
import { extendedFeature2Layout, extendedFeatureLayout } from "./capabilities.js";
import type { AmdViFeatures } from "./profile.js";

/** Byte offsets. */
export const Offset = {
  DevTabBase: 0x0000,
  CmdBase: 0x0008,
  EvtBase: 0x0010,
  Control: 0x0018,
  ExclBase: 0x0020,
  ExclLimit: 0x0028,
  EFR: 0x0030,
  PPRLogBase: 0x0038,
  HwErrUpper: 0x0040,
  HwErrLower: 0x0048,
  HwErrStatus: 0x0050,
  SmiFilter: 0x0060,
  GALogBase: 0x00e0,
  GALogTailAddr: 0x00e8,
  DevTabSegBase: 0x0100,
  MsiCap: 0x0158,
  PerfOptControl: 0x016c,
  XtIntControl: 0x0170,
  EFR2: 0x01a0,
  MarcBase: 0x0200,
  CmdHead: 0x2000,
  CmdTail: 0x2008,
  EvtHead: 0x2010,
  EvtTail: 0x2018,
  Status: 0x2020,
  PPRHead: 0x2030,
  PPRTail: 0x2038,
  GAHead: 0x2040,
  GATail: 0x2048,
  PPRAutoRsp: 0x2080,
  PPROvrflwEarly: 0x2088,
} as const;

/** Bytes of the registers; performance counters, which need more, are not modelled. */
export const REGISTER_BYTES = 0x4000;

/** Bits of the low half of Control (0018h). */
export const ControlBit = {
  IommuEn: 0x1,
  HtTunEn: 0x2,
  EventLogEn: 0x4,
  EventIntEn: 0x8,
  ComWaitIntEn: 0x10,
  InvTimeOut: 0xe0,
  PassPW: 0x100,
  ResPassPW: 0x200,
  Coherent: 0x400,
  Isoc: 0x800,
  CmdBufEn: 0x1000,
  PPRLogEn: 0x2000,
  PPRIntEn: 0x4000,
  PPREn: 0x8000,
  GTEn: 0x10000,
  GAEn: 0x20000,
} as const;

/** DevTblSegEn (36:34) in the high half of Control. */
export const DEVICE_TABLE_SEGMENT_ENABLE_HIGH = 0x1c;

/** Bits of Status (2020h). */
export const StatusBit = {
  EventOverflow: 0x1,
  EventLogInt: 0x2,
  ComWaitInt: 0x4,
  EventLogRun: 0x8,
  CmdBufRun: 0x10,
  PPROverflow: 0x20,
  PPRInt: 0x40,
  PPRLogRun: 0x80,
  GALogRun: 0x100,
  GALOverflow: 0x200,
  GAInt: 0x400,
} as const;

const bufferBase = (length: string): readonly FieldRow[] => [
  ["Base", "51:12", "RW", "page of the first entry", asAddress(12)],
  [length, "59:56", "RW", "length of the buffer", asPowerOfTwo("entries")],
];

const TIME_OUTS = { 0: "none", 1: "1 ms", 2: "10 ms", 3: "100 ms", 4: "1 s", 5: "10 s", 6: "100 s" };

const controlRows: readonly FieldRow[] = [
  ["IommuEn", "0", "RW", "requests are translated"],
  ["HtTunEn", "1", "RW", "HyperTransport tunnel"],
  ["EventLogEn", "2", "RW", "events are logged"],
  ["EventIntEn", "3", "RW", "interrupt for an event"],
  ["ComWaitIntEn", "4", "RW", "interrupt for COMPLETION_WAIT"],
  ["InvTimeOut", "7:5", "RW", "time for an invalidation of a device TLB", names(TIME_OUTS)],
  ["PassPW", "8", "RW", "requests may pass posted writes"],
  ["ResPassPW", "9", "RW", "responses may pass posted writes"],
  ["Coherent", "10", "RW", "command buffer and log accesses snoop"],
  ["Isoc", "11", "RW", "isochronous"],
  ["CmdBufEn", "12", "RW", "commands are executed"],
  ["PPRLogEn", "13", "RW", "page requests are logged"],
  ["PPRIntEn", "14", "RW", "interrupt for a page request"],
  ["PPREn", "15", "RW", "page requests"],
  ["GTEn", "16", "RW", "guest translation"],
  ["GAEn", "17", "RW", "128-bit interrupt table entries"],
  ["SmiFEn", "22", "RW", "SMI filter"],
  ["SlfWBDis", "23", "RW", "self write back disabled"],
  ["SmiFLogEn", "24", "RW", "SMI filter events"],
  ["GAMEn", "27:25", "RW", "guest virtual APIC mode"],
  ["GALogEn", "28", "RW", "guest virtual APIC log"],
  ["GAIntEn", "29", "RW", "interrupt for a guest virtual APIC log entry"],
  ["DualPPRLogEn", "31:30", "RW", "two page request logs"],
  ["DualEventLogEn", "33:32", "RW", "two event logs"],
  ["DevTblSegEn", "36:34", "RW", "device table segments", asPowerOfTwo("segments")],
  ["PrivAbrtEn", "38:37", "RW", "privilege aborts"],
  ["PPRAutoRspEn", "39", "RW", "automatic page request responses"],
  ["MarcEn", "40", "RW", "memory access routing and control"],
  ["BlkStopMrkEn", "41", "RW", "stop markers are blocked"],
  ["PPRAutoRspAon", "42", "RW", "page requests are always answered automatically"],
  ["NumIntRemapMode", "44:43", "RW", "1 for interrupt tables of 2048 entries"],
  ["EPHEn", "45", "RW", "enhanced page request handling"],
  ["HADUpdate", "47:46", "RW", "accessed and dirty updates of host tables"],
  ["GDUpdateDis", "48", "RW", "no dirty updates of guest tables"],
  ["XTEn", "50", "RW", "x2APIC destinations"],
  ["IntCapXTEn", "51", "RW", "x2APIC interrupts of the unit"],
  ["vCmdEn", "52", "RW", "virtual commands"],
  ["vIommuEn", "53", "RW", "virtual IOMMUs"],
  ["GAUpdateDis", "54", "RW", "no accessed updates of guest tables"],
  ["GAPPIEn", "55", "RW", "guest virtual APIC physical processor interrupt"],
  ["TMPMEn", "56", "RW", "page migration"],
  ["GCR3TRPMode", "58", "RW", "guest-physical GCR3 table pointers"],
  ["IRTCacheDis", "59", "RW", "interrupt table entries are not cached"],
  ["GstBufferTRPMode", "60", "RW", "guest buffers"],
  ["SNPAVICEn", "63:61", "RW", "guest virtual APIC with secure nested paging"],
];

const statusRows: readonly FieldRow[] = [
  ["EventOverflow", "0", "RW1C", "an event was lost"],
  ["EventLogInt", "1", "RW1C", "an event was logged"],
  ["ComWaitInt", "2", "RW1C", "a COMPLETION_WAIT with i = 1 has completed"],
  ["EventLogRun", "3", "RO", "events are logged"],
  ["CmdBufRun", "4", "RO", "commands are executed"],
  ["PPROverflow", "5", "RW1C", "a page request was lost"],
  ["PPRInt", "6", "RW1C", "a page request was logged"],
  ["PPRLogRun", "7", "RO", "page requests are logged"],
  ["GALogRun", "8", "RO", "guest virtual APIC log runs"],
  ["GALOverflow", "9", "RW1C", "a guest virtual APIC log entry was lost"],
  ["GAInt", "10", "RW1C", "a guest virtual APIC log entry was written"],
  ["PPROverflowB", "11", "RW1C", "a page request was lost from log B"],
  ["PPRLogActive", "12", "RO", "page request log in use"],
  ["EventOverflowB", "15", "RW1C", "an event was lost from log B"],
  ["EventLogActive", "16", "RO", "event log in use"],
  ["PPROverflowEarlyB", "17", "RW1C", "log B is nearly full"],
  ["PPROverflowEarly", "18", "RW1C", "the page request log is nearly full"],
];

const pointer = (name: string, offset: number, meaning: string, bits = "18:4"): Register =>
  mmio(name, offset, [["Ptr", bits, "RW", meaning, asAddress(Number(bits.split(":")[1]))]]);

function mmio(name: string, offset: number, rows: readonly FieldRow[], width: 32 | 64 = 64): Register {
  const section = `MMIO ${offset.toString(16).padStart(4, "0").toUpperCase()}h`;
  return register(name, section, offset, width, rows);
}

const featureRows = (of: typeof extendedFeatureLayout): FieldRow[] =>
  of.fields
    .filter((one) => one.kind === "field")
    .map((one) => [one.name, `${one.high}:${one.low}`, "RO", one.meaning, one.says]);

/** Registers that every platform has. */
const common: readonly Register[] = [
  mmio("DevTabBase", Offset.DevTabBase, [
    ["Size", "8:0", "RW", "pages of the device table, minus one"],
    ["Base", "51:12", "RW", "page of the device table", asAddress(12)],
  ]),
  mmio("CmdBase", Offset.CmdBase, bufferBase("ComLen")),
  mmio("EvtBase", Offset.EvtBase, bufferBase("EventLen")),
  mmio("Control", Offset.Control, controlRows),
  mmio("ExclBase", Offset.ExclBase, [
    ["ExEn", "0", "RW", "the exclusion range is on"],
    ["Allow", "1", "RW", "for every device"],
    ["Base", "51:12", "RW", "first page"],
  ]),
  mmio("ExclLimit", Offset.ExclLimit, [["Limit", "51:12", "RW", "last page"]]),
  mmio("EFR", Offset.EFR, featureRows(extendedFeatureLayout)),
  mmio("EFR2", Offset.EFR2, featureRows(extendedFeature2Layout)),
  pointer("CmdHead", Offset.CmdHead, "next command that hardware fetches"),
  pointer("CmdTail", Offset.CmdTail, "first entry without a command"),
  pointer("EvtHead", Offset.EvtHead, "next event that software reads"),
  pointer("EvtTail", Offset.EvtTail, "next entry that hardware writes"),
  mmio("Status", Offset.Status, statusRows),
];

/** Registers that come with a feature. */
function optional(platform: AmdViFeatures): Register[] {
  const many = <T>(count: number, one: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => one(i));
  const registers: Register[] = [];
  if (platform.peripheralPageRequests) registers.push(...pageRequestRegisters(platform));
  if (platform.hardwareErrorRegisters) registers.push(...hardwareErrorRegisters);
  if (platform.guestApicLog) registers.push(...guestApicLogRegisters);
  if (platform.msiCapabilityRegisters) registers.push(...msiCapabilityRegisters);
  if (platform.x2Apic) registers.push(...many(3, xtInterruptRegister));
  if (platform.performanceOptimization)
    registers.push(mmio("PerfOptControl", Offset.PerfOptControl, [["PerfOptEn", "13", "RW", "on"]], 32));
  registers.push(...many(platform.smiFilters, smiFilterRegister));
  registers.push(...many(platform.deviceTableSegments - 1, segmentRegister));
  registers.push(...many(platform.routingApertures, routingRegisters).flat());
  return registers;
}

/** Every register of the unit. */
export function registersOf(platform: AmdViFeatures): readonly Register[] {
  return [...common, ...optional(platform)];
}

/** The registers of a unit as after a reset: zero, but for the features. */
export function registerFileOf(platform: AmdViFeatures): RegisterFile {
  const file = new RegisterFile(registersOf(platform));
  resetRegisters(platform, file);
  return file;
}

export function resetRegisters({ profile }: AmdViFeatures, file: RegisterFile): void {
  file.clear();
  file.set(Offset.EFR, profile.extendedFeatures.low);
  file.set(Offset.EFR + 4, profile.extendedFeatures.high);
  file.set(Offset.EFR2, profile.extendedFeatures2.low);
  file.set(Offset.EFR2 + 4, profile.extendedFeatures2.high);
}

const pageRequestRegisters = ({
  automaticPageResponses,
  earlyPageRequestOverflow,
}: AmdViFeatures): Register[] => {
  const registers = [
    mmio("PPRLogBase", Offset.PPRLogBase, bufferBase("PPRLogLen")),
    pointer("PPRHead", Offset.PPRHead, "next page request that software reads"),
    pointer("PPRTail", Offset.PPRTail, "next entry that hardware writes"),
  ];
  if (automaticPageResponses)
    registers.push(
      mmio("PPRAutoRsp", Offset.PPRAutoRsp, [
        ["Code", "3:0", "RW", "response"],
        ["MaskGn", "4", "RW", "answer without PASID"],
      ]),
    );
  if (earlyPageRequestOverflow)
    registers.push(
      mmio("PPROvrflwEarly", Offset.PPROvrflwEarly, [
        ["Threshold", "14:0", "RW", "free entries"],
        ["IntEn", "30", "RW", "interrupt"],
        ["En", "31", "RW", "on"],
      ]),
    );
  return registers;
};

const hardwareErrorRegisters: readonly Register[] = [
  mmio("HwErrUpper", Offset.HwErrUpper, [
    ["Event", "63:0", "RO", "first word of the first hardware error event"],
  ]),
  mmio("HwErrLower", Offset.HwErrLower, [["Event", "63:0", "RO", "second word of it"]]),
  mmio("HwErrStatus", Offset.HwErrStatus, [
    ["HEV", "0", "RW1C", "the registers hold an event"],
    ["HEO", "1", "RW1C", "a further hardware error was lost"],
  ]),
];

const guestApicLogRegisters: readonly Register[] = [
  mmio("GALogBase", Offset.GALogBase, bufferBase("GALogLen")),
  mmio("GALogTailAddr", Offset.GALogTailAddr, [
    ["Address", "51:3", "RW", "where the tail is copied to, in 8 bytes"],
  ]),
  pointer("GAHead", Offset.GAHead, "next entry that software reads", "15:3"),
  pointer("GATail", Offset.GATail, "next entry that hardware writes", "15:3"),
];

/** 0158h to 0168h: a copy of the PCI MSI capability and of the MSI mapping capability. */
const msiCapabilityRegisters: readonly Register[] = [
  mmio("MsiCapHeader", Offset.MsiCap, [["Header", "31:0", "RO", "capability header"]], 32),
  mmio("MsiAddrLow", Offset.MsiCap + 4, [["Address", "31:2", "RW", "message address"]], 32),
  mmio("MsiAddrHigh", Offset.MsiCap + 8, [["Address", "31:0", "RW", "message upper address"]], 32),
  mmio("MsiData", Offset.MsiCap + 12, [["Data", "15:0", "RW", "message data"]], 32),
  mmio("MsiMappingCap", Offset.MsiCap + 16, [["Header", "31:0", "RO", "mapping capability"]], 32),
];

/** 0170h to 0180h: general, page request and guest virtual APIC interrupts of the unit. */
const xtInterruptRegister = (index: number): Register =>
  mmio(`XtIntControl[${index}]`, Offset.XtIntControl + 8 * index, [
    ["DestMode", "2", "RW", "destination mode"],
    ["DestLow", "31:8", "RW", "destination 23:0"],
    ["Vector", "39:32", "RW", "vector"],
    ["DeliveryMode", "40", "RW", "delivery mode"],
    ["DestHigh", "63:56", "RW", "destination 31:24"],
  ]);

/** 0060h on. SmiFLock stays set until reset. */
const smiFilterRegister = (index: number): Register =>
  mmio(`SmiFilter[${index}]`, Offset.SmiFilter + 8 * index, [
    ["SmiDID", "15:0", "RW", "DeviceID whose SMIs pass"],
    ["SmiDV", "16", "RW", "the DeviceID is valid"],
    ["SmiFLock", "17", "RW1S", "locked"],
  ]);

/** 0100h on: segments 1 to 7 of the device table. */
const segmentRegister = (index: number): Register =>
  mmio(`DevTabSegBase[${index + 1}]`, Offset.DevTabSegBase + 8 * index, [
    ["Size", "8:0", "RW", "pages of the segment, minus one"],
    ["Base", "51:12", "RW", "page of the segment"],
  ]);

/** 0200h on: base, relocation and length of one aperture. */
const routingRegisters = (index: number): Register[] => {
  const offset = Offset.MarcBase + 24 * index;
  return [
    mmio(`MarcBase[${index}]`, offset, [["Base", "51:12", "RW", "first page"]]),
    mmio(`MarcReloc[${index}]`, offset + 8, [
      ["En", "0", "RW", "on"],
      ["RO", "1", "RW", "read-only"],
      ["Reloc", "51:12", "RW", "page it is moved to"],
    ]),
    mmio(`MarcLen[${index}]`, offset + 16, [["Len", "51:12", "RW", "length"]]),
  ];
};
