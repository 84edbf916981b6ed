import { describe, expect, it } from "vitest";
import { empty, removeAt, shorten } from "./lists.js";

describe("lists that are used again", () => {
  it("are emptied", () => {
    const list = [1, 2, 3];
    empty(list);
    expect(list).toEqual([]);
  });

  it("keep their first values", () => {
    const list = [1, 2, 3];
    shorten(list, 2);
    expect(list).toEqual([1, 2]);
    shorten(list, 5);
    expect(list).toEqual([1, 2]);
  });

  it("close up where a value is taken out", () => {
    const list = ["a", "b", "c", "d"];
    removeAt(list, 1);
    expect(list).toEqual(["a", "c", "d"]);
    removeAt(list, 2);
    expect(list).toEqual(["a", "c"]);
  });
});
