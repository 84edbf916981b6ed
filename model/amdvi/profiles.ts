/** The AMD-Vi platforms the suite knows. `source` says where the register values come from. */
import type { Word } from "../trace.js";
import type { AmdViProfile } from "./profile.js";

/** 512 MiB, enough for every address a scenario uses. */
const MEMORY_PAGES = 0x20000;

function word(hex: string): Word {
  const value = BigInt(`0x${hex}`);
  return { low: Number(value & 0xffffffffn), high: Number(value >> 32n) };
}

/** Where features were read from kernels' "Extended features" lines, or the IVRS table gives them. */
const LOGS = "EFR of kernel logs in public bug reports and mailing lists; habits by hand";

function profile(
  id: string,
  description: string,
  source: string,
  features: string,
  hostAddressWidth: number,
  habits: Partial<AmdViProfile> = {},
): AmdViProfile {
  return {
    architecture: "amdvi",
    id,
    description,
    source,
    extendedFeatures: word(features),
    extendedFeatures2: word("0"),
    hostAddressWidth,
    npCache: false,
    remoteIotlbs: true,
    deviceTableFetch: 256,
    coherentWalks: true,
    iotlbLookup: "either",
    memoryPages: MEMORY_PAGES,
    ...habits,
  };
}

export const profiles: readonly AmdViProfile[] = [
  profile("amd-qemu", "QEMU amd-iommu", "QEMU 7.2.22 registers and capability header", "29d3", 40, {
    npCache: true,
  }),
  profile(
    "family-15h",
    "Family 15h: 4 levels, no INVALIDATE_IOMMU_ALL, device table entries read 64 bits at a time",
    "by hand, after the features of an early unit: prefetch, page requests, guest translation",
    "0113",
    48,
    { deviceTableFetch: 64 },
  ),
  profile("zen1", "Zen 1: 6 levels, accessed bits, secure ATS absent", LOGS, "4f77ef22294ada", 48, {
    deviceTableFetch: 128,
  }),
  profile("matisse", "Ryzen 3000 and 5000 desktop: no guest virtual APIC", LOGS, "58f77ef22294a5a", 48, {
    deviceTableFetch: 128,
  }),
  profile("cezanne", "Ryzen 4000 and 5000 with graphics: x2APIC", LOGS, "206d73ef22254ade", 48),
  profile("raphael", "Ryzen 7000 desktop: secure ATS", LOGS, "246577efa2254afa", 48),
  profile("milan", "EPYC 7003: no guest translation, accessed and dirty bits", LOGS, "841f77e022094ace", 48, {
    iotlbLookup: "domain-id",
  }),
  profile(
    "genoa",
    "EPYC 9004: five-level guest tables, accessed and dirty bits",
    "EFR of one report on an EPYC 9004, found in no public log; habits by hand",
    "a5bf732fa2295afe",
    52,
    { iotlbLookup: "domain-id" },
  ),
  profile(
    "zen1-np-cache",
    "Zen 1 as an emulated unit shows it: not-present entries may be cached",
    "by hand: zen1 with NpCache = 1",
    "4f77ef22294ada",
    48,
    { npCache: true },
  ),
  profile(
    "family-15h-non-coherent",
    "Family 15h whose table walks do not snoop",
    "by hand: family-15h with non-coherent walks",
    "0113",
    48,
    { deviceTableFetch: 64, coherentWalks: false },
  ),
  profile(
    "trinity",
    "Family 15h APU: no interrupt table entries of 128 bits, no accessed bits, page requests with 256 PASIDs",
    LOGS,
    "800000853",
    48,
    { deviceTableFetch: 64 },
  ),
  profile("phoenix", "Ryzen 7040 and 8040: no guest virtual APIC modes", LOGS, "246577efa2054ada", 48),
  profile(
    "genoa-snp",
    "EPYC 9004 with secure nested paging on: no guest translation",
    LOGS,
    "a5bf7320a2294aee",
    52,
    { extendedFeatures2: word("1d"), iotlbLookup: "domain-id" },
  ),
];

/** The machine of the corpus of firmware tables (model/acpi/corpus) whose table is of the kind that a profile's machines have. */
export const firmwareOf: Readonly<Record<string, string>> = {
  "amd-qemu": "QEMU amd-iommu from 8.2 on",
  "family-15h": "Gigabyte 990FX (RD890S, family 15h)",
  zen1: "Ryzen with Zen cores (AMD reference firmware)",
  cezanne: "Ryzen 4000 or 5000 with graphics, one ACPI device (AMD reference firmware)",
  raphael: "Raphael or Rembrandt with ACPI devices (AMD reference firmware)",
  phoenix: "Lenovo, Phoenix",
};

/** The profile of that id. @throws RangeError naming the known ones */
export function profileNamed(id: string): AmdViProfile {
  const found = profiles.find((one) => one.id === id);
  if (!found) {
    throw new RangeError(`unknown profile "${id}"; known: ${profiles.map((one) => one.id).join(", ")}`);
  }
  return found;
}
