import { beforeEach, describe, expect, it } from "vitest";
import { OPEN } from "../words/memory.js";
import { Protection } from "./protection.js";

const LOW = { first: 0x10, last: 0x1f };
const HIGH = { first: 0x100, last: 0x17f };
let protection: Protection;

beforeEach(() => {
  protection = new Protection();
  protection.reset();
});

/** Whether a page may be protected, and may be not, at a step. */
function may(page: number, now: number): [protectedOne: boolean, open: boolean] {
  return [protection.mayProtect(page, true, now), protection.mayProtect(page, false, now)];
}

describe("nothing protected", () => {
  it("is how it begins", () => {
    expect([protection.isUnused, protection.isOn]).toEqual([true, false]);
    expect(may(LOW.first, 0)).toEqual([false, true]);
    expect([protection.firstEnd, protection.onSince(9), protection.changingSince(0, 9)]).toEqual([
      OPEN,
      0,
      0,
    ]);
    expect(protection.edgeBehind(0)).toBe(Number.POSITIVE_INFINITY);
    expect([protection.pages, protection.ends()]).toEqual([[], []]);
    expect([protection.isPending(0), protection.isCommandedAt(0)]).toEqual([false, false]);
  });

  it("is how it is again after a reset", () => {
    protection.commanded([LOW], 3);
    protection.reset();
    expect([protection.isUnused, protection.isOn, protection.pages]).toEqual([true, false, []]);
    protection.commanded([HIGH], 4);
    protection.observed(5);
    expect([may(LOW.first, 6), may(HIGH.first, 6)]).toEqual([
      [false, true],
      [true, false],
    ]);
  });
});

describe("a command", () => {
  beforeEach(() => protection.commanded([LOW, HIGH], 3));

  it("may be in force from its step on, and is when that was seen", () => {
    expect(may(LOW.first, 2)).toEqual([false, true]);
    expect(may(LOW.first, 3)).toEqual([true, true]);
    expect([protection.isPending(9), protection.isCommandedAt(3), protection.isCommandedAt(4)]).toEqual([
      true,
      true,
      false,
    ]);
    protection.observed(9);
    expect(may(LOW.first, 8)).toEqual([true, true]);
    expect(may(LOW.first, 9)).toEqual([true, false]);
    expect([protection.isPending(9), protection.isUnused, protection.isOn]).toEqual([false, false, true]);
    expect([protection.firstEnd, protection.ends()]).toEqual([9, [9, OPEN]]);
  });

  it("is about its pages, first and last, and no others", () => {
    protection.observed(4);
    const seen = [0xf, 0x10, 0x1f, 0x20, 0xff, 0x100, 0x17f, 0x180].map((page) => may(page, 5)[0]);
    expect(seen).toEqual([false, true, true, false, false, true, true, false]);
  });

  it("is under way for the pages that it changes", () => {
    expect(protection.changingSince(LOW.first, 5)).toBe(3);
    expect(protection.changingSince(0x30, 5)).toBe(0);
    protection.observed(6);
    expect(protection.changingSince(LOW.first, 5)).toBe(3);
    expect(protection.changingSince(LOW.first, 6)).toBe(0);
  });

  it("is in force last once it was seen, until it is taken back", () => {
    expect(protection.onSince(9)).toBe(0);
    protection.observed(9);
    expect([protection.onSince(8), protection.onSince(9)]).toEqual([0, 3]);
    protection.commanded(null, 12);
    expect([protection.isOn, may(LOW.first, 13)]).toEqual([false, [true, true]]);
    expect(protection.changingSince(LOW.first, 13)).toBe(12);
    protection.observed(14);
    expect(may(LOW.first, 14)).toEqual([false, true]);
    expect(protection.isUnused).toBe(false);
  });

  it("leaves edges where other memory begins", () => {
    const edges = [0, 0xf, 0x10, 0x1f, 0x20, 0xff, 0x100, 0x17f, 0x180].map((page) =>
      protection.edgeBehind(page),
    );
    const never = Number.POSITIVE_INFINITY;
    expect(edges).toEqual([0x10, 0x10, 0x20, 0x20, 0x100, 0x100, 0x180, 0x180, never]);
  });

  it("is forgotten with what was in force before", () => {
    protection.observed(9);
    protection.commanded(null, 12);
    protection.observed(14);
    protection.forget(9);
    expect(protection.ends()).toEqual([14, OPEN]);
    protection.forget(14);
    expect([protection.isUnused, protection.ends(), may(LOW.first, 20)]).toEqual([true, [], [false, true]]);
  });
});

describe("several commands", () => {
  it("keep their own pages apart", () => {
    protection.commanded([LOW], 3);
    protection.observed(4);
    protection.commanded(null, 5);
    protection.observed(6);
    protection.commanded([HIGH], 7);
    protection.observed(8);
    expect(protection.pages).toEqual([LOW, HIGH]);
    expect([may(LOW.first, 4), may(HIGH.first, 4)]).toEqual([
      [true, false],
      [false, true],
    ]);
    expect([may(LOW.first, 8), may(HIGH.first, 8)]).toEqual([
      [false, true],
      [true, false],
    ]);
    expect(protection.onSince(8)).toBe(7);
  });
});
