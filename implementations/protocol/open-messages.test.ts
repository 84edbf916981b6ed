import { describe, expect, test } from "vitest";
import { OpenMessages } from "./open-messages.js";

describe("open messages", () => {
  test("are numbered from 0 on, whatever is answered meanwhile", () => {
    const open = new OpenMessages();
    expect([open.add("a"), open.add("b")]).toEqual([0, 1]);
    open.close(0);
    open.close(1);
    expect([open.isEmpty, open.first, open.add("c"), open.add("d")]).toEqual([true, 2, 2, 3]);
    open.reset();
    expect(open.add("e")).toBe(0);
  });

  test("may be answered in any order; the first is the oldest that is left", () => {
    const open = new OpenMessages();
    for (const text of ["a", "b", "c"]) open.add(text);
    open.close(1);
    expect([open.first, open.get(0), open.get(1), open.get(2)]).toEqual([0, "a", undefined, "c"]);
    open.close(0);
    expect([open.first, open.isEmpty]).toEqual([2, false]);
  });

  test("are unknown by the ids of others", () => {
    const open = new OpenMessages();
    open.add("a");
    open.close(open.add("b"));
    open.close(0);
    open.add("c");
    expect([-1, 0, 1, 0.5, 3].map((id) => open.get(id))).toEqual(Array(5).fill(undefined));
    expect(open.get(2)).toBe("c");
  });
});
