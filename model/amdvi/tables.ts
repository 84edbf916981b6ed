/** The device table entry and the entries of host page tables: layouts (AMD-Vi 2.2.2, 2.2.3) and their reserved bits. */
import { encode, field, ignored, type Layout, layout, reserved, reservedMask } from "../words/layout.js";
import { asAddress, asPowerOfTwo, saying } from "../words/shown-fields.js";
import type { AmdViFeatures } from "./profile.js";

type AmdViLayout = Layout<AmdViFeatures>;

const NEVER = Number.POSITIVE_INFINITY;

/** A field whose bits are reserved on platforms without the feature it belongs to. */
function featureField(
  name: string,
  bits: string,
  meaning: string,
  supported: (platform: AmdViFeatures) => boolean,
) {
  return field<AmdViFeatures>(name, bits, meaning, (platform) => (supported(platform) ? NEVER : 0));
}

const withGuestTranslation = (platform: AmdViFeatures) => platform.guestTranslation;

/**
 * 2.2.2: what a device's requests are translated and its interrupts are remapped by. Choice: bits 6:2 are reserved, as in
 * every revision before the one that puts CXL memory attributes there; address bits beyond the physical address width are
 * no reserved bits: what they lead to is not memory.
 */
export const deviceTableEntryLayout: AmdViLayout = layout("DTE", "2.2.2", 256, [
  field("V", "0", "bits 127:1 are valid"),
  field("TV", "1", "the page translation fields are valid"),
  reserved("6:2"),
  saying(field("HAD", "8:7", "host accessed and dirty updates"), {
    0: "none",
    1: "accessed",
    2: "illegal",
    3: "both",
  }),
  field("Mode", "11:9", "levels of the host page tables; 0 none"),
  saying(field("HostPTRoot", "51:12", "page of the first host page table"), asAddress(12)),
  featureField("PPR", "52", "page requests are logged", (p) => p.enhancedPageRequests),
  featureField("GPRP", "53", "page responses carry PASIDs", (p) => p.enhancedPageRequests),
  featureField("GIoV", "54", "requests without PASID have PASID 0", (p) => p.guestTranslationWithoutPasid),
  featureField("GV", "55", "guest translation is valid", withGuestTranslation),
  featureField("GLX", "57:56", "levels of the GCR3 table, minus one", withGuestTranslation),
  featureField("GCR3TRP14:12", "60:58", "GCR3 table pointer", withGuestTranslation),
  field("IR", "61", "reads are allowed"),
  field("IW", "62", "writes are allowed"),
  reserved("63"),
  field("DomainID", "79:64", "tag of what is cached for the device"),
  featureField("GCR3TRP30:15", "95:80", "GCR3 table pointer", withGuestTranslation),
  field("I", "96", "the device may have a TLB of its own"),
  field("SE", "97", "log one I/O page fault only"),
  field("SA", "98", "log no I/O page fault"),
  saying(field("IoCtl", "100:99", "port I/O"), { 0: "abort", 1: "forward", 2: "translate", 3: "illegal" }),
  field("Cache", "101", "hint for ATS"),
  field("SD", "102", "table walks do not snoop"),
  field("EX", "103", "the exclusion range holds for the device"),
  saying(field("SysMgt", "105:104", "system management"), {
    0: "abort",
    1: "forward",
    2: "forward INTx",
    3: "translate",
  }),
  featureField("SATS", "106", "secure ATS", (p) => p.secureAts),
  featureField("GCR3TRP51:31", "127:107", "GCR3 table pointer", withGuestTranslation),
  field("IV", "128", "bits 255:129 are valid"),
  saying(field("IntTabLen", "132:129", "length of the interrupt table"), asPowerOfTwo("entries")),
  field("IG", "133", "do not log unmapped interrupts"),
  saying(field("IntTabRoot", "179:134", "interrupt table, in 64 bytes"), asAddress(6)),
  reserved("181:180"),
  field("GuestPagingMode", "183:182", "guest tables of 4 + GuestPagingMode levels"),
  field("InitPass", "184", "INIT passes"),
  field("EIntPass", "185", "ExtInt passes"),
  field("NMIPass", "186", "NMI passes"),
  ignored("187"),
  saying(field("IntCtl", "189:188", "fixed and arbitrated interrupts"), {
    0: "abort",
    1: "forward",
    2: "remap",
    3: "illegal",
  }),
  field("Lint0Pass", "190", "LINT0 passes"),
  field("Lint1Pass", "191", "LINT1 passes"),
  reserved("206:192"),
  featureField("vImuEn", "207", "the device has a virtual IOMMU", (p) => p.virtualIommu),
  featureField("GDeviceID", "223:208", "DeviceID that the guest knows", (p) => p.virtualIommu),
  featureField("GuestID", "239:224", "guest of the virtual IOMMU", (p) => p.virtualIommu),
  reserved("244:240"),
  ignored("245"),
  featureField("AttrV", "246", "the attribute fields are valid", (p) => p.attributeForwarding),
  featureField("Mode0FC", "247", "force coherent with Mode 0", (p) => p.attributeForwarding),
  featureField("SnoopAttribute", "255:248", "of ATS completions", (p) => p.attributeForwarding),
]);

/** 2.2.3: NextLevel of a leaf of the level's own size, and of one with the size in its address bits. */
export const NextLevel = { leaf: 0, sizeCoded: 7 } as const;

const entryFields = [
  field<AmdViFeatures>("PR", "0", "present"),
  field<AmdViFeatures>("NextLevel", "11:9", "level of the table pointed to; 0 or 7: this entry maps pages"),
  field<AmdViFeatures>("IR", "61", "reads are allowed"),
  field<AmdViFeatures>("IW", "62", "writes are allowed"),
  ignored<AmdViFeatures>("63"),
];

/** 2.2.3: an entry that points to a table of a lower level. */
export const pdeLayout: AmdViLayout = layout("PDE", "2.2.3", 64, [
  ...entryFields,
  ignored("4:1"),
  field("A", "5", "accessed"),
  ignored("8:6"),
  saying(field("Address", "51:12", "page of the next table"), asAddress(12)),
  reserved("60:52"),
]);

/** 2.2.3: an entry that maps a page, or a power of two of them. */
export const pteLayout: AmdViLayout = layout("PTE", "2.2.3", 64, [
  ...entryFields,
  ignored("4:1"),
  field("A", "5", "accessed"),
  field("D", "6", "dirty"),
  ignored("8:7"),
  saying(field("Address", "51:12", "page; with NextLevel 7 its low bits code the size"), asAddress(12)),
  reserved("56:52"),
  featureField("PMC", "58:57", "page migration", (p) => p.pageMigration),
  field("U", "59", "ATS: untranslated accesses only"),
  field("FC", "60", "force coherent"),
]);

/** The layout of a host page table entry of that kind. */
export function pageTableEntryLayout(kind: "pde" | "pte"): AmdViLayout {
  return kind === "pde" ? pdeLayout : pteLayout;
}

/** The layout that a host page table entry has by what it says. */
export function pageTableEntryLayoutOf(low: number): AmdViLayout {
  const next = (low >>> 9) & 7;
  return next === NextLevel.leaf || next === NextLevel.sizeCoded ? pteLayout : pdeLayout;
}

/** First word of a device table entry that lets nothing through: V = 1, TV = 0. */
export const BLOCKING_ENTRY = encode(deviceTableEntryLayout, { V: 1 })[0]!;

/** 64-bit words of a device table entry; entries in a page of the device table. */
export const DEVICE_TABLE_ENTRY_WORDS = 4;
export const DEVICE_TABLE_ENTRIES_PER_PAGE = 128;

/** Page of the device table, counted from its first, with the entry of a DeviceID, and the entry's first word there. */
export function deviceTableEntryAt(deviceId: number): { page: number; word: number } {
  return {
    page: Math.floor(deviceId / DEVICE_TABLE_ENTRIES_PER_PAGE),
    word: (deviceId % DEVICE_TABLE_ENTRIES_PER_PAGE) * DEVICE_TABLE_ENTRY_WORDS,
  };
}

/** Pages that an entry with NextLevel 0 at this level maps: worked out once, as every walk asks. */
const DEFAULT_PAGES = Float64Array.from({ length: 8 }, (_, level) => 512 ** (level - 1));

/** Pages that an entry with NextLevel 0 at this level maps. */
export function defaultPages(level: number): number {
  return DEFAULT_PAGES[level]!;
}

/** As many as bitwise operators tell apart without the sign. */
const LOWEST_BITS = 0x7fffffff;

/**
 * Pages that an address field stands for whose lowest zero bit codes the size (2.2.3 NextLevel 7; 2.4.3 S = 1): twice as
 * many for every one bit below it, two when the lowest bit is zero.
 */
export function codedPages(address: number): number {
  const zeros = ~address & LOWEST_BITS;
  if (zeros !== 0) return (zeros & -zeros) * 2;
  return 2 ** 31 * codedPages(Math.floor(address / 2 ** 31));
}

/**
 * Address field of a size-coded leaf, or of a size-coded range, for `pages` pages from `page`.
 * @param page first page, a multiple of `pages`
 * @param pages a power of two, at least 2
 */
export function largePageAddress(page: number, pages: number): number {
  return page + pages / 2 - 1;
}

/** Reserved bits of every structure on one platform, as 32-bit halves for the walk. */
export interface ReservedBits {
  /** Eight halves; the first four decide DMA, the others interrupts. */
  readonly device: Uint32Array;
  /** Low and high half. */
  readonly pde: Uint32Array;
  readonly pte: Uint32Array;
}

/** The reserved bits as this platform checks them. */
export function reservedBitsOf(platform: AmdViFeatures): ReservedBits {
  const halves = (of: AmdViLayout) =>
    Uint32Array.from(reservedMask(of, platform).flatMap((word) => [word.low, word.high]));
  return { device: halves(deviceTableEntryLayout), pde: halves(pdeLayout), pte: halves(pteLayout) };
}
