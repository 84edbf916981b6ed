/** The platforms the suite knows. `source` says where the register values come from. */
import type { Word } from "../trace.js";
import type { PlatformProfile } from "./profile.js";

/** 512 MiB, enough for every address a scenario uses. */
const MEMORY_PAGES = 0x20000;

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
    "published kernel logs",
    "1:0",
    "c9008020e30272",
    "1000",
    36,
  ),
  profile(
    "ivy-bridge",
    "Ivy Bridge client, main unit: 39 bit, 4 KiB pages only, ignored bits checked",
    "published kernel logs; ignored bits: field report of the Muen separation kernel",
    "1:0",
    "c9008020660262",
    "f0105a",
    39,
    { ignoredBitsChecked: true },
  ),
  profile(
    "skylake-sp",
    "Skylake/Cascade Lake server: 48 bit, eight fault records, both invalidation interfaces",
    "published kernel logs",
    "1:0",
    "8d2078c106f0466",
    "f020df",
    46,
  ),
  profile(
    "sapphire-rapids",
    "Sapphire Rapids server: 57 bit, queued invalidation only",
    "published kernel logs",
    "6:0",
    "19ed008c40780c66",
    "3ee9e86f050df",
    52,
    { iotlbLookup: "source-id" },
  ),
];

/** The profile of that id. @throws RangeError naming the known ones */
export function profileNamed(id: string): PlatformProfile {
  const found = profiles.find((one) => one.id === id);
  if (!found) {
    throw new RangeError(`unknown profile "${id}"; known: ${profiles.map((one) => one.id).join(", ")}`);
  }
  return found;
}
