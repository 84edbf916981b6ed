import { describe, expect, it } from "vitest";
import { address, field, ignored, layout, reserved } from "./layout.js";
import {
  asAddress,
  asPowerOfTwo,
  asRequester,
  numberOf,
  saying,
  shownFields,
  showWords,
  wordsOf,
} from "./shown-fields.js";

const LAYOUT = layout("entry", "1", 128, [
  field("P", "0", "present"),
  saying(field("Mode", "2:1", "mode"), { 0: "off", 1: "on" }),
  reserved("11:3"),
  address("ADDR", "63:12", "page"),
  saying(field("SID", "79:64", "source"), asRequester),
  ignored("95:80"),
  saying(field("Wide", "127:96", "pages"), asPowerOfTwo("pages")),
]);

describe("shownFields", () => {
  it("shows every field with its bits, value and what it stands for, from bit 0 on", () => {
    const shown = shownFields(LAYOUT, wordsOf((3n << 96n) | (0x0210n << 64n) | 0x12345003n, 128));
    expect(shown.map(({ name, bits, value, says }) => [name, bits, value, says])).toEqual([
      ["P", "0", "1", ""],
      ["Mode", "2:1", "1", "on"],
      ["ADDR", "63:12", "0x12345000", ""],
      ["SID", "79:64", "0x210", "02:02.0"],
      ["Wide", "127:96", "3", "8 pages"],
    ]);
  });

  it("shows reserved and ignored bits where they are set", () => {
    const shown = shownFields(LAYOUT, wordsOf((5n << 80n) | 0x10n, 128));
    expect(shown.filter((one) => one.kind !== "field" && one.kind !== "address")).toMatchObject([
      { kind: "reserved", bits: "11:3", value: "2" },
      { kind: "ignored", bits: "95:80", value: "5" },
    ]);
  });

  it("says nothing of a value without a name", () => {
    expect(shownFields(LAYOUT, wordsOf(6n, 128))[1]).toMatchObject({ value: "3", says: "" });
  });
});

describe("values in words", () => {
  it("addresses of any unit, exact to the last bit", () => {
    expect(asAddress(12)(0xfffffffffffff)).toBe("0xfffffffffffff000");
    expect(asAddress(4)(3)).toBe("0x30");
  });

  it("powers of two, of one thing in the singular", () => {
    expect([asPowerOfTwo("pages")(0), asPowerOfTwo("entries", 7)(7)]).toEqual(["1 page", "16384 entries"]);
  });

  it("entries as one number and back", () => {
    const number = 0x0123456789abcdef_fedcba9876543210n;
    expect(numberOf(wordsOf(number, 128))).toBe(number);
    expect(showWords(wordsOf(number, 128), 128)).toBe("0x0123456789abcdef_fedcba9876543210");
    expect(showWords(wordsOf(7n, 32), 32)).toBe("0x00000007");
  });
});
