import { describe, expect, it } from "vitest";
import { commonFindings, commonRules } from "./checks.js";
import { length, number, reserved } from "./fields.js";
import { hexBytes } from "./show.js";
import { declare, make, type Structure, writeStructure } from "./structure.js";
import {
  bytesOfTable,
  fragment,
  headerFields,
  readTable,
  statedLength,
  sumOf,
  withChecksum,
} from "./table.js";

const head = declare("head", "1", [], [number("type", 0, 1, "type"), length(1, 1)], {
  tail: { name: "bytes", show: hexBytes },
});
const known = declare("known", "1", [1], [number("type", 0, 1, "type"), length(1, 1), reserved(2, 2)]);
const layout = declare("TEST", "1", [], [...headerFields, reserved(36, 8)], {
  parts: { name: "part", head, layouts: [known] },
});
const rules = commonRules("test", "spec 1", "spec 2");

const header = {
  signature: "TEST",
  tableLength: 0,
  revision: 1,
  checksum: 0,
  oemId: "MAKER ",
  oemTableId: "MACHINE ",
  oemRevision: 1,
  creatorId: "ISPC",
  creatorRevision: 1,
};
const correct = bytesOfTable(make(layout, header, [make(known, { type: 1 })]));
const HEADER = 44;

function findingsOf(bytes: Uint8Array): [string, number][] {
  return commonFindings(readTable(layout, bytes), bytes, "TEST", rules).map((one) => [
    one.rule.id,
    one.offset,
  ]);
}

/** The correct table with these bytes in place of its own from an offset on, and with its checksum. */
function changed(offset: number, ...bytes: number[]): Uint8Array {
  const table = correct.slice();
  table.set(bytes, offset);
  return withChecksum(table);
}

describe("tables", () => {
  it("get their length and their checksum", () => {
    expect(statedLength(correct)).toBe(HEADER + 4);
    expect(sumOf(correct)).toBe(0);
    expect(findingsOf(correct)).toEqual([]);
  });

  it("end where their header says; what comes behind is kept", () => {
    const bytes = Uint8Array.from([...correct, 1, 4, 0, 0]);
    const table: Structure = readTable(layout, bytes);
    expect(table.parts).toHaveLength(1);
    expect([...table.rest]).toEqual([1, 4, 0, 0]);
    expect(writeStructure(table)).toEqual(bytes);
    expect(findingsOf(bytes)).toEqual([["test.table.length", 0]]);
  });

  it("that are cut off are fragments", () => {
    for (const size of [0, 4, 9, HEADER - 1]) {
      const bytes = correct.slice(0, size);
      const table: Structure = readTable(layout, bytes);
      expect(table.layout).toBe(fragment);
      expect(writeStructure(table)).toEqual(bytes);
      expect(findingsOf(bytes)).toEqual([["test.table.length", 0]]);
      expect(withChecksum(bytes)).toHaveLength(size);
    }
  });
});

describe("what can be wrong with every table", () => {
  it.each([
    ["another signature", changed(0, 0x58), [["test.table.signature", 0]]],
    ["a length that is too large", changed(4, HEADER + 5), [["test.table.length", 0]]],
    [
      "a wrong checksum",
      correct.map((byte, at) => (at === 9 ? byte ^ 1 : byte)),
      [["test.table.checksum", 0]],
    ],
    ["reserved bytes of the table", changed(38, 1), [["test.reserved", 0]]],
    ["reserved bytes of a structure", changed(HEADER + 2, 1), [["test.reserved", HEADER]]],
    ["a structure of no known type", changed(HEADER, 7), [["test.structure.unknown", HEADER]]],
    ["one that ends behind the table", changed(HEADER + 1, 5), [["test.structure.length", HEADER]]],
    [
      "one that is too short for its type",
      changed(HEADER + 1, 2),
      [
        ["test.structure.length", HEADER],
        ["test.structure.length", HEADER + 2],
      ],
    ],
  ])("%s", (_, bytes, expected) => {
    expect(findingsOf(bytes)).toEqual(expected);
  });

  it("a structure that is too long for its type", () => {
    const long = bytesOfTable(make(layout, header, [make(known, { type: 1 }, [], Uint8Array.of(1))]));
    expect(findingsOf(long)).toEqual([["test.structure.length", HEADER + 4]]);
  });
});
