import { describe, expect, test } from "vitest";
import { sampleWalk } from "./testing.js";
import { walkFigure } from "./walk.js";

describe("the walk", () => {
  const { text } = walkFigure(sampleWalk(), "a");

  test("places an entry as far down in its table as it is", () => {
    const cells = [...text.matchAll(/class="cell" x="0" y="(\d+)".*?class="address">([^<]*)</gs)].map(
      ([, y, address]) => [address, Number(y)] as const,
    );
    const y = new Map(cells);
    expect(y.get("0x2000000")).toBe(40);
    expect(y.get("0x2007200")).toBeGreaterThan(y.get("0x2009048")!);
    expect(y.get("0x200aff8")).toBe(40 + 138 - 36);
  });

  test("links every box to the next, from the request to the end", () => {
    expect(text.match(/class="arrow"/g)).toHaveLength(sampleWalk().entries.length + 1);
    expect(text).toContain("write of 0x13ff010 by 00:04.0");
    expect(text).toContain("page 0x13ff000,");
  });

  test("marks the old entry: when it was stored, when replaced, and why it is told", () => {
    const old = text.slice(text.indexOf('<li class="old">'));
    expect(old).toContain("old value: stored by step 2, replaced by step 4");
    expect(old).toContain("is ruled out by the IOTLB invalidation");
    expect(text.match(/<li class="old">/g)).toHaveLength(1);
  });

  test("shows each field with its bits and meaning", () => {
    expect(text).toMatch(/<th scope="row">ADDR<\/th><td class="number">51:12<\/td><td><code>0x13ff<\/code>/);
  });
});
