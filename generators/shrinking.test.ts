import { describe, expect, it } from "vitest";
import { rearranged, withoutSeveral } from "./shrinking.js";

const scenario = (letters: string) => ({ steps: [...letters].map((letter) => ({ letter })) });
const text = ({ steps }: ReturnType<typeof scenario>) => steps.map((one) => one.letter).join("");

describe("several steps at once", () => {
  it("go in every pair and every three, each once", () => {
    const left = [...withoutSeveral(scenario("abcd"))].map(text).sort();
    expect(left).toEqual(["a", "ab", "ac", "ad", "b", "bc", "bd", "c", "cd", "d"]);
  });

  it("are not there where there is one", () => {
    expect([...withoutSeveral(scenario("a"))]).toEqual([]);
  });
});

describe("steps in another order", () => {
  it("are one fewer, with one of them anywhere else", () => {
    const orders = new Set([...rearranged(scenario("abc"))].map(text));
    expect(orders).toEqual(new Set(["cb", "ca", "ba"]));
  });

  it("keep what they are", () => {
    const given = scenario("abcd");
    for (const one of rearranged(given)) for (const step of one.steps) expect(given.steps).toContain(step);
  });
});
