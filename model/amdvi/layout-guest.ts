/** GCR3 tables, guest page tables, interrupt tables and the logs beside the event log (AMD-Vi 2.2.5, 2.2.6, 2.6, 2.7). */
import { type Field, field, ignored, type Layout, layout, readField, reserved } from "../words/layout.js";
import { asAddress, asRequester, saying } from "../words/shown-fields.js";
import { extendedFeatureLayout } from "./capabilities.js";
import type { AmdViFeatures } from "./profile.js";

type AmdViLayout = Layout<AmdViFeatures>;
const NEVER = Number.POSITIVE_INFINITY;

const tablePointer = (bits: string, meaning: string) =>
  saying(field<AmdViFeatures>("Address", bits, meaning), asAddress(Number(bits.split(":")[1])));

/** An entry of the GCR3 table: of its last level one for each PASID, above pointers to tables. */
export const gcr3EntryLayout: AmdViLayout = layout("GCR3 table entry", "2.2.6", 64, [
  field("V", "0", "valid"),
  reserved("11:1"),
  tablePointer("51:12", "GCR3 table of the next level, or first guest page table"),
  reserved("63:52"),
]);

/** No-execute is reserved on units without it. */
const noExecute = field<AmdViFeatures>("NX", "63", "execution is not allowed", (platform) =>
  readField(extendedFeatureLayout, "NXSup", [platform.profile.extendedFeatures]) === 1 ? NEVER : 63,
);

/** What the guest entries of every level share. */
function guestEntry(name: string, fields: Field<AmdViFeatures>[]): AmdViLayout {
  return layout(name, "2.2.6", 64, [
    field("P", "0", "present"),
    field("R/W", "1", "writes are allowed"),
    field("U/S", "2", "user accesses are allowed"),
    field("PWT", "3", "page write-through: memory type"),
    field("PCD", "4", "page cache disable: memory type"),
    field("A", "5", "accessed"),
    ...fields,
    ignored("11:9"),
    ignored("62:52"),
    noExecute,
  ]);
}

const toTable = (bit7: Field<AmdViFeatures>) => [
  ignored<AmdViFeatures>("6"),
  bit7,
  ignored<AmdViFeatures>("8"),
  tablePointer("51:12", "next table"),
];
const toPage = (bit7: Field<AmdViFeatures>, ...address: Field<AmdViFeatures>[]) => [
  field<AmdViFeatures>("D", "6", "dirty"),
  bit7,
  field<AmdViFeatures>("G", "8", "global"),
  ...address,
];
const pageSize = field<AmdViFeatures>("PS", "7", "page size: the entry maps a page");
const noPage = field<AmdViFeatures>("PS", "7", "page size: zero");
const largePage = (low: number) => [
  field<AmdViFeatures>("PAT", "12", "page attribute: memory type"),
  reserved<AmdViFeatures>(`${low - 1}:13`),
  tablePointer(`51:${low}`, "page"),
];

/** Guest page table entries by level, those that point to tables and those that map pages. */
export const guestLayouts: readonly {
  readonly level: number;
  readonly leaf: boolean;
  readonly layout: AmdViLayout;
}[] = [
  { level: 5, leaf: false, layout: guestEntry("guest PML5E", toTable(reserved("7"))) },
  { level: 4, leaf: false, layout: guestEntry("guest PML4E", toTable(reserved("7"))) },
  { level: 3, leaf: false, layout: guestEntry("guest PDPE, table", toTable(noPage)) },
  { level: 3, leaf: true, layout: guestEntry("guest PDPE, 1 GiB page", toPage(pageSize, ...largePage(30))) },
  { level: 2, leaf: false, layout: guestEntry("guest PDE, table", toTable(noPage)) },
  { level: 2, leaf: true, layout: guestEntry("guest PDE, 2 MiB page", toPage(pageSize, ...largePage(21))) },
  {
    level: 1,
    leaf: true,
    layout: guestEntry(
      "guest PTE",
      toPage(field("PAT", "7", "page attribute: memory type"), tablePointer("51:12", "page")),
    ),
  },
];

/** What interrupt table entries of either width begin with. */
const interruptHead = [
  field<AmdViFeatures>("RemapEn", "0", "the entry is valid"),
  field<AmdViFeatures>("SupIOPF", "1", "do not log faults of the entry"),
];
const interruptKind = [
  saying(field<AmdViFeatures>("IntType", "4:2", "interrupt type"), { 0: "fixed", 1: "arbitrated" }),
  field<AmdViFeatures>("RqEoi", "5", "request end of interrupt"),
  saying(field<AmdViFeatures>("DM", "6", "destination mode"), { 0: "physical", 1: "logical" }),
];
const backingPage = saying(
  field<AmdViFeatures>("vAPIC", "115:76", "page of the virtual APIC"),
  asAddress(12),
);

export const interruptEntry32Layout: AmdViLayout = layout("interrupt table entry, 32 bits", "2.2.5", 32, [
  ...interruptHead,
  ...interruptKind,
  reserved("7"),
  field("Destination", "15:8", "APIC id"),
  field("Vector", "23:16", "vector"),
  reserved("31:24"),
]);

/**
 * With GAEn = 1. Choice: bits 31:16 and 127:120 are shown as parts of the destination; without XTEn they are reserved.
 * Bits 63:32 are reserved in figures and used by software for itself; they are not checked.
 */
export const interruptEntry128Layout: AmdViLayout = layout("interrupt table entry, 128 bits", "2.2.5", 128, [
  ...interruptHead,
  ...interruptKind,
  field("GuestMode", "7", "delivered to a guest: zero"),
  field("DestLow", "31:8", "APIC id, lower part"),
  ignored("63:32"),
  field("Vector", "71:64", "vector"),
  reserved("119:72"),
  field("DestHigh", "127:120", "APIC id, upper part"),
]);

export const guestInterruptLayout: AmdViLayout = layout("interrupt table entry, guest mode", "2.2.5", 128, [
  ...interruptHead,
  field("GALogIntr", "2", "log when the guest does not run"),
  reserved("4:3"),
  field("GAPPIDis", "5", "no physical processor interrupt"),
  field("IsRun", "6", "the guest runs"),
  field("GuestMode", "7", "delivered to a guest: one"),
  field("DestLow", "31:8", "APIC id of the processor, lower part"),
  field("GATag", "63:32", "tag for the log"),
  field("Vector", "71:64", "vector of the guest"),
  reserved("75:72"),
  backingPage,
  reserved("119:116"),
  field("DestHigh", "127:120", "APIC id of the processor, upper part"),
]);

const requester = saying(field<AmdViFeatures>("DeviceID", "15:0", "device"), asRequester);

export const pageRequestLayout: AmdViLayout = layout("PPR log entry", "2.6", 128, [
  requester,
  field("PASID15:0", "31:16", "process, with GN = 1"),
  field("Tag", "41:32", "page request group"),
  field("PASID19:16", "45:42", "process, with GN = 1"),
  ignored("48:46"),
  field("X", "49", "execution is wanted"),
  field("R", "50", "reading is wanted"),
  ignored("52:51"),
  field("W", "53", "writing is wanted"),
  field("US", "54", "a user access"),
  field("RZ", "55", "a reserved bit was not zero"),
  field("GN", "56", "a guest address with PASID"),
  ignored("59:57"),
  saying(field<AmdViFeatures>("PPRCode", "63:60", "which entry"), { 1: "PAGE_SERVICE_REQUEST" }),
  ignored("75:64"),
  saying(field<AmdViFeatures>("Address", "127:76", "page"), asAddress(12)),
]);

export const guestApicLogLayout: AmdViLayout = layout("GA log entry", "2.7", 64, [
  field("GATag", "31:0", "tag of the interrupt table entry"),
  saying(field<AmdViFeatures>("DeviceID", "47:32", "device"), asRequester),
  ignored("59:48"),
  saying(field<AmdViFeatures>("GACode", "63:60", "which entry"), { 1: "guest virtual interrupt" }),
]);

export const rmpPageFaultLayout: AmdViLayout = layout("RMP_PAGE_FAULT", "2.5", 128, [
  requester,
  field("FlagsRMP", "23:16", "flags of the reverse map check"),
  ignored("31:24"),
  field("VMGTag", "47:32", "guest"),
  field("Flags", "59:48", "flags"),
  field("EventCode", "63:60", "which event"),
  field("AddressLow", "95:64", "guest-physical address, lower half"),
  field("AddressHigh", "127:96", "guest-physical address, upper half"),
]);

export const rmpHardwareErrorLayout: AmdViLayout = layout("RMP_HARDWARE_ERROR", "2.5", 128, [
  requester,
  ignored("31:16"),
  field("VMGTag", "47:32", "guest"),
  field("Flags", "59:48", "flags"),
  field("EventCode", "63:60", "which event"),
  ignored("66:64"),
  field("AddressLow", "95:67", "system-physical address, in 8 bytes, lower half"),
  field("AddressHigh", "127:96", "system-physical address, upper half"),
]);
