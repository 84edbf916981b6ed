import { describe, expect, it } from "vitest";
import { signatureOf, tablesOf } from "./table-loader.js";

const FILE = "etc/acpi/tables";

/** A command of the script: code, file, three numbers. */
function command(code: number, file: string, ...numbers: number[]): Uint8Array {
  const bytes = Buffer.alloc(128);
  bytes.writeUInt32LE(code, 0);
  bytes.write(file, 4, "latin1");
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number, 60 + 4 * index);
  return bytes;
}

describe("the script for ACPI tables", () => {
  const file = Buffer.from("xxDMAR\u{0}\u{1}\u{2}IVRS\u{0}", "latin1");
  const script = Buffer.concat([
    command(1, FILE, 64, 1),
    command(3, FILE, 6, 2, 7),
    command(3, "etc/other", 0, 0, 5),
    command(3, FILE, 13, 9, 5),
  ]);

  it("tells where tables are, and each gets the checksum that makes its bytes add up to zero", () => {
    const tables = tablesOf(file, FILE, script);
    expect(tables.map(signatureOf)).toEqual(["DMAR", "IVRS"]);
    expect(tables.map((table) => table.reduce((sum, byte) => (sum + byte) & 0xff, 0))).toEqual([0, 0]);
    expect(tables.map((table) => table.length)).toEqual([7, 5]);
  });

  it("leaves the file as it is", () => {
    const before = Buffer.from(file);
    tablesOf(file, FILE, script);
    expect(file).toEqual(before);
  });
});
