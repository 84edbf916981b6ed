import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { common, hasId, idSet, isWithin, single, without } from "./device-ids.js";

const MOST = 40;
const ranges = fc.array(
  fc
    .tuple(fc.nat(MOST), fc.nat(MOST))
    .map(([one, other]) => ({ first: Math.min(one, other), last: Math.max(one, other) })),
  { maxLength: 6 },
);
const all = Array.from({ length: MOST + 1 }, (_, id) => id);
const inAny = (of: readonly { first: number; last: number }[], id: number) =>
  of.some(({ first, last }) => first <= id && id <= last);

describe("sets of DeviceIDs", () => {
  it("are what their ranges have, in the fewest ranges", () => {
    fc.assert(
      fc.property(ranges, (given) => {
        const ids = idSet(given);
        for (const id of all) expect(hasId(ids, id)).toBe(inAny(given, id));
        for (const [index, { first }] of ids.entries())
          if (index > 0) expect(first).toBeGreaterThan(ids[index - 1]!.last + 1);
      }),
    );
  });

  it("are taken from each other, and met, id by id", () => {
    fc.assert(
      fc.property(ranges, ranges, (first, second) => {
        const [one, other] = [idSet(first), idSet(second)];
        const kept = all.filter((id) => inAny(first, id) && !inAny(second, id));
        const shared = all.filter((id) => inAny(first, id) && inAny(second, id));
        expect(idSet(without(one, other))).toEqual(idSet(single(kept)));
        expect(idSet(common(one, other))).toEqual(idSet(single(shared)));
        expect(isWithin(one, other)).toBe(kept.length === 0);
      }),
    );
  });
});
