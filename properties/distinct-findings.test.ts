/** Findings put together: what is left, what is counted, and which files go. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DistinctFinding, DistinctFindings } from "./distinct-findings.js";
import { isCoveredBy } from "./signature.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iommu-spec-distinct-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

let files = 0;
function found(signature: string, steps: number, count = 1): DistinctFinding {
  const file = join(folder, `${files++}.json`);
  writeFileSync(file, "");
  const scenario = { steps: new Array(steps).fill({ do: "wait" }) };
  return { signature, count, scenario, file } as unknown as DistinctFinding;
}

function entered(...findings: DistinctFinding[]): readonly DistinctFinding[] {
  const distinct = new DistinctFindings();
  for (const one of findings) distinct.enter(one);
  return distinct.all();
}

describe("DistinctFindings", () => {
  it("lists what is the same once, with all counts", () => {
    const all = entered(found("stale|a", 3), found("stale|a", 3, 4), found("refused|a", 3));
    expect(all.map((one) => [one.signature, one.count]).sort()).toEqual([
      ["refused|a", 1],
      ["stale|a", 5],
    ]);
  });

  it("shows the shortest scenario under the fewest ingredients, and removes the other file", () => {
    const [long, short] = [found("stale|a", 5), found("stale|a,b", 4)];
    expect(entered(long, short)).toEqual([{ ...short, signature: "stale|a", count: 2 }]);
    expect(existsSync(long.file)).toBe(false);
    expect(existsSync(short.file)).toBe(true);
  });

  it("keeps the first of equally short ones", () => {
    const [first, second] = [found("stale|a", 3), found("stale|a", 3)];
    expect(entered(first, second)).toEqual([{ ...first, count: 2 }]);
  });

  it("one with few ingredients takes in several that were distinct", () => {
    const all = entered(found("stale|a,b", 3), found("stale|a,c", 3), found("stale|a", 3));
    expect(all.map((one) => [one.signature, one.count])).toEqual([["stale|a", 3]]);
  });

  it("one with many ingredients does not make two others one", () => {
    const all = entered(found("stale|a", 3), found("stale|b", 3), found("stale|a,b", 3));
    expect(all.map((one) => one.signature).sort()).toEqual(["stale|a", "stale|b"]);
  });

  it("leaves the same signatures, whatever the order", () => {
    const ingredients = fc.uniqueArray(fc.constantFrom("a", "b", "c"));
    const signature = ingredients.map((list) => `stale|${list.sort().join()}`);
    fc.assert(
      fc.property(
        fc.array(signature, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 5 }),
        (all, turn) => {
          const turned = [...all.slice(turn), ...all.slice(0, turn)];
          const left = (list: string[]) =>
            entered(...list.map((one) => found(one, 3))).map((one) => one.signature);
          expect(left(turned).sort()).toEqual(left(all).sort());
          const smallest = all.filter((one) =>
            all.every((other) => !isCoveredBy(one, other) || one === other),
          );
          expect(new Set(left(all))).toEqual(new Set(smallest));
        },
      ),
      { numRuns: 200 },
    );
  });
});
