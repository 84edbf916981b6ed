/** What an IVRS is made of (AMD-Vi 5.2): IVHD and IVMD blocks, and the device entries of an IVHD. */
import { bits, length, number, reserved, reservedBits, text, wide } from "../../acpi/fields.js";
import { hexBytes } from "../../acpi/show.js";
import { declare, type Family, type StructureOf } from "../../acpi/structure.js";
import { headerFields } from "../../acpi/table.js";
import { showRequester } from "../../words/address.js";

const hex = (value: number) => `0x${value.toString(16)}`;
const kind = () => number("type", 0, 1, "type", hex);
const deviceId = (offset: number, meaning: string) => number("deviceId", offset, 2, meaning, showRequester);

/** The byte of a device entry that goes into the device table entry, fields by fields of the same name. */
const DTE_SETTING = [
  bits("initPass", 3, "0", "INIT interrupts pass"),
  bits("eIntPass", 3, "1", "ExtInt interrupts pass"),
  bits("nmiPass", 3, "2", "NMIs pass"),
  reservedBits(3, "3"),
  bits("sysMgt", 3, "5:4", "system management messages"),
  bits("lint0Pass", 3, "6", "LINT0 interrupts pass"),
  bits("lint1Pass", 3, "7", "LINT1 interrupts pass"),
] as const;

/** The part of a device entry with which nothing special passes. */
export const NO_DTE_SETTING = {
  initPass: 0,
  eIntPass: 0,
  nmiPass: 0,
  sysMgt: 0,
  lint0Pass: 0,
  lint1Pass: 0,
} as const;

export const pad4Layout = declare("pad, 4 bytes", "AMD-Vi 5.2.2.1", [0], [kind(), reserved(1, 3)]);

export const allLayout = declare("all", "AMD-Vi 5.2.2.1", [1], [kind(), reserved(1, 2), ...DTE_SETTING]);

export const selectLayout = declare(
  "select",
  "AMD-Vi 5.2.2.1",
  [2],
  [kind(), deviceId(1, "the device"), ...DTE_SETTING],
);

export const startLayout = declare(
  "start of range",
  "AMD-Vi 5.2.2.1",
  [3],
  [kind(), deviceId(1, "first device of the range"), ...DTE_SETTING],
);

export const endLayout = declare(
  "end of range",
  "AMD-Vi 5.2.2.1",
  [4],
  [kind(), deviceId(1, "last device of the range"), reserved(3, 1)],
);

export const pad8Layout = declare("pad, 8 bytes", "AMD-Vi 5.2.2.1", [64], [kind(), reserved(1, 7)]);

const ALIAS = [
  ...DTE_SETTING,
  reserved(4, 1),
  number("alias", 5, 2, "the DeviceID that requests carry", showRequester),
  reserved(7, 1),
] as const;

export const aliasSelectLayout = declare(
  "alias select",
  "AMD-Vi 5.2.2.1",
  [66],
  [kind(), deviceId(1, "the device"), ...ALIAS],
);

export const aliasStartLayout = declare(
  "alias start of range",
  "AMD-Vi 5.2.2.1",
  [67],
  [kind(), deviceId(1, "first device of the range"), ...ALIAS],
);

const EXTENDED = [
  ...DTE_SETTING,
  reservedBits(4, "30:0"),
  bits("atsDisabled", 4, "31", "requests for translation are not allowed"),
] as const;

export const extendedSelectLayout = declare(
  "extended select",
  "AMD-Vi 5.2.2.1",
  [70],
  [kind(), deviceId(1, "the device"), ...EXTENDED],
);

export const extendedStartLayout = declare(
  "extended start of range",
  "AMD-Vi 5.2.2.1",
  [71],
  [kind(), deviceId(1, "first device of the range"), ...EXTENDED],
);

/** Values of the variety of a special device. */
export const Variety = { ioApic: 1, hpet: 2 } as const;

export const specialLayout = declare(
  "special device",
  "AMD-Vi 5.2.2.1",
  [72],
  [
    kind(),
    reserved(1, 2),
    ...DTE_SETTING,
    number("handle", 4, 1, "APIC id of an I/O APIC, number of an HPET"),
    deviceId(5, "the DeviceID that its requests carry"),
    number("variety", 7, 1, "1 I/O APIC, 2 HPET"),
  ],
);

const HID_BYTES = 22;
/** Values of the format of a unique id. */
export const UidFormat = { none: 0, integer: 1, string: 2 } as const;

export const hidLayout = declare(
  "ACPI device",
  "AMD-Vi 5.2.2.1",
  [240],
  [
    kind(),
    deviceId(1, "the DeviceID that its requests carry"),
    ...DTE_SETTING,
    text("hid", 4, 8, "hardware id"),
    text("cid", 12, 8, "compatible id"),
    number("uidFormat", 20, 1, "format of the unique id: 0 none, 1 integer, 2 string"),
    number("uidLength", 21, 1, "bytes in the unique id"),
  ],
  {
    tail: { name: "uid", show: hexBytes },
  },
);

/** Beginning of any device entry. */
export const entryHeadLayout = declare(
  "device entry of unknown type",
  "AMD-Vi 5.2.2.1",
  [],
  [kind(), number("content", 1, 3, "not known", hex)],
  { tail: { name: "more", show: hexBytes } },
);

/**
 * Bytes in a device entry: bits 7:6 of its type tell.
 * Choice: as in the first revisions of the specification, also for types from 80h on. Of these only F0h is defined, and
 * says its length itself.
 */
function entryLength(type: number, bytes: Uint8Array, at: number, room: number): number | null {
  if (type !== hidLayout.types[0]) return 4 << (type >>> 6);
  return room < HID_BYTES ? null : HID_BYTES + bytes[at + HID_BYTES - 1]!;
}

export const deviceEntries: Family = {
  name: "device entry",
  head: entryHeadLayout,
  layouts: [
    pad4Layout,
    allLayout,
    selectLayout,
    startLayout,
    endLayout,
    pad8Layout,
    aliasSelectLayout,
    aliasStartLayout,
    extendedSelectLayout,
    extendedStartLayout,
    specialLayout,
    hidLayout,
  ],
  lengthOf: entryLength,
};

/** What IVHD blocks of every type have. */
const IVHD = [
  kind(),
  bits("htTunEn", 1, "0", "HyperTransport tunnel translation"),
  bits("passPW", 1, "1", "posted writes pass"),
  bits("resPassPW", 1, "2", "responses pass posted writes"),
  bits("isoc", 1, "3", "isochronous table reads"),
  bits("iotlbSup", 1, "4", "remote IOTLBs are supported: devices may use ATS"),
  bits("coherent", 1, "5", "table reads snoop caches"),
  // Choice: from type 11h on reserved, yet firmware sets them there as in type 10h; what they say is checked with the EFR.
  bits("preFSup", 1, "6", "PREFETCH_IOMMU_PAGES"),
  bits("pprSup", 1, "7", "peripheral page requests"),
  length(2, 2),
  deviceId(4, "the unit as a PCI function"),
  number("capabilityOffset", 6, 2, "of its capability in configuration space", hex),
  wide("base", 8, "address of its registers"),
  number("segment", 16, 2, "PCI segment"),
  bits("msiNumber", 18, "4:0", "MSI message number of events"),
  reservedBits(18, "7:5"),
  bits("unitId", 18, "12:8", "HyperTransport UnitID"),
  reservedBits(18, "15:13"),
] as const;

export const ivhd10Layout = declare(
  "IVHD 10h",
  "AMD-Vi 5.2.2.1",
  [0x10],
  [
    ...IVHD,
    bits("xtSup", 20, "0", "x2APIC destinations"),
    bits("nxSup", 20, "1", "no-execute in guest tables"),
    bits("gtSup", 20, "2", "guest translation"),
    bits("glxSup", 20, "4:3", "GCR3 table levels"),
    bits("iaSup", 20, "5", "INVALIDATE_IOMMU_ALL"),
    bits("gaSup", 20, "6", "guest virtual APIC"),
    bits("heSup", 20, "7", "hardware error registers"),
    bits("pasMax", 20, "12:8", "PASIDs have pasMax + 1 bits"),
    bits("pnCounters", 20, "16:13", "performance counters for each bank"),
    bits("pnBanks", 20, "22:17", "banks of performance counters"),
    bits("msiNumPPR", 20, "27:23", "MSI message number of page requests"),
    bits("gats", 20, "29:28", "guest table levels"),
    bits("hats", 20, "31:30", "host table levels"),
  ],
  { parts: deviceEntries },
);

const IVHD_WITH_EFR = [
  ...IVHD,
  bits("hatDis", 20, "0", "host translation is disabled"),
  reservedBits(20, "12:1"),
  bits("pnCounters", 20, "16:13", "performance counters for each bank"),
  bits("pnBanks", 20, "22:17", "banks of performance counters"),
  bits("msiNumPPR", 20, "27:23", "MSI message number of page requests"),
  reservedBits(20, "31:28"),
  wide("efr", 24, "extended feature register"),
  wide("efr2", 32, "extended feature register 2"),
] as const;

export const ivhd11Layout = declare("IVHD 11h", "AMD-Vi 5.2.2.1", [0x11], IVHD_WITH_EFR, {
  parts: deviceEntries,
});

export const ivhd40Layout = declare("IVHD 40h", "AMD-Vi 5.2.2.1", [0x40], IVHD_WITH_EFR, {
  parts: deviceEntries,
});

/** Types of IVMD: which devices one is for. */
export const IvmdType = { all: 0x20, one: 0x21, range: 0x22 } as const;

export const ivmdLayout = declare(
  "IVMD",
  "AMD-Vi 5.2.2.2",
  [IvmdType.all, IvmdType.one, IvmdType.range],
  [
    kind(),
    bits("unity", 1, "0", "to be mapped to itself"),
    bits("ir", 1, "1", "devices read"),
    bits("iw", 1, "2", "devices write"),
    bits("exclusion", 1, "3", "to be excluded from translation"),
    reservedBits(1, "7:4"),
    length(2, 2),
    deviceId(4, "the device, or the first of the range"),
    number("lastDeviceId", 6, 2, "the last device of the range", showRequester),
    // Choice: reserved in early revisions, where it is zero and so says the same.
    number("segment", 8, 2, "PCI segment"),
    reserved(10, 6),
    wide("start", 16, "address of the memory"),
    wide("bytes", 24, "bytes of memory"),
  ],
);

/** Beginning of any block. */
export const blockHeadLayout = declare(
  "block of unknown type",
  "AMD-Vi 5.2.2",
  [],
  [kind(), number("flags", 1, 1, "flags", hex), length(2, 2)],
  { tail: { name: "more", show: hexBytes } },
);

export const blocks: Family = {
  name: "block",
  head: blockHeadLayout,
  layouts: [ivhd10Layout, ivhd11Layout, ivhd40Layout, ivmdLayout],
};

export const ivrsLayout = declare(
  "IVRS",
  "AMD-Vi 5.2.2",
  [],
  [
    ...headerFields,
    bits("efrSup", 36, "0", "features of IVHDs are valid"),
    bits("dmaRemap", 36, "1", "before hand-over devices are kept to their memory"),
    reservedBits(36, "4:2"),
    bits("gvaSize", 36, "7:5", "guest virtual addresses: 2 for 48 bits"),
    bits("paSize", 36, "14:8", "bits of physical addresses"),
    bits("vaSize", 36, "21:15", "bits of virtual addresses"),
    bits("htAtsResv", 36, "22", "the HyperTransport range is not for ATS"),
    reservedBits(36, "31:23"),
    reserved(40, 8),
  ],
  { parts: blocks },
);

export type Ivrs = StructureOf<typeof ivrsLayout>;
export type IvhdWithFeatures = StructureOf<typeof ivhd10Layout>;
export type IvhdWithEfr = StructureOf<typeof ivhd11Layout> | StructureOf<typeof ivhd40Layout>;
export type Ivhd = IvhdWithFeatures | IvhdWithEfr;
export type Ivmd = StructureOf<typeof ivmdLayout>;
