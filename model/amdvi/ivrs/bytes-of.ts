/** The IVRS that a correct firmware hands over (AMD-Vi 5.2.2): every unit as IVHD of type 10h, then of type 11h. */
import { make, type Structure } from "../../acpi/structure.js";
import { bytesOfTable } from "../../acpi/table.js";
import type { FirmwarePlatform, InterruptSource, RemappingUnit } from "../../pci/platform.js";
import { type Claiming, claimedBy } from "./claimed-by.js";
import { featuresOf, flagsOf } from "./features.js";
import * as layouts from "./layouts.js";
import { memoryBlocks } from "./memory-blocks.js";

/**
 * Choice: a platform does not tell the features of its units; those of a first-generation Ryzen are told.
 */
const EFR = 0x000f_77ef_2229_4adan;
const COUNTERS = { pnCounters: 4, pnBanks: 2, msiNumPPR: 0 } as const;
/** Where the capability is on every unit that AMD has made. */
const CAPABILITY_OFFSET = 0x40;

/** @see FirmwareTables.bytesOf @throws RangeError when a number of the platform has no room in its field */
export function bytesOf(platform: FirmwarePlatform): Uint8Array {
  const claiming = claimedBy(platform);
  const ivhds = platform.units.map((unit, index) => {
    const entries = [...claiming[index]!.entries, ...specialsOf(unit, index, platform, claiming)];
    return { common: commonValues(unit, claiming[index]!), entries };
  });
  const blocks: Structure[] = [
    ...ivhds.map(({ common, entries }) =>
      make(layouts.ivhd10Layout, { ...common, type: 0x10, ...featuresOf(EFR), ...COUNTERS }, entries),
    ),
    ...ivhds.map(({ common, entries }) =>
      make(
        layouts.ivhd11Layout,
        { ...common, type: 0x11, hatDis: 0, ...COUNTERS, efr: EFR, efr2: 0n },
        entries,
      ),
    ),
    ...platform.reserved.flatMap((region) => memoryBlocks(region, platform)),
  ];
  return bytesOfTable(make(layouts.ivrsLayout, tableValues(platform), blocks));
}

function tableValues(platform: FirmwarePlatform): layouts.Ivrs["values"] {
  return {
    signature: "IVRS",
    tableLength: 0,
    revision: 1,
    checksum: 0,
    oemId: "IOMMU ",
    oemTableId: "PLATFORM",
    oemRevision: 1,
    creatorId: "SPEC",
    creatorRevision: 1,
    efrSup: 1,
    dmaRemap: platform.optIn ? 1 : 0,
    gvaSize: 2,
    paSize: platform.hostAddressWidth,
    vaSize: 64,
    htAtsResv: 0,
  };
}

/** The part that IVHDs of both types have. */
function commonValues(unit: RemappingUnit, { ats }: Claiming) {
  return {
    htTunEn: 0,
    passPW: 0,
    resPassPW: 0,
    isoc: 0,
    iotlbSup: ats ? 1 : 0,
    coherent: 1,
    ...flagsOf(EFR),
    deviceId: unit.itself ?? 0,
    capabilityOffset: CAPABILITY_OFFSET,
    base: BigInt(unit.registers) << 12n,
    segment: unit.segment,
    msiNumber: 0,
    unitId: 0,
  };
}

/** I/O APICs and HPETs go with the unit that has their id, else with the first of their segment. */
function specialsOf(
  unit: RemappingUnit,
  index: number,
  { units, interruptSources }: FirmwarePlatform,
  claiming: readonly Claiming[],
): Structure[] {
  const goesWith = ({ segment, requester }: InterruptSource) => {
    const owner = units.findIndex((one, at) => one.segment === segment && claiming[at]!.has(requester));
    return owner >= 0 ? owner : units.findIndex((one) => one.segment === segment);
  };
  const sources = interruptSources.filter((one) => one.segment === unit.segment && goesWith(one) === index);
  return sources.map(({ kind, id, requester }) =>
    make(layouts.specialLayout, {
      type: 72,
      ...layouts.NO_DTE_SETTING,
      handle: id,
      deviceId: requester,
      variety: kind === "io-apic" ? layouts.Variety.ioApic : layouts.Variety.hpet,
    }),
  );
}
