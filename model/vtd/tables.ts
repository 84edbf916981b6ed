/** Memory structures of legacy mode: root, context and second-stage paging entries (VT-d 9.1, 9.3, 9.8). */
import {
  address,
  type Field,
  field,
  ignored,
  ignoredMask,
  type Layout,
  layout,
  reserved,
  reservedMask,
} from "../words/layout.js";
import { saying } from "../words/shown-fields.js";
import type { Platform } from "./profile.js";

type VtdLayout = Layout<Platform>;
const NEVER = Number.POSITIVE_INFINITY;
/** PS of a second-stage entry. */
const PAGE_SIZE_BIT = 0x80;

export const rootEntryLayout: VtdLayout = layout("root entry", "9.1", 128, [
  field("P", "0", "present"),
  reserved("11:1"),
  address("CTP", "63:12", "context-table pointer"),
  reserved("127:64"),
]);

/** Number of pages that one entry of a level maps or reaches. */
export const PAGES_BY_LEVEL = [0, 1, 0x200, 0x40000, 0x8000000, 0x1000000000];

/** Values of the TT field. */
export const TranslationType = {
  untranslatedOnly: 0,
  all: 1,
  passThrough: 2,
} as const;

/** Values of the AW field. */
export const ADDRESS_WIDTHS: Readonly<Record<number, string>> = {
  1: "39 bits, 3 levels",
  2: "48 bits, 4 levels",
  3: "57 bits, 5 levels",
};

export const contextEntryLayout: VtdLayout = layout("context entry", "9.3", 128, [
  field("P", "0", "present"),
  field("FPD", "1", "fault processing disable"),
  saying(field("TT", "3:2", "translation type"), {
    0: "through tables; no requests of Device-TLBs",
    1: "through tables, with requests of Device-TLBs",
    2: "pass-through",
    3: "reserved",
  }),
  reserved("11:4"),
  address("SSPTPTR", "63:12", "second-stage page-table pointer"),
  saying(field("AW", "66:64", "address width"), ADDRESS_WIDTHS),
  ignored("70:67"),
  reserved("71"),
  field("DID", "87:72", "domain id", (platform) => 72 + platform.domainIdBits),
  reserved("127:88"),
]);

/** What the entries of every second-stage level share, apart from bit 7 and the address. */
function secondStageEntry(
  name: string,
  bit7: Field<Platform>,
  snoop: Field<Platform>,
  address_: Field<Platform>[],
): VtdLayout {
  return layout(name, "9.8", 64, [
    field("R", "0", "read"),
    field("W", "1", "write"),
    ignored("6:2"),
    bit7,
    ignored("10:8"),
    snoop,
    ...address_,
    ignored("61:52"),
    reserved("62"),
    ignored("63"),
  ]);
}

const snoopReserved = reserved<Platform>("11");
const snoopOfLeaf = field<Platform>("SNP", "11", "snoop", (platform) => (platform.snoopControl ? NEVER : 11));
const pageSize = (supported: (platform: Platform) => boolean) =>
  field<Platform>("PS", "7", "page size: the entry maps a page", (platform) =>
    supported(platform) ? NEVER : 7,
  );
const tableAddress = [address<Platform>("ADDR", "51:12", "next table, or page")];

/** Second-stage layouts by level: what an entry that points to a table looks like, and one that maps a page. */
export const secondStageLayouts: readonly {
  readonly level: number;
  readonly leaf: boolean;
  readonly layout: VtdLayout;
}[] = [
  { level: 5, leaf: false, layout: secondStageEntry("SS-PML5E", reserved("7"), snoopReserved, tableAddress) },
  { level: 4, leaf: false, layout: secondStageEntry("SS-PML4E", reserved("7"), snoopReserved, tableAddress) },
  {
    level: 3,
    leaf: false,
    layout: secondStageEntry(
      "SS-PDPE, table",
      field("PS", "7", "page size: zero"),
      snoopReserved,
      tableAddress,
    ),
  },
  {
    level: 3,
    leaf: true,
    layout: secondStageEntry(
      "SS-PDPE, 1 GiB page",
      pageSize((p) => p.superpages1G),
      snoopOfLeaf,
      [reserved("29:12"), address("ADDR", "51:30", "page")],
    ),
  },
  {
    level: 2,
    leaf: false,
    layout: secondStageEntry(
      "SS-PDE, table",
      field("PS", "7", "page size: zero"),
      snoopReserved,
      tableAddress,
    ),
  },
  {
    level: 2,
    leaf: true,
    layout: secondStageEntry(
      "SS-PDE, 2 MiB page",
      pageSize((p) => p.superpages2M),
      snoopOfLeaf,
      [reserved("20:12"), address("ADDR", "51:21", "page")],
    ),
  },
  { level: 1, leaf: true, layout: secondStageEntry("SS-PTE", ignored("7"), snoopOfLeaf, tableAddress) },
];

/** The second-stage layout an entry of a level has. @throws RangeError for a level or size that does not exist */
export function secondStageLayout(level: number, leaf: boolean): VtdLayout {
  const found = secondStageLayouts.find((one) => one.level === level && one.leaf === leaf);
  if (!found) throw new RangeError(`no second-stage ${leaf ? "page" : "table"} entry at level ${level}`);
  return found.layout;
}

/** The second-stage layout that an entry of a table of a level has by what it says. */
export function secondStageLayoutOf(level: number, low: number): VtdLayout {
  const leaf = level === 1 || (level <= 3 && (low & PAGE_SIZE_BIT) !== 0);
  return secondStageLayout(level, leaf);
}

/** Reserved bits of every structure on one platform, as 32-bit halves for the walk. */
export interface ReservedBits {
  readonly root: Uint32Array;
  readonly context: Uint32Array;
  /** Low halves by `level * 2 + leaf`. */
  readonly secondStageLow: Uint32Array;
  readonly secondStageHigh: Uint32Array;
}

function halves(of: VtdLayout, platform: Platform): Uint32Array {
  return Uint32Array.from(reservedMask(of, platform).flatMap((word) => [word.low, word.high]));
}

/** The reserved bits as this platform checks them; its quirk of checking ignored bits included. */
export function reservedBitsOf(platform: Platform): ReservedBits {
  const secondStageLow = new Uint32Array(12);
  const secondStageHigh = new Uint32Array(12);
  for (const { level, leaf, layout: entry } of secondStageLayouts) {
    const [mask] = reservedMask(entry, platform);
    const [ignoredBits] = ignoredMask(entry);
    const quirk = platform.profile.ignoredBitsChecked;
    secondStageLow[level * 2 + Number(leaf)] = mask!.low | (quirk ? ignoredBits!.low : 0);
    secondStageHigh[level * 2 + Number(leaf)] = mask!.high | (quirk ? ignoredBits!.high : 0);
  }
  return {
    root: halves(rootEntryLayout, platform),
    context: halves(contextEntryLayout, platform),
    secondStageLow,
    secondStageHigh,
  };
}
