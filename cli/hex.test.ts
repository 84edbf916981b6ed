import { describe, expect, it } from "vitest";
import { UsageError } from "./errors.js";
import { tableBytes } from "./hex.js";

const BYTES = Uint8Array.from(Buffer.from("DMAR\x30\x00\x00\x00\x01\xffabcdefgh\x12\x34", "latin1"));

function read(text: string): Uint8Array {
  return Uint8Array.from(tableBytes(Buffer.from(text, "latin1"), "DMAR", "a file"));
}

describe("bytes of a table", () => {
  it("are taken as they are", () => {
    expect(tableBytes(BYTES, "DMAR", "a file")).toBe(BYTES);
  });

  it.each([
    [
      "acpidump",
      "DSDT @ 0x0000000000000000\n    0000: 44 53 44 54                                      DSDT\n\n" +
        "DMAR @ 0x0000000000000000\n    0000: 44 4D 41 52 30 00 00 00 01 FF 61 62 63 64 65 66  DMAR0.....abcdef\n" +
        "    0010: 67 68 12 34                                      gh.4\n\nFACP @ 0x0000000000000000\n    0000: 46\n",
    ],
    [
      "iasl",
      "Raw Table Data: Length 20 (0x14)\n\n    0000: 44 4D 41 52 30 00 00 00 01 FF 61 62 63 64 65 66  // DMAR\n    0010: 67 68 12 34  // gh.4\n",
    ],
    [
      "xxd",
      "00000000: 444d 4152 3000 0000 01ff 6162 6364 6566  DMAR0.....abcdef\n00000010: 6768 1234                                gh.4\n",
    ],
    [
      "hexdump -C",
      "00000000  44 4d 41 52 30 00 00 00  01 ff 61 62 63 64 65 66  |DMAR0...|\n00000010  67 68 12 34  |gh.4|\n00000014\n",
    ],
    ["digits", "444d4152 30000000 01ff6162\n63646566 67681234\n"],
    [
      "C",
      "{ 0x44, 0x4d, 0x41, 0x52, 0x30, 0x00, 0x00, 0x00, 0x01, 0xff,\n  0x61,0x62,0x63,0x64,0x65,0x66,0x67,0x68,0x12,0x34 };",
    ],
  ])("are found in what %s prints", (_, text) => {
    expect(read(text)).toEqual(BYTES);
  });

  it.each([
    ["something else", "hello"],
    ["another table", "IVRS @ 0x0\n    0000: 49 56 52 53  IVRS\n"],
    ["nothing", ""],
  ])("are missed in %s", (_, text) => {
    expect(() => read(text)).toThrow(UsageError);
  });
});
