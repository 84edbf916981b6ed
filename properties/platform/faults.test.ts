import { beforeEach, describe, expect, it } from "vitest";
import { FaultBook } from "./faults.js";

const LIMIT = 3;
const [A, B, SHARED] = [8, 16, 24];
const one = { name: "one", ids: [A, SHARED] };
const other = { name: "other", ids: [B, SHARED] };
const both = [one, other];

let found: string[];
let book: FaultBook;

beforeEach(() => {
  found = [];
  book = new FaultBook(1, LIMIT, (kind) => found.push(kind));
});

/** So many faults of a requester at pages from 1 on, all of them reported. */
function faults(requester: number, count: number): void {
  for (let page = 1; page <= count; page++) book.block(0, requester, page, true);
  for (let page = 1; page <= count; page++) book.report(requester, page);
}

describe("a fault", () => {
  it("is lost when it was the first one and is not reported", () => {
    book.block(0, A, 1, true);
    book.block(0, A, 2, true);
    book.report(A, 2);
    book.handled(both);
    expect(found).toEqual(["fault-lost"]);
  });

  it("may be hidden by one before it", () => {
    book.block(0, A, 1, true);
    book.block(0, B, 2, true);
    book.report(A, 1);
    book.handled(both);
    expect(found).toEqual([]);
  });

  it("may be hidden by one that is not recorded for sure", () => {
    book.block(0, A, 1, false);
    book.block(0, B, 2, true);
    book.handled(both);
    expect(found).toEqual([]);
  });

  it("counts again when the log was handled", () => {
    faults(A, 1);
    book.handled(both);
    book.block(0, B, 2, true);
    book.handled(both);
    expect(found).toEqual(["fault-lost"]);
  });

  it("is not owed by an operating system that has just taken over", () => {
    book.block(0, A, 1, true);
    book.takenOver();
    book.block(0, A, 2, true);
    book.handled(both);
    expect(found).toEqual([]);
  });

  it("may not be reported of a device that had none", () => {
    book.report(A, 1);
    expect(found).toEqual(["uncontained"]);
  });
});

describe("a device", () => {
  it("has to be disabled when enough of its faults were reported", () => {
    faults(A, LIMIT - 1);
    book.handled(both);
    expect(found).toEqual([]);
    faults(A, 1);
    book.handled(both);
    expect(found).toEqual(["uncontained"]);
  });

  it("may be disabled then, and not before", () => {
    faults(A, LIMIT);
    book.disable(one);
    book.handled(both);
    expect(found).toEqual([]);
    expect(book.isDisabled("one")).toBe(true);
    book.disable(other);
    expect(found).toEqual(["uncontained"]);
  });

  it("may be disabled for faults under an id that it shares, but need not be", () => {
    faults(SHARED, LIMIT);
    book.handled(both);
    book.disable(one);
    book.disable(other);
    expect(found).toEqual([]);
  });

  it("starts anew when it is plugged in", () => {
    faults(A, LIMIT);
    book.disable(one);
    book.forget(one);
    expect(book.isDisabled("one")).toBe(false);
    faults(A, LIMIT - 1);
    book.handled(both);
    expect(found).toEqual([]);
  });

  it("may have faults reported that it had before it was plugged in", () => {
    book.block(0, A, 1, true);
    book.forget(one);
    book.report(A, 1);
    expect(found).toEqual([]);
  });
});
