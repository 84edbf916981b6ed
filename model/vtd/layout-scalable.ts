/** Memory structures of scalable mode (VT-d 9.2, 9.4, 9.5, 9.6, 9.7): layouts, and the rules of what is in them. */
import { address, field, ignored, type Layout, layout, readField, reserved } from "../words/layout.js";
import { asPowerOfTwo, saying } from "../words/shown-fields.js";
import { capabilityLayout, extendedCapabilityLayout } from "./capabilities.js";
import type { Platform } from "./profile.js";
import { ADDRESS_WIDTHS } from "./tables.js";

type VtdLayout = Layout<Platform>;

/** True when a field of the extended capability register is 1. */
export function extendedCapability(name: string): (platform: Platform) => boolean {
  return ({ profile }) => readField(extendedCapabilityLayout, name, [profile.extendedCapability]) === 1;
}

/** True when a field of the capability register is 1. */
export function capability(name: string): (platform: Platform) => boolean {
  return ({ profile }) => readField(capabilityLayout, name, [profile.capability]) === 1;
}

/** A field that is reserved on platforms without what it belongs to. */
function fieldWith(supported: (platform: Platform) => boolean, name: string, bits: string, meaning: string) {
  return field<Platform>(name, bits, meaning, (platform) =>
    supported(platform) ? Number.POSITIVE_INFINITY : 0,
  );
}

const withExtended = (cap: string, name: string, bits: string, meaning: string) =>
  fieldWith(extendedCapability(cap), name, bits, meaning);

export const scalableRootLayout: VtdLayout = layout("scalable-mode root entry", "9.2", 128, [
  field("LP", "0", "lower half present: devices 0 to 15"),
  reserved("11:1"),
  address("LCTP", "63:12", "lower context-table pointer"),
  field("UP", "64", "upper half present: devices 16 to 31"),
  reserved("75:65"),
  address("UCTP", "127:76", "upper context-table pointer"),
]);

export const scalableContextLayout: VtdLayout = layout("scalable-mode context entry", "9.4", 256, [
  field("P", "0", "present"),
  field("FPD", "1", "fault processing disable"),
  withExtended("DT", "DTE", "2", "Device-TLB enable"),
  withExtended("PASID", "PASIDE", "3", "PASID enable"),
  withExtended("PRS", "PRE", "4", "page-request enable"),
  withExtended("HPTS", "HPTE", "5", "host permission table enable"),
  withExtended("PTRS", "EPTR", "6", "PASIDs in translated requests"),
  reserved("8:7"),
  saying(field<Platform>("PDTS", "11:9", "PASID directory size"), asPowerOfTwo("entries", 7)),
  address("PASIDDIRPTR", "63:12", "PASID directory pointer"),
  withExtended("RPS", "RID_PASID", "83:64", "PASID of requests without one"),
  withExtended("RPRIVS", "RID_PRIV", "84", "requests without PASID are privileged"),
  reserved("255:85"),
]);

export const pasidDirectoryLayout: VtdLayout = layout("PASID directory entry", "9.5", 64, [
  field("P", "0", "present"),
  field("FPD", "1", "fault processing disable"),
  reserved("11:2"),
  address("SMPTBLPTR", "63:12", "PASID table pointer"),
]);

/** Values of PGTT. */
export const PasidTranslation = { firstStage: 1, secondStage: 2, nested: 3, passThrough: 4 } as const;

const MEMORY_TYPES: Readonly<Record<number, string>> = {
  0: "UC",
  1: "WC",
  4: "WT",
  5: "WP",
  6: "WB",
  7: "UC-",
};

/** The page attribute table: eight slots of four bits. */
const pageAttributes = Array.from({ length: 8 }, (_, slot) =>
  saying(
    withExtended("MTS", `PA${slot}`, `${99 + 4 * slot}:${96 + 4 * slot}`, `page attribute ${slot}`),
    MEMORY_TYPES,
  ),
);

const withSecondStage = (name: string, bits: string, meaning: string) =>
  withExtended("SSTS", name, bits, meaning);

/** An address that is reserved on platforms without what it belongs to. */
const addressWith = (cap: string, name: string, bits: string, meaning: string) => ({
  ...withExtended(cap, name, bits, meaning),
  kind: "address" as const,
});

/** 9.6. Fields that the translation type does not use are ignored, unless they are reserved. */
export const pasidEntryLayout: VtdLayout = layout("PASID table entry", "9.6", 512, [
  field("P", "0", "present"),
  field("FPD", "1", "fault processing disable"),
  saying(withSecondStage("AW", "4:2", "address width of the second stage"), ADDRESS_WIDTHS),
  reserved("5"),
  saying(field<Platform>("PGTT", "8:6", "translation type"), {
    [PasidTranslation.firstStage]: "first stage only",
    [PasidTranslation.secondStage]: "second stage only",
    [PasidTranslation.nested]: "nested",
    [PasidTranslation.passThrough]: "pass-through",
  }),
  fieldWith(
    (platform) => extendedCapability("SSTS")(platform) && extendedCapability("SSADS")(platform),
    "SSADE",
    "9",
    "second-stage accessed and dirty flags",
  ),
  reserved("11:10"),
  addressWith("SSTS", "SSPTPTR", "63:12", "second-stage page-table pointer"),
  field("DID", "79:64", "domain id", (platform) => 64 + platform.domainIdBits),
  reserved("86:80"),
  withExtended("SMPWCS", "PWSNP", "87", "walks snoop"),
  withExtended("SC", "PGSNP", "88", "pages are snooped"),
  withExtended("MTS", "CD", "89", "cache disable"),
  withExtended("MTS", "EMTE", "90", "extended memory type enable"),
  reserved("95:91"),
  ...pageAttributes,
  withExtended("SRS", "SRE", "128", "supervisor requests enable"),
  reserved("129"),
  saying(withExtended("FSTS", "FSPM", "131:130", "first-stage paging mode"), {
    0: "4 levels",
    1: "5 levels",
  }),
  withExtended("FSTS", "WPE", "132", "write protect enable"),
  ignored("134:133"),
  withExtended("EAFS", "EAFE", "135", "extended accessed flag enable"),
  reserved("139:136"),
  addressWith("FSTS", "FSPTPTR", "191:140", "first-stage page-table pointer"),
  reserved("255:192"),
  saying(withExtended("HPTS", "HPTSZ", "257:256", "host permission table size"), asPowerOfTwo("pages")),
  withExtended("HPTS", "HPTPFD", "258", "host permission table prefetch disable"),
  reserved("267:259"),
  addressWith("HPTS", "HPTPTR", "319:268", "host permission table pointer"),
  withExtended("HPTS", "HPTDID", "335:320", "domain id of the host permission table"),
  reserved("511:336"),
]);

const memoryType = [
  field<Platform>("PWT", "3", "page write-through: memory type"),
  field<Platform>("PCD", "4", "page cache disable: memory type"),
];

/** What the first-stage entries of every level share, apart from bits 3, 4, 6 to 8 and the address. */
function firstStageEntry(name: string, fields: Layout<Platform>["fields"][number][]): VtdLayout {
  return layout(name, "9.7", 64, [
    field("P", "0", "present"),
    field("R/W", "1", "writes are allowed"),
    field("U/S", "2", "user requests are allowed"),
    field("A", "5", "accessed"),
    ignored("9"),
    field("EA", "10", "extended accessed, with EAFE = 1"),
    ignored("11"),
    ...fields,
    ignored("62:52"),
    ignored("63"),
  ]);
}

const tableFields = (bit7: Layout<Platform>["fields"][number]) => [
  ignored<Platform>("4:3"),
  ignored<Platform>("6"),
  bit7,
  ignored<Platform>("8"),
  address<Platform>("ADDR", "51:12", "next table"),
];

const pageFields = (bit7: Layout<Platform>["fields"][number]) => [
  ...memoryType,
  field<Platform>("D", "6", "dirty"),
  bit7,
  ignored<Platform>("8"),
];

const largePage = (low: number) => [
  field<Platform>("PAT", "12", "page attribute: memory type"),
  reserved<Platform>(`${low - 1}:13`),
  address<Platform>("ADDR", `51:${low}`, "page"),
];

const pointsToTable = field<Platform>("PS", "7", "page size: zero");

/** First-stage layouts by level: what an entry that points to a table looks like, and one that maps a page. */
export const firstStageLayouts: readonly {
  readonly level: number;
  readonly leaf: boolean;
  readonly layout: VtdLayout;
}[] = [
  { level: 5, leaf: false, layout: firstStageEntry("FS-PML5E", tableFields(reserved("7"))) },
  { level: 4, leaf: false, layout: firstStageEntry("FS-PML4E", tableFields(reserved("7"))) },
  { level: 3, leaf: false, layout: firstStageEntry("FS-PDPE, table", tableFields(pointsToTable)) },
  {
    level: 3,
    leaf: true,
    layout: firstStageEntry("FS-PDPE, 1 GiB page", [
      ...pageFields(fieldWith(capability("FS1GP"), "PS", "7", "page size: the entry maps a page")),
      ...largePage(30),
    ]),
  },
  { level: 2, leaf: false, layout: firstStageEntry("FS-PDE, table", tableFields(pointsToTable)) },
  {
    level: 2,
    leaf: true,
    layout: firstStageEntry("FS-PDE, 2 MiB page", [
      ...pageFields(field("PS", "7", "page size: the entry maps a page")),
      ...largePage(21),
    ]),
  },
  {
    level: 1,
    leaf: true,
    layout: firstStageEntry("FS-PTE", [
      ...pageFields(field("PAT", "7", "page attribute: memory type")),
      address("ADDR", "51:12", "page"),
    ]),
  },
];
