import { describe, expect, it } from "vitest";
import { Coverage, type Rule } from "./rule.js";

const rule = (id: string): Rule => ({ id, statement: `statement of ${id}`, section: "1" });
const [first, second, third] = [rule("a"), rule("b"), rule("c")];

describe("coverage of rules", () => {
  it("starts with every rule missing", () => {
    const coverage = new Coverage([first, second]);
    expect(coverage.missing()).toEqual([first, second]);
    expect(coverage.countOf(first)).toBe(0);
  });

  it("counts hits by rule and names the ones never hit", () => {
    const coverage = new Coverage([first, second, third]);
    coverage.hit(second);
    coverage.hit(second);
    coverage.hit(third);
    expect([first, second, third].map((one) => coverage.countOf(one))).toEqual([0, 2, 1]);
    expect(coverage.missing()).toEqual([first]);
  });

  it("counts nothing for a rule it was not given", () => {
    expect(new Coverage([first]).countOf(second)).toBe(0);
  });
});
