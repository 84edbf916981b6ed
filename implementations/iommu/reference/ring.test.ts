import { expect, it } from "vitest";
import { Ring } from "./ring.js";

it("a ring goes on over its pages and begins again behind its last entry", () => {
  const ring = new Ring();
  ring.moveTo(5, 512);
  expect([ring.placeOf(0), ring.placeOf(255), ring.placeOf(257)]).toEqual([
    { page: 5, word: 0 },
    { page: 5, word: 510 },
    { page: 6, word: 2 },
  ]);
  expect([ring.after(0), ring.after(511)]).toEqual([1, 0]);
  ring.tail = 2;
  expect(ring.isEmpty).toBe(false);
  ring.moveTo(7);
  expect([ring.isEmpty, ring.length, ring.after(255)]).toEqual([true, 256, 0]);
});
