import { describe, expect, it } from "vitest";
import { generateDmar } from "../../../generators/firmware/dmar.js";
import { drawBytes, drawStructure } from "../../../generators/firmware/structures.js";
import { generatePlatform } from "../../../generators/pci/platform.js";
import type { ShownStructure } from "../../acpi/firmware-table.js";
import { type Structure, writeStructure } from "../../acpi/structure.js";
import { bytesOfTable, fragment, readTable, withChecksum } from "../../acpi/table.js";
import type { Topology } from "../../pci/topology.js";
import { Chance } from "../../words/chance.js";
import { topology } from "./dmar.testing.js";
import { dmarTables } from "./index.js";
import { dmarLayout } from "./layouts.js";

const SAMPLES = 10_000;

const equal = (one: Uint8Array | null, other: Uint8Array | null) =>
  one === other || (one !== null && other !== null && Buffer.compare(one, other) === 0);

function same(one: Structure, other: Structure): boolean {
  return (
    one.layout === other.layout &&
    one.layout.fields.every(({ name }) => one.values[name] === other.values[name]) &&
    equal(one.reserved, other.reserved) &&
    equal(one.rest, other.rest) &&
    one.parts.length === other.parts.length &&
    one.parts.every((part, index) => same(part, other.parts[index]!))
  );
}

describe("DMAR as bytes and as data", () => {
  it("is the same data after it was written and read, whatever is in it", () => {
    const chance = new Chance();
    for (let seed = 0; seed < SAMPLES; seed++) {
      chance.seed(seed);
      const drawn = drawStructure(dmarLayout, chance);
      const read: Structure = readTable(dmarLayout, bytesOfTable(drawn));
      const { tableLength, checksum } = read.values;
      const sealed = {
        ...drawn,
        values: { ...drawn.values, tableLength: tableLength!, checksum: checksum! },
      };
      if (!same(read, sealed)) expect(read, `seed ${seed}`).toEqual(sealed);
    }
  });

  it("is the same bytes after it was read and written, with every kind of structure, and has no findings", () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < SAMPLES / 2; seed++) {
      const bytes = generateDmar(seed);
      const read = readTable(dmarLayout, bytes);
      for (const { layout } of read.parts) kinds.add(layout.name);
      if (!equal(writeStructure(read), bytes)) expect(writeStructure(read), `seed ${seed}`).toEqual(bytes);
      const { findings } = dmarTables.read(bytes);
      if (findings.length > 0) expect(findings, `seed ${seed}`).toEqual([]);
    }
    expect([...kinds].sort()).toEqual(["ANDD", "ATSR", "DRHD", "RHSA", "RMRR", "SATC", "SIDP"]);
  });
});

/** Asks a table for everything that it can say. */
function hearOut(bytes: Uint8Array, machine: Topology) {
  const table = dmarTables.read(bytes);
  const skeleton = table.skeleton([]);
  table.platformIn(skeleton);
  return {
    findings: [...table.findings, ...table.findingsIn(machine)],
    structures: table.structures,
    platform: table.platformIn(machine),
  };
}

describe("bytes that are no DMAR", () => {
  it("are read without a throw, and written as they were", () => {
    const chance = new Chance();
    for (let seed = 0; seed < 3000; seed++) {
      chance.seed(seed);
      const bytes = drawBytes(chance, 160);
      if (bytes.length >= 48 && chance.happens(192)) {
        bytes.set(new TextEncoder().encode("DMAR"));
        bytes.set([bytes.length, 0, 0, 0], 4);
        // Types and lengths that make some structures of it.
        for (let at = 48; at + 4 < bytes.length; at += bytes[at + 2]! || 1)
          bytes.set([chance.below(8), 0, 4 + chance.below(60), 0], at);
      }
      const read: Structure = readTable(dmarLayout, bytes);
      expect(read.layout === fragment).toBe(bytes.length < 48);
      expect(equal(writeStructure(read), bytes), `seed ${seed}`).toBe(true);
      expect(hearOut(bytes, topology).findings).not.toEqual([]);
    }
  });
});

/** What structures a table has, and every field with its place. */
function fieldsOf(structures: readonly ShownStructure[]): string[] {
  return structures.flatMap((one) => [
    ...one.fields.map(({ name, value }) => `${one.offset} ${one.name} ${name} ${value}`),
    ...fieldsOf(one.parts),
  ]);
}

describe("a table of which one byte is changed", () => {
  const MACHINES = 250;
  const CHANGES = 10;

  it("has a finding, which is the checksum at least", () => {
    forEachChange((bytes, _offset, machine) => {
      expect(hearOut(bytes, machine).findings).not.toEqual([]);
    });
  });

  it("has a finding or says the same in all but one field, if the checksum is made right", () => {
    let silent = 0;
    forEachChange((bytes, offset, machine, original) => {
      const { findings, structures } = hearOut(withChecksum(bytes), machine);
      if (findings.length > 0) return;
      silent++;
      const before = new Set(fieldsOf(dmarTables.read(original).structures));
      const changed = fieldsOf(structures).filter((one) => !before.has(one));
      const checksum = offset === 9 ? 0 : 1;
      expect(changed.filter((one) => one.startsWith("0 DMAR checksum "))).toHaveLength(checksum);
      expect(changed.length).toBeLessThanOrEqual(checksum + 1);
    });
    expect(silent).toBeGreaterThan(0);
  });

  function forEachChange(
    check: (bytes: Uint8Array, offset: number, machine: Topology, original: Uint8Array) => void,
  ): void {
    const chance = new Chance();
    for (let seed = 0; seed < MACHINES; seed++) {
      const machine = generatePlatform(seed, "vtd");
      const original = dmarTables.bytesOf(machine);
      chance.seed(seed);
      for (let change = 0; change < CHANGES; change++) {
        const bytes = original.slice();
        const offset = chance.below(bytes.length);
        bytes[offset]! ^= 1 + chance.below(255);
        check(bytes, offset, machine.topology, original);
      }
    }
  }
});
