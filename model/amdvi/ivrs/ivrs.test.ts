import { describe, expect, it } from "vitest";
import { generateIvrs } from "../../../generators/firmware/ivrs.js";
import { drawBytes } from "../../../generators/firmware/structures.js";
import { type Structure, writeStructure } from "../../acpi/structure.js";
import { bytesOfTable, readTable } from "../../acpi/table.js";
import { Chance } from "../../words/chance.js";
import { ivrsTables } from "./index.js";
import { deviceEntries, ivrsLayout } from "./layouts.js";

const SAMPLES = 4000;

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

const written = (bytes: Uint8Array) => writeStructure(readTable(ivrsLayout, bytes));

describe("an IVRS", () => {
  it("is the same bytes after it was read and written, and nothing is wrong with a correct one", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < SAMPLES; seed++) {
      const bytes = generateIvrs(seed);
      const table: Structure = readTable(ivrsLayout, bytes);
      if (!equal(writeStructure(table), bytes)) expect.fail(`seed ${seed} is written differently`);
      const { findings } = ivrsTables.read(bytes);
      if (findings.length > 0) expect(findings, `seed ${seed}`).toEqual([]);
      for (const block of table.parts) {
        seen.add(`block ${block.values.type}`);
        for (const entry of block.parts) seen.add(`entry ${entry.values.type}`);
      }
    }
    const types = deviceEntries.layouts.flatMap((one) => one.types.map((type) => `entry ${type}`));
    const blocks = [0x10, 0x11, 0x40, 0x20, 0x21, 0x22].map((type) => `block ${type}`);
    expect([...seen].sort()).toEqual([...types, ...blocks].sort());
  });

  it("is the same data after it was written and read", () => {
    for (let seed = 0; seed < 500; seed++) {
      const bytes = generateIvrs(seed);
      const table = readTable(ivrsLayout, bytes);
      expect(readTable(ivrsLayout, bytesOfTable(table)), `seed ${seed}`).toEqual(table);
    }
  });

  it("can be read from any bytes without loss", () => {
    const chance = new Chance();
    for (let seed = 0; seed < 2000; seed++) {
      chance.seed(seed);
      const bytes = generateIvrs(seed);
      const from = chance.below(bytes.length);
      bytes.set(drawBytes(chance, Math.min(16, bytes.length - from)), from);
      const cut = chance.happens(64) ? bytes.subarray(0, chance.below(bytes.length)) : bytes;
      if (!equal(written(cut), cut)) expect.fail(`seed ${seed} is written differently`);
      const table = ivrsTables.read(cut);
      table.platformIn({ segments: [] });
      table.findingsIn({ segments: [] });
      table.skeleton([]);
      for (const { rule } of table.findings) expect(ivrsTables.rules).toContain(rule);
    }
  });

  it("has rules with different ids", () => {
    expect(new Set(ivrsTables.rules.map((rule) => rule.id)).size).toBe(ivrsTables.rules.length);
  });
});
