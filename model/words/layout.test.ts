import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  address,
  decode,
  encode,
  field,
  fieldMask,
  fieldOf,
  ignored,
  ignoredMask,
  layout,
  readField,
  reserved,
  reservedMask,
} from "./layout.js";

interface Machine {
  readonly hostAddressWidth: number;
  readonly widthOfTag: number;
}

/** 128 bits with one field of every kind; `tag` straddles the two 32-bit halves of the second word. */
const entry = layout<Machine>("entry", "1.2.3", 128, [
  field("valid", "0", "in use"),
  reserved("3:1"),
  ignored("11:4"),
  address("table", "63:12", "where it points"),
  field("flag", "64", "a flag"),
  ignored("87:65"),
  field("tag", "103:88", "sixteen bits", (machine) => 88 + machine.widthOfTag),
  field("late", "127:104", "not on every machine", (machine) => (machine.widthOfTag > 8 ? Infinity : 104)),
]);
const small: Machine = { hostAddressWidth: 36, widthOfTag: 4 };
const large: Machine = { hostAddressWidth: 52, widthOfTag: 16 };

const words = (...halves: number[]) =>
  Array.from({ length: halves.length / 2 }, (_, index) => ({
    low: halves[2 * index]!,
    high: halves[2 * index + 1]!,
  }));

describe("layout declarations", () => {
  it("names the bit that two fields claim", () => {
    const declare = () =>
      layout("twice", "1", 32, [field("a", "7:0", ""), field("b", "15:7", ""), ignored("31:16")]);
    expect(declare).toThrow(new RangeError("twice: bit 7 of b is taken"));
  });

  it("names the bit that no field covers", () => {
    const declare = () => layout("gap", "1", 32, [field("a", "7:0", ""), ignored("31:9")]);
    expect(declare).toThrow(new RangeError("gap: bit 8 is not declared"));
  });

  it("refuses a field beyond the width", () => {
    expect(() => layout("wide", "1", 32, [field("a", "32:0", "")])).toThrow("wide: bit 32 of a is taken");
  });

  it("names the layout and the field that it does not have", () => {
    expect(() => fieldOf(entry, "speed")).toThrow(new RangeError("entry has no field speed"));
    expect(() => encode(entry, { speed: 1 })).toThrow("entry has no field speed");
    expect(() => readField(entry, "speed", words(0, 0, 0, 0))).toThrow("entry has no field speed");
  });
});

describe("encoding and decoding", () => {
  it("puts fields at their bits, across 32-bit halves and words", () => {
    expect(encode(entry, { valid: 1, table: 0x1234567, flag: 1, tag: 0xabcd })).toEqual(
      words(0x34567001, 0x12, 0xcd000001, 0xab),
    );
    expect(encode(entry, { late: 0xfedcba })).toEqual(words(0, 0, 0, 0xfedcba00));
  });

  it("takes values modulo the field's width", () => {
    expect(encode(entry, { valid: 3, flag: 2 })).toEqual(words(1, 0, 0, 0));
  });

  it("decodes fields with a meaning only, an address as a page number", () => {
    const all = words(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff);
    expect(decode(entry, all)).toEqual({
      valid: 1,
      table: 2 ** 52 - 1,
      flag: 1,
      tag: 0xffff,
      late: 0xffffff,
    });
  });

  it("is undone by decoding, for all values", () => {
    const values = fc.record({
      valid: fc.integer({ min: 0, max: 1 }),
      table: fc.maxSafeInteger().map((value) => Math.abs(value) % 2 ** 52),
      flag: fc.integer({ min: 0, max: 1 }),
      tag: fc.integer({ min: 0, max: 0xffff }),
      late: fc.integer({ min: 0, max: 0xffffff }),
    });
    fc.assert(
      fc.property(values, (one) => {
        expect(decode(entry, encode(entry, one))).toEqual(one);
      }),
    );
  });

  it("sets no bit outside the field it is given", () => {
    const one = fc.constantFrom("valid", "table", "flag", "tag", "late");
    fc.assert(
      fc.property(one, fc.maxSafeInteger(), (name, value) => {
        const encoded = encode(entry, { [name]: Math.abs(value) });
        const mask = fieldMask(entry, name);
        for (const [index, word] of encoded.entries()) {
          expect(word.low & ~mask[index]!.low).toBe(0);
          expect(word.high & ~mask[index]!.high).toBe(0);
        }
      }),
    );
  });

  it("makes a layout of 32 bits one word with an empty upper half", () => {
    const register = layout("register", "1", 32, [ignored("30:0"), field("top", "31", "")]);
    expect(encode(register, { top: 1 })).toEqual(words(0x80000000, 0));
  });
});

describe("masks", () => {
  it("reserved: declared bits, addresses from the host address width on, fields the platform lacks", () => {
    expect(reservedMask(entry, small)).toEqual(words(0x0000000e, 0xfffffff0, 0xf0000000, 0xffffffff));
    expect(reservedMask(entry, large)).toEqual(words(0x0000000e, 0xfff00000, 0, 0));
  });

  it("reserved: no address bit is, on a machine of 64 bits", () => {
    expect(reservedMask(entry, { hostAddressWidth: 64, widthOfTag: 16 })).toEqual(words(0xe, 0, 0, 0));
  });

  it("ignored: what is declared so, whatever the platform", () => {
    expect(ignoredMask(entry)).toEqual(words(0xff0, 0, 0x00fffffe, 0));
  });

  it("field: all of its bits", () => {
    expect(fieldMask(entry, "table")).toEqual(words(0xfffff000, 0xffffffff, 0, 0));
    expect(fieldMask(entry, "tag")).toEqual(words(0, 0, 0xff000000, 0xff));
  });
});
