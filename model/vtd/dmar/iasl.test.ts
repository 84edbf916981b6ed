import { describe, expect, it } from "vitest";
import { generateDmar } from "../../../generators/firmware/dmar.js";
import { generatePlatform } from "../../../generators/pci/platform.js";
import { askIasl, iaslMissing, iaslTemplate } from "../../acpi/iasl.testing.js";
import { dmarTables } from "./index.js";

it.runIf(process.env.CI === "true")("iasl is there to judge tables", () => {
  expect(iaslMissing).toBeUndefined();
});

describe.skipIf(iaslMissing !== undefined)(
  `what iasl says of DMARs${iaslMissing ? `: ${iaslMissing}` : ""}`,
  () => {
    const SAMPLES = 200;
    /**
     * Revision 3.0 of the specification is what iasl 20200925 knows: no SATC, no SIDP, and the size of a register set is a
     * reserved byte to it. Those are judged by the tests beside this one only.
     */
    const drawn = Array.from({ length: SAMPLES }, (_, seed) => generateDmar(seed, { revision: "3.0" }));
    const ofMachines = Array.from({ length: SAMPLES }, (_, seed) =>
      dmarTables.bytesOf(generatePlatform(seed, "vtd")),
    );

    it.each([
      ["of generated machines", ofMachines],
      ["with structures of every kind that it knows", drawn],
    ])("disassembles tables %s without complaint, and compiles that to the same bytes", (_, tables) => {
      const verdicts = askIasl(tables);
      for (const [index, { complaints, recompiled }] of verdicts.entries()) {
        expect(complaints, `table ${index}`).toEqual([]);
        expect(recompiled, `table ${index}`).toEqual(tables[index]);
      }
    });

    it("complains about a wrong checksum, a scope of no known type and a structure without a length", () => {
      const spoilt = [9, 64, 50].map((offset) => {
        const bytes = drawn[0]!.slice();
        bytes[offset]! ^= 0xff;
        return bytes;
      });
      for (const { complaints } of askIasl(spoilt)) expect(complaints).not.toEqual([]);
    });

    it("compiles a template that can be read", () => {
      const bytes = iaslTemplate("DMAR");
      const table = dmarTables.read(bytes);
      expect(table.structures[0]!.parts.map((one) => one.name)).toEqual(["DRHD", "RMRR", "ATSR", "RHSA"]);
      // Its unit has its registers at address 0.
      expect(table.findings.map((one) => one.rule.id)).toEqual(["dmar.drhd.registers"]);
    });
  },
);
