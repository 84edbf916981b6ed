/** Laws of every structure that can be decoded. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { architectures } from "./architectures.js";
import { decodeEntry, fullName, type Structure } from "./structure.js";
import { decode, encode, type Layout } from "./words/layout.js";
import { numberOf, rawValue, wordsOf } from "./words/shown-fields.js";

const entry = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });

/** As many bits as a number is exact in. */
const EXACT = 53;

describe.each(architectures.map((one) => [one.id, one.structures.all] as const))(
  "layouts of %s",
  (_, all) => {
    const layouts = [...new Set<Layout<never>>(all.flatMap((one) => one.layouts))];

    it("have every bit in one field, and names that tell fields apart", () => {
      for (const of of layouts) {
        const bits = of.fields.flatMap(({ low, high }) =>
          Array.from({ length: high - low + 1 }, (__, at) => low + at),
        );
        expect(bits.sort((a, b) => a - b)).toEqual(Array.from({ length: of.width }, (__, bit) => bit));
        expect(new Set(of.fields.map((one) => one.name)).size).toBe(of.fields.length);
      }
    });

    it("encode what they decode", () => {
      for (const of of layouts) {
        const named = of.fields.filter((one) => one.kind === "field" || one.kind === "address");
        const exact = named.filter((one) => one.high - one.low < EXACT);
        const kept = exact.reduce(
          (mask, { low, high }) => mask | (((1n << BigInt(high - low + 1)) - 1n) << BigInt(low)),
          0n,
        );
        const law = fc.property(entry(of.width), (number) => {
          const words = wordsOf(number & kept, of.width);
          const values = decode(of, words);
          for (const one of exact) expect(BigInt(values[one.name]!)).toBe(rawValue(one, words));
          const again = Object.fromEntries(exact.map(({ name }) => [name, values[name]!]));
          expect(numberOf(encode(of, again))).toBe(number & kept);
        });
        fc.assert(law, { numRuns: 5 });
      }
    });
  },
);

const everyStructure: (readonly [Structure, (typeof architectures)[number]])[] = architectures.flatMap(
  (architecture) => architecture.structures.all.map((one) => [one, architecture] as const),
);

describe("every structure", () => {
  it("has a name of its own", () => {
    const names = everyStructure.map(([one]) => fullName(one).toLowerCase());
    expect(new Set(names).size).toBe(names.length);
  });

  it("is decoded whatever its bits are, with every bit that is set in one shown field", () => {
    for (const [structure, architecture] of everyStructure) {
      const width = structure.widths.at(-1)!;
      const law = fc.property(entry(width), (number) => {
        const words = wordsOf(number, width);
        const { fields, width: shown } = decodeEntry(structure, words, null, architecture)!;
        const bits = fields.flatMap(({ bits: of }) => {
          const [high, low = high] = of.split(":").map(Number);
          return Array.from({ length: high! - low! + 1 }, (_, at) => low! + at);
        });
        expect(new Set(bits).size).toBe(bits.length);
        for (let bit = 0; bit < shown; bit++)
          if ((number >> BigInt(bit)) & 1n) expect(bits, `${fullName(structure)} bit ${bit}`).toContain(bit);
      });
      fc.assert(law, { numRuns: 1 });
    }
  });

  it("breaks only rules that are listed, each once", () => {
    for (const { id, rules, structures } of architectures) {
      const listed = [...rules, ...structures.rules].map((one) => one.id);
      expect(new Set(listed).size).toBe(listed.length);
      for (const structure of structures.all) {
        const law = fc.property(entry(structure.widths[0]!), (number) => {
          const words = wordsOf(number, structure.widths[0]!);
          const ids = structure.check(words, structures.mostCapable).broken.map((one) => one.rule.id);
          expect(new Set(ids).size, `${id} ${structure.name}`).toBe(ids.length);
          for (const one of ids) expect(listed).toContain(one);
        });
        fc.assert(law, { numRuns: 5 });
      }
    }
  });

  it("breaks nothing when it is all zeros, unless it needs a type or a length", () => {
    const broken = everyStructure.flatMap(([structure, { structures }]) => {
      const words = wordsOf(0n, structure.widths[0]!);
      return structure.check(words, structures.mostCapable).broken.map((one) => one.rule.id);
    });
    const expected = ["amdvi.commands.opcode", "amdvi.registers.buffer-length", "vtd.queue.descriptor-type"];
    expect([...new Set(broken)].sort()).toEqual(expected);
  });

  it("that is broken everywhere is broken on each platform that has a use for it", () => {
    for (const [structure, { structures, profiles }] of everyStructure) {
      const law = fc.property(
        fc.constantFrom(...profiles),
        entry(structure.widths[0]!),
        (profile, number) => {
          const words = wordsOf(number, structure.widths[0]!);
          if (structure.check(words, structures.mostCapable).broken.length === 0) return;
          const { broken, notes } = structure.check(words, profile);
          const unused = notes.some((one) => one.startsWith("the platform has no"));
          expect(broken.length > 0 || unused, `${fullName(structure)} on ${profile.id}`).toBe(true);
        },
      );
      fc.assert(law, { numRuns: 10 });
    }
  });
});
