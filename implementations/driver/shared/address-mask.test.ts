import { describe, expect, it } from "vitest";
import { alignedTo, coveringMask } from "./address-mask.js";

describe("address masks", () => {
  it.each([
    [0x1000, 1, 0],
    [0x1000, 2, 1],
    [0x1001, 2, 2],
    [0x1003, 2, 3],
    [0x1000, 3, 2],
    [0x1001, 3, 2],
    [0x1002, 3, 3],
    [0x1000, 512, 9],
    [0x1001, 512, 10],
    [0x1fff, 2, 14],
    [0x7ffffff, 2, 28],
  ])("page %i, %i pages: %i", (iova, pages, mask) => {
    expect(coveringMask(iova, pages)).toBe(mask);
  });

  it("cover every page of the run, and are no larger than that takes", () => {
    for (let iova = 0; iova < 40; iova++) {
      for (let pages = 1; pages < 40; pages++) {
        const mask = coveringMask(iova, pages);
        expect(alignedTo(mask, iova) + 2 ** mask).toBeGreaterThanOrEqual(iova + pages);
        if (mask > 0) expect(alignedTo(mask - 1, iova) + 2 ** (mask - 1)).toBeLessThan(iova + pages);
      }
    }
  });
});
