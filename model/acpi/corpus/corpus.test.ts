/**
 * Tables of real machines: all are read and written back as they were, and what is wrong with one is known. They are here, and
 * in the folder that FIRMWARE_TABLES names, if it is set (see README.md).
 */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ivrsLayout } from "../../amdvi/ivrs/layouts.js";
import { profileNamed as amdViProfileNamed, firmwareOf as ivrsOf } from "../../amdvi/profiles.js";
import { architectures } from "../../architectures.js";
import { dmarLayout } from "../../vtd/dmar/layouts.js";
import { firmwareOf as dmarOf, profileNamed as vtdProfileNamed } from "../../vtd/profiles.js";
import type { FirmwareTables } from "../firmware-table.js";
import { writeStructure } from "../structure.js";
import { readTable, withChecksum } from "../table.js";
import { type RealTable, realTables } from "./corpus.testing.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const FOLDERS = [HERE, ...(process.env.FIRMWARE_TABLES ? [process.env.FIRMWARE_TABLES] : [])];
const LAYOUTS = { DMAR: dmarLayout, IVRS: ivrsLayout } as const;
/** A machine whose buses 1 to 3 are behind ports of bus 0. */
const BUSES = [1, 2, 3].map((secondary) => ({
  segment: 0,
  bus: 0,
  device: secondary,
  function: 0,
  secondary,
  subordinate: secondary,
}));

const casesIn = (folder: string) =>
  architectures.flatMap(({ firmwareTables }) =>
    realTables(firmwareTables.signature, folder).map((table) => ({ firmwareTables, table })),
  );
const cases = FOLDERS.flatMap(casesIn);

describe("tables of real machines", () => {
  it("are many, and no two are the same", () => {
    const known = casesIn(HERE).map(({ table }) => table.bytes.join());
    expect(known.length).toBeGreaterThanOrEqual(35);
    expect(new Set(known).size).toBe(known.length);
    for (const { table } of cases) expect(table.source.length).toBeGreaterThan(10);
  });

  it.each(cases.map((one) => [`${one.firmwareTables.signature} of ${one.table.machine}`, one] as const))(
    "%s: read, shown, written back; what it breaks is known",
    (_, { firmwareTables, table }) => {
      const { bytes, findings } = table;
      const read = firmwareTables.read(bytes);
      expect([...new Set(read.findings.map((one) => one.rule.id))].sort()).toEqual(findings);
      expect(writeStructure(readTable(LAYOUTS[firmwareTables.signature], bytes))).toEqual(bytes);
      expect(read.structures.flatMap((one) => one.parts).length).toBeGreaterThan(0);
      const topology = read.skeleton(BUSES);
      const { units } = read.platformIn(topology);
      expect(units.length > 0 || findings.length > 0).toBe(true);
      for (const finding of read.findingsIn(topology)) expect(finding.offset).toBeLessThan(bytes.length);
    },
  );

  it.each(cases.map((one) => [`${one.firmwareTables.signature} of ${one.table.machine}`, one] as const))(
    "%s: another byte, with the checksum made again, does no harm",
    (_, { firmwareTables, table }) => {
      for (let at = 0; at < table.bytes.length; at += 3) {
        const bytes = table.bytes.slice();
        bytes[at]! ^= 0x81;
        const read = firmwareTables.read(withChecksum(bytes));
        for (const { offset } of read.findings) expect(offset).toBeLessThan(bytes.length);
        expect(read.platformIn(read.skeleton(BUSES)).units.length).toBeLessThan(100);
      }
    },
  );
});

describe("tables that are broken in the wild", () => {
  const said = ({ firmwareTables, table }: { firmwareTables: FirmwareTables; table: RealTable }) => {
    const firsts = new Map<string, string>();
    for (const { rule, message } of firmwareTables.read(table.bytes).findings)
      if (!firsts.has(rule.id)) firsts.set(rule.id, message);
    return firsts.size === 0
      ? []
      : [`${table.machine}:`, ...[...firsts].map(([id, text]) => `  ${id}: ${text}`)];
  };

  it("the finding says how", () => {
    expect(casesIn(HERE).flatMap(said)).toMatchInlineSnapshot(`
      [
        "Haswell machine whose table ends in foreign bytes:",
        "  dmar.table.checksum: the bytes add up to 220, not to 0",
        "  dmar.structure.length: 80 bytes are no remapping structure that ends inside DMAR",
        "Skylake Xeon server whose table has lost units, American Megatrends firmware:",
        "  dmar.drhd.include-pci-all: segment 0 has no unit with INCLUDE_PCI_ALL",
        "  dmar.rhsa.unit: no DRHD has its registers at 0x9d7fc000",
        "Intel client without graphics, table of revision 2 (EDK2):",
        "  dmar.table.revision: the revision is 2",
        "QEMU intel-iommu 6.2:",
        "  dmar.drhd.include-pci-all: segment 0 has no unit with INCLUDE_PCI_ALL",
        "Ryzen with Zen cores (AMD reference firmware):",
        "  ivrs.reserved: IVHD 11h: reserved 20.12:1 is 0x100",
        "  ivrs.ivhd.same-features: IVHDs of types 0x10 and 0x11 of the unit 0000:00:00.2 differ: pnCounters",
        "AMD Myrtle (Zen):",
        "  ivrs.reserved: IVHD 11h: reserved 20.12:1 is 0x100",
        "  ivrs.ivhd.same-features: IVHDs of types 0x10 and 0x11 of the unit 0000:00:00.2 differ: pnCounters",
        "QEMU amd-iommu from 8.2 on:",
        "  ivrs.ivhd.same-features: of the unit 0000:00:02.0 iaSup is 0, in the EFR image 1; heSup is 0, in the EFR image 1; gats is 0, in the EFR image 2; hats is 0, in the EFR image 2",
        "Strix Point, with reserved memory of two devices (AMD reference firmware):",
        "  ivrs.acpi.uid: an integer of 2 bytes",
        "Raphael or Rembrandt with ACPI devices (AMD reference firmware):",
        "  ivrs.reserved: IVHD 11h: reserved 20.12:1 is 0x100",
        "  ivrs.ivhd.same-features: IVHDs of types 0x10 and 0x40 of the unit 0000:00:00.2 differ: pnCounters",
        "Ryzen 4000 or 5000 with graphics, one ACPI device (AMD reference firmware):",
        "  ivrs.reserved: IVHD 11h: reserved 20.12:1 is 0x100",
        "  ivrs.ivhd.same-features: IVHDs of types 0x10 and 0x40 of the unit 0000:00:00.2 differ: pnCounters",
        "Phoenix with reserved memory of a range of devices (AMD reference firmware):",
        "  ivrs.ivmd.alignment: memory at 0x9a432000 of 0x1 bytes is not whole pages",
        "  ivrs.ivmd.exclusion: the unit 0000:00:00.2 would have to exclude memory at 0x9a432000 of 0x1 bytes and memory at 0x9a431000 of 0x1 bytes",
      ]
    `);
  });
});

describe("profiles and the tables of their machines", () => {
  const [vtd, amdvi] = architectures;
  const tableOf = ({ firmwareTables }: { firmwareTables: FirmwareTables }, machine: string) =>
    firmwareTables.read(
      realTables(firmwareTables.signature, HERE).find((one) => one.machine === machine)!.bytes,
    );

  it.each(Object.entries(dmarOf))("%s: the host address width is that of %s", (profile, machine) => {
    const { hostAddressWidth } = tableOf(vtd!, machine).platformIn({ segments: [] });
    expect(vtdProfileNamed(profile).hostAddressWidth).toBe(hostAddressWidth);
  });

  it.each(Object.entries(ivrsOf))("%s: features are those of the EFR images of %s", (profile, machine) => {
    const { low, high } = amdViProfileNamed(profile).extendedFeatures;
    const blocks = tableOf(amdvi!, machine).structures.flatMap(({ parts }) => parts);
    const images = blocks.flatMap(({ fields }) => fields.filter((one) => one.name === "efr"));
    expect(blocks.map((one) => one.name)).toContain("IVHD 10h");
    for (const { value } of images) expect(BigInt(value)).toBe((BigInt(high) << 32n) | BigInt(low));
  });
});
