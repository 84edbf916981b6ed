import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Candidate, pieces } from "./candidates.js";

/** Which candidates lead from an address to a page. */
function leading(candidates: readonly Candidate[], iova: number, page: number): Candidate[] {
  return candidates.filter(
    (one) => iova >= one.iova && iova < one.iova + one.pages && page - iova === one.page - one.iova,
  );
}

const candidate = fc.record({
  iova: fc.nat(12),
  page: fc.nat(12),
  pages: fc.integer({ min: 1, max: 6 }),
  access: fc.integer({ min: 1, max: 3 }),
});

describe("pieces of candidates", () => {
  it("a run with a hole where small entries took its place is cut around them", () => {
    const large = { iova: 0, page: 100, pages: 8, access: 3 };
    const small = { iova: 2, page: 102, pages: 1, access: 1 };
    expect(pieces([large, small, large])).toEqual([
      { iova: 0, page: 100, pages: 2, access: 3 },
      { iova: 2, page: 102, pages: 1, access: 3 },
      { iova: 3, page: 103, pages: 5, access: 3 },
    ]);
  });

  it("every page of a piece is led to by the same candidates, and every candidate is covered once", () => {
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 8 }), (candidates) => {
        const seen = new Set<string>();
        for (const piece of pieces(candidates)) {
          const first = leading(candidates, piece.iova, piece.page);
          expect(first.reduce((rights, one) => rights | one.access, 0)).toBe(piece.access);
          for (let at = 0; at < piece.pages; at++) {
            const key = `${piece.iova + at} ${piece.page + at}`;
            expect(seen.has(key)).toBe(false);
            seen.add(key);
            expect(leading(candidates, piece.iova + at, piece.page + at)).toEqual(first);
          }
        }
        for (const { iova, page, pages } of candidates)
          for (let at = 0; at < pages; at++) expect(seen.has(`${iova + at} ${page + at}`)).toBe(true);
      }),
    );
  });
});
