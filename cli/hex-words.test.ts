import { describe, expect, it } from "vitest";
import { numberOf } from "../model/words/shown-fields.js";
import { UsageError } from "./errors.js";
import { describeHex, entryOf, parseHex } from "./hex-words.js";

/** The entry as one number, in these widths. */
const read = (texts: readonly string[], ...widths: number[]) => {
  const words = entryOf(parseHex(texts), widths);
  return words && numberOf(words);
};

const ENTRY = 0x0000000000000502_0000000013725001n;

describe("parseHex and entryOf", () => {
  it.each([
    [["0x13725001", "0x502"]],
    [["0x13725001,0x502"]],
    [["13725001 0502"]],
    [["{ 0x13725001; 0x502 }"]],
    [["0x0000000000000502_0000000013725001"]],
    [["0x00000000000005020000000013725001"]],
    [["0x13725001", "0x0", "0x502", "0"]],
    [["01 50 72 13 00 00 00 00 02 05 00 00 00 00 00 00"]],
    [["01", "50", "72", "13", ..."00 00 00 00 02 05 00 00 00 00 00 00".split(" ")]],
    [["00000000: 0150 7213 0000 0000 0205 0000 0000 0000  .Pr............."]],
    [["00000000  01 50 72 13 00 00 00 00  02 05 00 00 00 00 00 00  |.Pr.............|\n00000010"]],
    [["00000000: 0150 7213 0000 0000  .Pr.....\n00000008: 0205 0000 0000 0000  ........"]],
  ])("%j is the same entry", (texts) => {
    expect(read(texts, 128)).toBe(ENTRY);
  });

  it("a short number is an entry of one word", () => {
    expect(read(["0xc7000000"], 32)).toBe(0xc7000000n);
    expect(read(["7"], 64)).toBe(7n);
  });

  it("takes words of 64 bits before words of 32", () => {
    expect(entryOf(parseHex(["0x11", "0x0"]), [128, 256])).toHaveLength(2);
    expect(entryOf(parseHex(["0x11", "0", "0", "0"]), [128, 256])).toHaveLength(4);
    expect(entryOf(parseHex(["0x11", "0", "0", "0"]), [128])).toHaveLength(2);
  });

  it.each([
    [["0x11"], 128],
    [["0x1", "0x2", "0x3"], 128],
    [["0x1ffffffff"], 32],
    [["01 02 03 04 05"], 64],
  ])("%j does not have %i bits", (texts, width) => {
    expect(read(texts, width)).toBeNull();
  });

  it.each([
    [["zz"], '"zz" is no hex number'],
    [["0x"], '"0x" is no hex number'],
    [["1_"], '"1_" is no hex number'],
    [[], "decode needs the bits of an entry in hex"],
    [["0x1", "0x12345678123456789"], "0x12345678123456789 is more than one word of 64 bits"],
  ])("%j is an error", (texts, message) => {
    expect(() => parseHex(texts)).toThrow(new UsageError(message));
  });

  it("says what was given", () => {
    expect(describeHex(parseHex(["1"]))).toBe("a number of 1 digit");
    expect(describeHex(parseHex(["1", "2"]))).toBe("2 words");
    expect(describeHex(parseHex(["01 02 03 04"]))).toBe("4 bytes");
  });
});
