import { describe, expect, it } from "vitest";
import { generateIvrs } from "../../../generators/firmware/ivrs.js";
import { generatePlatform } from "../../../generators/pci/platform.js";
import { askIasl, iaslMissing, iaslTemplate } from "../../acpi/iasl.testing.js";
import { isA, type Structure } from "../../acpi/structure.js";
import { bytesOfTable, readTable } from "../../acpi/table.js";
import { ivrsTables } from "./index.js";
import { ivhd11Layout, ivhd40Layout, ivmdLayout, ivrsLayout, pad8Layout } from "./layouts.js";

/*
 * Version 20200925 of iasl knows IVHDs of types 10h and 11h with all their entries, and IVMDs. It does not know type 40h, and
 * so no ACPI devices either; it writes zero for what was reserved once: EFR2 in IVHDs, the segment in IVMDs.
 */

it.runIf(process.env.CI === "true")("iasl is there to judge tables", () => {
  expect(iaslMissing).toBeUndefined();
});

/** The table with zero where iasl writes zero. */
function asIaslWrites(bytes: Uint8Array): Uint8Array {
  const table: Structure = readTable(ivrsLayout, bytes);
  const parts = table.parts.map((one) => {
    if (isA(one, ivhd11Layout)) return { ...one, values: { ...one.values, efr2: 0n } };
    return isA(one, ivmdLayout) ? { ...one, values: { ...one.values, segment: 0 } } : one;
  });
  return bytesOfTable({ ...table, parts });
}

function has40(bytes: Uint8Array): boolean {
  return readTable(ivrsLayout, bytes).parts.some((one: Structure) => isA(one, ivhd40Layout));
}

const SAMPLES = 200;

describe.skipIf(iaslMissing !== undefined)(
  `what iasl says of IVRSs${iaslMissing ? `: ${iaslMissing}` : ""}`,
  () => {
    it("disassembles those of platforms without complaint, and compiles that to the same bytes", () => {
      const tables = Array.from({ length: SAMPLES }, (_, seed) =>
        ivrsTables.bytesOf(generatePlatform(seed, "amdvi")),
      );
      for (const [index, { complaints, recompiled }] of askIasl(tables).entries()) {
        expect(complaints, `table ${index}`).toEqual([]);
        expect(recompiled, `table ${index}`).toEqual(asIaslWrites(tables[index]!));
      }
    });

    it("does the same with every kind of entry that it knows", () => {
      const tables = Array.from({ length: SAMPLES }, (_, seed) => generateIvrs(seed)).filter(
        (bytes) => !has40(bytes),
      );
      expect(tables.length).toBeGreaterThan(SAMPLES / 8);
      for (const [index, { complaints, recompiled }] of askIasl(tables).entries()) {
        expect(complaints, `table ${index}`).toEqual([]);
        expect(recompiled, `table ${index}`).toEqual(asIaslWrites(tables[index]!));
      }
    });

    it("complains about a wrong checksum, and about blocks and entries of unknown types", () => {
      const bytes = ivrsTables.bytesOf(generatePlatform(1, "amdvi"));
      const spoilt = [9, 48, 72].map((at) => {
        const one = bytes.slice();
        one[at]! ^= 0x2f;
        return one;
      });
      for (const { complaints } of askIasl(spoilt)) expect(complaints).not.toEqual([]);
    });

    it("compiles a template that can be read, with values that no machine has", () => {
      const table = ivrsTables.read(iaslTemplate("IVRS"));
      const [{ parts }] = table.structures as [(typeof table.structures)[number]];
      expect(parts.map((one) => one.name)).toEqual(["IVHD 10h", "IVMD", "IVMD", "IVHD 10h"]);
      expect(parts[0]!.parts.map((one) => one.name)).toEqual([
        "pad, 4 bytes",
        pad8Layout.name,
        "alias select",
        "special device",
      ]);
      expect([...new Set(table.findings.map((one) => one.rule.id))].sort()).toEqual([
        "ivrs.ivhd.base",
        "ivrs.ivhd.capability",
        "ivrs.ivhd.repeated",
        "ivrs.ivhd.same-devices",
        "ivrs.ivinfo.sizes",
        "ivrs.ivmd.flags",
        "ivrs.ivmd.length",
        "ivrs.special.variety",
      ]);
    });
  },
);
