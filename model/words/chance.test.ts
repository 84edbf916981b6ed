import { describe, expect, it } from "vitest";
import { Chance } from "./chance.js";

function draws(seed: number, count: number): number[] {
  const chance = new Chance();
  chance.seed(seed);
  return Array.from({ length: count }, () => chance.bits());
}

describe("sequences of a seed", () => {
  it("are fixed: saved scenarios and recorded seeds depend on them", () => {
    expect(draws(0, 4)).toEqual([0xd440516, 0x3136ff45, 0x351b2d6a, 0x467ee311]);
    expect(draws(1, 4)).toEqual([0xecf6e542, 0x3b8910cd, 0x2b873ca5, 0x4e6caf2c]);
    expect(draws(0x9e3779b9, 4)).toEqual([0x42021, 0x4080601, 0x9dcca8c5, 0x1255994f]);
    expect(draws(0xffffffff, 4)).toEqual([0xd9582549, 0x63dc1d91, 0xeda7f966, 0x43ed3443]);
  });

  it("start again with the seed, whatever was drawn before", () => {
    const chance = new Chance();
    chance.seed(7);
    const first = [chance.bits(), chance.bits()];
    chance.below(10);
    chance.happens(128);
    chance.seed(7);
    expect([chance.bits(), chance.bits()]).toEqual(first);
  });

  it("never stand still, also for the seed that mixes to zero", () => {
    for (const seed of [0, 1, 2, 0x9e3779b9, 0x7fffffff]) {
      expect(new Set(draws(seed, 100)).size).toBe(100);
    }
  });

  it("of neighbouring seeds have nothing in common", () => {
    const first = new Set(Array.from({ length: 1000 }, (_, seed) => draws(seed, 1)[0]!));
    expect(first.size).toBe(1000);
    const evens = [...first].filter((value) => value % 2 === 0).length;
    expect(evens).toBeGreaterThan(400);
    expect(evens).toBeLessThan(600);
  });
});

describe("draws", () => {
  it("below: every number from 0 up to the bound, and no other", () => {
    const chance = new Chance();
    chance.seed(3);
    const seen = new Set(Array.from({ length: 500 }, () => chance.below(7)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it("below: the remainder of the bits, for bounds of every size", () => {
    const one = new Chance();
    const other = new Chance();
    for (const count of [1, 2, 3, 7, 24, 1000, 2 ** 30, 2 ** 31 - 1, 2 ** 31 + 1, 2 ** 32]) {
      one.seed(count);
      other.seed(count);
      for (let draw = 0; draw < 200; draw++) expect(one.below(count)).toBe(other.bits() % count);
    }
  });

  it("happens: never with weight 0, always with 256, about half the time with 128", () => {
    const chance = new Chance();
    chance.seed(3);
    const share = (weight: number) =>
      Array.from({ length: 1000 }, () => chance.happens(weight)).filter(Boolean).length;
    expect(share(0)).toBe(0);
    expect(share(256)).toBe(1000);
    const half = share(128);
    expect(half).toBeGreaterThan(420);
    expect(half).toBeLessThan(580);
  });
});
