import fc from "fast-check";
import { expect, it } from "vitest";
import { type Claim, ClaimedRuns } from "./claimed-runs.js";

const run = { iova: fc.nat(30), pages: fc.integer({ min: 1, max: 8 }) };
const act = fc.oneof(
  fc.record({ add: fc.record({ ...run, page: fc.nat(9), access: fc.constant(3) }) }),
  fc.record({ cut: fc.record(run) }),
);

/** What is left of a claim beside the addresses that go. */
function beside(claim: Claim, iova: number, pages: number): Claim[] {
  const before = Math.min(claim.pages, Math.max(0, iova - claim.iova));
  const after = Math.min(claim.pages, Math.max(0, claim.iova + claim.pages - (iova + pages)));
  if (before === claim.pages || after === claim.pages) return [claim];
  const behind = claim.pages - after;
  return [
    ...(before > 0 ? [{ ...claim, pages: before }] : []),
    ...(after > 0 ? [{ ...claim, iova: claim.iova + behind, page: claim.page + behind, pages: after }] : []),
  ];
}

it("finds what a list that is searched from end to end finds", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), fc.record(run), (acts, asked) => {
      const runs = new ClaimedRuns();
      let list: Claim[] = [];
      for (const one of acts) {
        if ("add" in one) {
          runs.add(one.add);
          list.push(one.add);
        } else {
          const { iova, pages } = one.cut;
          runs.replace(iova, pages, (claim) => beside(claim, iova, pages));
          list = list.flatMap((claim) => beside(claim, iova, pages));
        }
      }
      const over = list.filter(
        (one) => one.iova < asked.iova + asked.pages && asked.iova < one.iova + one.pages,
      );
      const inWords = (claims: readonly Claim[]) =>
        claims.map((one) => JSON.stringify(Object.entries(one).sort())).sort();
      expect(inWords(runs.over(asked.iova, asked.pages))).toEqual(inWords(over));
    }),
  );
});
