/** The platforms the suite knows. `source` says where the register values come from. */
import type { Word } from "../trace.js";
import type { PlatformProfile } from "./profile.js";

/** 512 MiB, enough for every address a scenario uses. */
const MEMORY_PAGES = 0x20000;

/** Where the registers of machines were read from: lines `dmar0: reg_base_addr … ver … cap … ecap …` with the host address width. */
const LOGS = "kernel logs in public bug reports and mailing lists";

function word(hex: string): Word {
  const value = BigInt(`0x${hex}`);
  return { low: Number(value & 0xffffffffn), high: Number(value >> 32n) };
}

function profile(
  id: string,
  description: string,
  source: string,
  version: string,
  cap: string,
  ecap: string,
  hostAddressWidth: number,
  habits: Partial<PlatformProfile> = {},
): PlatformProfile {
  const [major, minor] = version.split(":").map(Number);
  return {
    architecture: "vtd",
    id,
    description,
    source,
    version: { major: major!, minor: minor! },
    capability: word(cap),
    extendedCapability: word(ecap),
    hostAddressWidth,
    iotlbLookup: "either",
    ignoredBitsChecked: false,
    memoryPages: MEMORY_PAGES,
    ...habits,
  };
}

export const profiles: readonly PlatformProfile[] = [
  profile(
    "qemu-39",
    "QEMU intel-iommu, aw-bits=39",
    "QEMU 7.2.22 registers",
    "1:0",
    "d2008c22260206",
    "f00f4a",
    39,
  ),
  profile(
    "qemu-48",
    "QEMU intel-iommu, aw-bits=48",
    "QEMU 7.2.22 registers",
    "1:0",
    "d2008c222f0606",
    "f00f4a",
    48,
  ),
  profile(
    "qemu-48-caching-mode",
    "QEMU intel-iommu, aw-bits=48, caching-mode=on",
    "QEMU 7.2.22 registers",
    "1:0",
    "d2008c222f0686",
    "f00f4a",
    48,
  ),
  profile(
    "qemu-39-esrtps",
    "QEMU intel-iommu from 10.1 on, aw-bits=39",
    "QEMU 11.1.2 registers",
    "1:0",
    "80d2008c22260206",
    "f00f4a",
    39,
  ),
  profile(
    "qemu-48-esrtps",
    "QEMU intel-iommu from 10.1 on, aw-bits=48",
    "QEMU 11.1.2 registers",
    "1:0",
    "80d2008c222f0606",
    "f00f4a",
    48,
  ),
  profile(
    "qemu-48-caching-mode-esrtps",
    "QEMU intel-iommu from 10.1 on, aw-bits=48, caching-mode=on",
    "QEMU 11.1.2 registers",
    "1:0",
    "80d2008c222f0686",
    "f00f4a",
    48,
  ),
  profile(
    "gm45",
    "Mobile 4 series: register invalidation only, write buffers to be flushed",
    LOGS,
    "1:0",
    "c9008020e30272",
    "1000",
    36,
  ),
  profile(
    "ivy-bridge",
    "Ivy Bridge client, main unit: 39 bit, 4 KiB pages only, ignored bits checked",
    "kernel logs in public bug reports; ignored bits: field report of the Muen separation kernel",
    "1:0",
    "c9008020660262",
    "f0105a",
    39,
    { ignoredBitsChecked: true },
  ),
  profile(
    "skylake-sp",
    "Skylake/Cascade Lake server: 48 bit, eight fault records, both invalidation interfaces",
    LOGS,
    "1:0",
    "8d2078c106f0466",
    "f020df",
    46,
    { protectsTranslated: true },
  ),
  profile(
    "sapphire-rapids",
    "Sapphire Rapids server: 57 bit, queued invalidation only",
    LOGS,
    "6:0",
    "19ed008c40780c66",
    "3ee9e86f050df",
    52,
    { iotlbLookup: "source-id" },
  ),
  profile(
    "x58",
    "X58 desktop: 48 bit only, 4 KiB pages only, no interrupt remapping",
    LOGS,
    "1:0",
    "c90780106f0462",
    "f020e2",
    36,
  ),
  profile(
    "westmere-ep",
    "Nehalem and Westmere server: as x58, with Device-TLBs and interrupt remapping",
    LOGS,
    "1:0",
    "c90780106f0462",
    "f020fe",
    40,
  ),
  profile(
    "sandy-bridge-graphics",
    "Sandy and Ivy Bridge client, unit of the graphics: no page-selective invalidation, no pass-through",
    LOGS,
    "1:0",
    "c0000020e60262",
    "f0101a",
    36,
  ),
  profile(
    "sandy-bridge-ep",
    "Sandy Bridge server: superpages, walks that do not snoop",
    LOGS,
    "1:0",
    "d2078c106f0466",
    "f020de",
    46,
  ),
  profile(
    "haswell",
    "Haswell client, main unit: four levels for 39 bits, superpages",
    LOGS,
    "1:0",
    "d2008c20660462",
    "f010da",
    39,
  ),
  profile(
    "haswell-graphics",
    "Haswell client, unit of the graphics: four levels for 39 bits, no page-selective invalidation",
    LOGS,
    "1:0",
    "c0000020660462",
    "f0101a",
    39,
  ),
  profile(
    "broadwell-ep-audio",
    "Haswell and Broadwell server, unit of the integrated audio: one fault record, no Device-TLBs",
    LOGS,
    "1:0",
    "8d2008c10ef0466",
    "f0205b",
    46,
  ),
  profile(
    "kaby-lake-graphics",
    "Kaby Lake to Comet Lake client, unit of the graphics: the withdrawn extended mode, superpages",
    LOGS,
    "1:0",
    "1c0000c40660462",
    "19e2ff0505e",
    39,
    { protectsTranslated: true },
  ),
  profile(
    "skylake",
    "Skylake to Comet Lake client, main unit: four levels for 39 bits, superpages",
    LOGS,
    "1:0",
    "d2008c40660462",
    "f050da",
    39,
    { protectsTranslated: true },
  ),
  profile(
    "ice-lake-sp",
    "Ice Lake server: version 4, 57 bits wide with four levels",
    LOGS,
    "4:0",
    "8ed008c40780466",
    "60000f050df",
    46,
  ),
  profile(
    "alder-lake-graphics",
    "Alder Lake client, unit of the graphics: version 4, Device-TLBs",
    LOGS,
    "4:0",
    "1c0000c40660462",
    "29a00f0505e",
    39,
  ),
  profile(
    "alder-lake",
    "Alder Lake client, main unit: version 5, the last with register invalidation",
    LOGS,
    "5:0",
    "d2008c40660462",
    "f050da",
    39,
  ),
  profile(
    "meteor-lake",
    "Core Ultra client: version 7, 42 bit, walks that do not snoop, a new root invalidates",
    LOGS,
    "7:0",
    "c9de008cee690462",
    "12ca9a00f0ef5e",
    42,
    { iotlbLookup: "source-id" },
  ),
  profile(
    "xeon-6",
    "Xeon 6 server: version 7, 57 bit, a new root invalidates",
    LOGS,
    "7:0",
    "f9ed008cee780c66",
    "3fef9ea6f0efdf",
    52,
    { iotlbLookup: "source-id" },
  ),
];

/** The machine of the corpus of firmware tables (model/acpi/corpus) whose table is of the kind that a profile's machines have. */
export const firmwareOf: Readonly<Record<string, string>> = {
  "qemu-39": "QEMU intel-iommu 6.2",
  "sandy-bridge-graphics": "Sandy Bridge with graphics (Intel SNB)",
  "westmere-ep": "Mac Pro, Westmere (Apple)",
  haswell: "Haswell without graphics (Intel HSW)",
  "broadwell-ep-audio": "Broadwell-E or Haswell-E, American Megatrends firmware",
  "kaby-lake-graphics": "Lenovo ThinkPad, firmware N24 (T480, Kaby Lake)",
  skylake: "Lenovo ThinkPad, firmware N24 (T480, Kaby Lake)",
  "skylake-sp": "Mac Pro, Skylake Xeon (Apple)",
  "ice-lake-sp": "Supermicro server with two Ice Lake Xeons",
  "alder-lake": "Intel client without graphics, table of revision 2 (EDK2)",
  "meteor-lake": "MSI notebook, Meteor Lake",
};

/** The profile of that id. @throws RangeError naming the known ones */
export function profileNamed(id: string): PlatformProfile {
  const found = profiles.find((one) => one.id === id);
  if (!found) {
    throw new RangeError(`unknown profile "${id}"; known: ${profiles.map((one) => one.id).join(", ")}`);
  }
  return found;
}
