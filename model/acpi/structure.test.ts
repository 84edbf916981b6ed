import { describe, expect, it } from "vitest";
import { drawStructure } from "../../generators/firmware/structures.js";
import { Chance } from "../words/chance.js";
import { bits, length, number, reserved, reservedBits, text, wide } from "./fields.js";
import { hexBytes, shownStructure } from "./show.js";
import {
  allOf,
  declare,
  type Family,
  isA,
  make,
  placed,
  readStructure,
  type Structure,
  type StructureOf,
  sizeOf,
  writeStructure,
} from "./structure.js";

const head = declare("head", "1", [], [number("type", 0, 1, "type"), length(1, 1)], {
  tail: { name: "bytes", show: hexBytes },
});
const leaf = declare(
  "leaf",
  "1.1",
  [1, 2],
  [
    number("type", 0, 1, "type"),
    length(1, 1),
    bits("low", 2, "2:0", "three bits"),
    reservedBits(2, "5:3"),
    bits("across", 2, "9:6", "four bits of two bytes"),
    reservedBits(3, "7:2"),
    wide("address", 4, "eight bytes"),
    text("name", 12, 3, "three characters"),
    reserved(15, 1),
  ],
);
const path = declare("path", "1.2", [3], [number("type", 0, 1, "type"), length(1, 1)], {
  tail: { name: "path", show: hexBytes },
});
const family: Family = { name: "part", head, layouts: [leaf, path] };
const whole = declare("whole", "2", [], [number("count", 0, 4, "four bytes")], { parts: family });

const leafValues = { type: 2, low: 5, across: 0b1001, address: 0x1122334455667788n, name: "a\xffz" };
const LEAF = [2, 16, 0x45, 0x02, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x61, 0xff, 0x7a, 0];

/** The structure in bytes, all of which belong to it. */
function read<Layout extends typeof whole | typeof leaf>(
  layout: Layout,
  bytes: readonly number[],
): Structure {
  return readStructure(layout, Uint8Array.from(bytes), 0, bytes.length);
}

describe("declarations", () => {
  it("cover every bit once", () => {
    const declared = (fields: Parameters<typeof declare>[3]) => declare("odd", "1", [], fields);
    expect(() => declared([number("a", 0, 2, ""), number("b", 1, 1, "")])).toThrow(
      "odd: bit 8 of b is taken",
    );
    expect(() => declared([number("a", 0, 1, ""), number("b", 2, 1, "")])).toThrow("some bits below 24");
    expect(() => declared([bits("a", 0, "6:0", "")])).toThrow("some bits below 7");
  });
});

describe("structures", () => {
  it("are written where their fields are declared", () => {
    expect([...writeStructure(make(leaf, leafValues))]).toEqual(LEAF);
  });

  it("are read with values of their types", () => {
    const one = read(leaf, LEAF);
    expect(one.values).toEqual(leafValues);
    expect(isA(one, leaf) && one.values.address % 2n).toBe(0n);
    expect(allOf([one, read(whole, [0, 0, 0, 0])], leaf)).toEqual([one]);
  });

  it("keep what is in reserved places apart", () => {
    const bytes = LEAF.with(2, 0x6d).with(15, 9);
    const one = read(leaf, bytes);
    expect(one.values).toEqual(leafValues);
    expect([...one.reserved!]).toEqual([0, 0, 0x28, ...Array(12).fill(0), 9]);
    expect([...writeStructure(one)]).toEqual(bytes);
    expect(read(leaf, LEAF).reserved).toBeNull();
  });

  it("have parts, whose places follow from their sizes", () => {
    const one = read(whole, [7, 0, 0, 0, ...LEAF, 3, 4, 8, 9]);
    expect(one.parts.map((part) => part.layout.name)).toEqual(["leaf", "path"]);
    expect(placed(one.parts, whole.bytes).map((part) => part.offset)).toEqual([4, 20]);
    expect([...one.parts[1]!.rest]).toEqual([8, 9]);
    expect(sizeOf(one)).toBe(24);
  });

  it("of unknown types, and such as are too short for theirs, are read as their head", () => {
    const one = read(whole, [0, 0, 0, 0, 9, 3, 0xaa, 1, 4, 0xbb, 0xcc]);
    expect(one.parts.map((part) => [part.layout.name, part.values.type, [...part.rest]])).toEqual([
      ["head", 9, [0xaa]],
      ["head", 1, [0xbb, 0xcc]],
    ]);
  });

  it.each([
    ["has no length", [3, 0, 1]],
    ["is shorter than its head", [3, 1, 1]],
    ["ends behind what it is in", [3, 4, 1]],
    ["is cut off in its head", [3]],
  ])("leave over what %s", (_, bytes) => {
    const one = read(whole, [0, 0, 0, 0, 3, 2, ...bytes]);
    expect(one.parts).toHaveLength(1);
    expect([...one.rest]).toEqual(bytes);
    expect([...writeStructure(one)]).toEqual([0, 0, 0, 0, 3, 2, ...bytes]);
  });

  it("take their lengths from their types where no field tells", () => {
    const bare = declare("bare", "1", [], [number("type", 0, 1, "type")], {
      tail: { name: "bytes", show: hexBytes },
    });
    const pair = declare("pair", "1", [1], [number("type", 0, 1, "type"), number("value", 1, 1, "value")]);
    const lengthOf = (type: number) => (type < 4 ? 2 : null);
    const of = declare("of", "1", [], [], { parts: { name: "part", head: bare, layouts: [pair], lengthOf } });
    const one = readStructure(of, Uint8Array.from([1, 5, 3, 6, 4, 7]), 0, 6);
    expect(one.parts.map((part) => part.layout.name)).toEqual(["pair", "bare"]);
    expect([...one.rest]).toEqual([4, 7]);
  });

  it("cannot be written with values that their fields have no room for", () => {
    const wrong = (values: Partial<typeof leafValues>) => () =>
      writeStructure(make(leaf, { ...leafValues, ...values }));
    expect(wrong({ low: 8 })).toThrow("low has no room for 8");
    expect(wrong({ low: -1 })).toThrow("low has no room for -1");
    expect(wrong({ address: 1n << 64n })).toThrow("address has no room");
    expect(wrong({ name: "four" })).toThrow("name has 3 characters, not 4");
    const long = make(path, { type: 3 }, [], new Uint8Array(254));
    expect(() => writeStructure(long)).toThrow("length has no room for 256");
  });

  it("are the same after they were written and read, whatever is in them", () => {
    const chance = new Chance();
    for (let seed = 0; seed < 500; seed++) {
      chance.seed(seed);
      const drawn = drawStructure(whole, chance);
      const bytes = writeStructure(drawn);
      expect(readStructure(whole, bytes, 0, bytes.length)).toEqual(drawn);
    }
  });
});

describe("shown structures", () => {
  it("have their fields in order, and what is in reserved places", () => {
    const one: StructureOf<typeof whole> = make(whole, { count: 1 }, [read(leaf, LEAF.with(15, 9))]);
    expect(shownStructure(one, 100)).toEqual({
      name: "whole",
      offset: 100,
      fields: [{ name: "count", value: "1" }],
      parts: [
        {
          name: "leaf",
          offset: 104,
          fields: [
            { name: "type", value: "2" },
            { name: "length", value: "16" },
            { name: "low", value: "5" },
            { name: "across", value: "9" },
            { name: "address", value: "0x1122334455667788" },
            { name: "name", value: '"a\\xffz"' },
            { name: "reserved 15.7:0", value: "0x9" },
          ],
          parts: [],
        },
      ],
    });
  });

  it("have their tails, and bytes that belong to nothing", () => {
    const one = make(
      whole,
      { count: 0 },
      [make(path, { type: 3 }, [], Uint8Array.of(1, 16))],
      Uint8Array.of(255),
    );
    const shown = shownStructure(one, 0);
    expect(shown.fields).toContainEqual({ name: "further bytes", value: "ff" });
    expect(shown.parts[0]!.fields).toContainEqual({ name: "path", value: "01 10" });
  });
});
