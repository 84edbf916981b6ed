import { describe, expect, it } from "vitest";
import { generatePlatform } from "../../../generators/pci/platform.js";
import type { ShownStructure } from "../../acpi/firmware-table.js";
import { withChecksum } from "../../acpi/table.js";
import type { Topology } from "../../pci/topology.js";
import { ivrsTables } from "./index.js";

const SMALL = { functions: 6, segments: 1, roots: 1 };

/** What a table means for the machine. */
function meaningOf(bytes: Uint8Array, topology: Topology): string {
  const { topology: _, ...rest } = ivrsTables.read(bytes).platformIn(topology);
  return JSON.stringify(rest);
}

function findingsOf(bytes: Uint8Array, topology: Topology) {
  const table = ivrsTables.read(bytes);
  return [...table.findings, ...table.findingsIn(topology)];
}

/** Fields in which two tables of one shape differ. */
function differing(one: ShownStructure, other: ShownStructure): string[] {
  const fields = one.fields.filter((field, index) => field.value !== other.fields[index]?.value);
  return [
    ...fields.map((field) => `${one.name}: ${field.name}`),
    ...one.parts.flatMap((part, index) => differing(part, other.parts[index]!)),
  ];
}

/** What the table is alone in saying: any value could be meant. */
const FREE = [
  "IVRS: dmaRemap",
  "IVRS: paSize",
  "IVMD: type",
  "IVMD: unity",
  "IVMD: ir",
  "IVMD: iw",
  "IVMD: exclusion",
  "IVMD: deviceId",
  "IVMD: lastDeviceId",
  "IVMD: start",
  "IVMD: bytes",
];

describe("one byte of an IVRS that is not what it was", () => {
  it("is found by the checksum", () => {
    for (let seed = 0; seed < 20; seed++) {
      const bytes = ivrsTables.bytesOf(generatePlatform(seed, "amdvi", SMALL));
      for (let at = 0; at < bytes.length; at++) {
        const broken = bytes.slice();
        broken[at]! ^= 1 << ((at + seed) & 7);
        if (ivrsTables.read(broken).findings.length === 0) expect.fail(`seed ${seed}, byte ${at}`);
      }
    }
  });

  it("is found or means the same when the checksum was made again, except where only the table can know", () => {
    const unseen = new Set<string>();
    const counts = { corrupted: 0, found: 0, same: 0 };
    for (let seed = 0; seed < 40; seed++) {
      const { topology, ...platform } = generatePlatform(seed, "amdvi", SMALL);
      const bytes = ivrsTables.bytesOf({ topology, ...platform });
      const meaning = meaningOf(bytes, topology);
      const [shown] = ivrsTables.read(bytes).structures;
      for (let at = 0; at < bytes.length; at++) {
        const broken = bytes.slice();
        broken[at]! ^= 1 << ((at + seed) & 7);
        const sealed = withChecksum(broken);
        counts.corrupted++;
        if (findingsOf(sealed, topology).length > 0) counts.found++;
        else if (meaningOf(sealed, topology) === meaning) counts.same++;
        else
          for (const field of differing(shown!, ivrsTables.read(sealed).structures[0]!))
            if (field !== "IVRS: checksum") unseen.add(field);
      }
    }
    for (const field of unseen) expect(FREE).toContain(field);
    expect(counts.found + counts.same).toBeGreaterThan(0.95 * counts.corrupted);
    expect(counts.found).toBeGreaterThan(0.7 * counts.corrupted);
  });
});
