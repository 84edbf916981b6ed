import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leafRunsOf } from "./leaves.js";
import { ENTRIES } from "./table.js";

const POWERS = Array.from({ length: 19 }, (_, order) => order);
const mapping = (iova: number, page: number, pages: number) => ({ iova, page, pages, access: 3 });
const sizes = (iova: number, page: number, pages: number, orders: readonly number[]) =>
  leafRunsOf(mapping(iova, page, pages), orders).map((one) => [one.pages, one.pagesOfLeaf, one.level]);

describe("entries of a run of pages", () => {
  it.each<[string, number, number, number, readonly number[], number[][]]>([
    ["one page", 7, 9, 1, POWERS, [[1, 1, 1]]],
    [
      "small pages only",
      0,
      0,
      1024,
      [0],
      [
        [512, 1, 1],
        [512, 1, 1],
      ],
    ],
    ["2 MiB", 512, 1024, 512, [0, 9], [[512, 512, 2]]],
    ["2 MiB of which the page is not aligned", 512, 1025, 512, [0, 9], [[512, 1, 1]]],
    ["2 MiB twice, in one table", 0, 0, 1024, [0, 9], [[1024, 512, 2]]],
    ["a size of several entries", 16, 32, 16, POWERS, [[16, 16, 1]]],
    ["the largest that both sides are aligned to", 16, 4, 16, POWERS, [[16, 4, 1]]],
    [
      "smaller ones at both ends",
      6,
      6,
      5,
      POWERS,
      [
        [4, 2, 1],
        [1, 1, 1],
      ],
    ],
    ["1 GiB", 0x40000, 0, 0x40000, POWERS, [[0x40000, 0x40000, 3]]],
  ])("%s", (_, iova, page, pages, orders, expected) => {
    expect(sizes(iova, page, pages, orders)).toEqual(expected);
  });

  it("map every page once, aligned on both sides, each run in one table", () => {
    const small = fc.nat(3000);
    fc.assert(
      fc.property(small, small, fc.integer({ min: 1, max: 1500 }), (iova, page, pages) => {
        let next = iova;
        for (const one of leafRunsOf(mapping(iova, page, pages), POWERS)) {
          expect([one.iova, one.page]).toEqual([next, page + next - iova]);
          expect([
            one.iova % one.pagesOfLeaf,
            one.page % one.pagesOfLeaf,
            one.pages % one.pagesOfLeaf,
          ]).toEqual([0, 0, 0]);
          expect(one.pagesOfLeaf).toBeLessThan(ENTRIES ** one.level);
          const reach = ENTRIES ** one.level;
          expect(Math.floor(one.iova / reach)).toBe(Math.floor((one.iova + one.pages - 1) / reach));
          next += one.pages;
        }
        expect(next).toBe(iova + pages);
      }),
    );
  });
});
