import { describe, expect, it } from "vitest";
import { declaredRules, mutantsOf, mutated } from "./mutants.js";

/** A source map that says nothing. */
const NO_MAP = JSON.stringify({ version: 3, sources: [], names: [], mappings: "" });

function moduleOf(text: string) {
  return { file: "model/some.ts", text, map: NO_MAP };
}

/** What a text may become, each with the kind of mutation. */
function mutantsIn(text: string): string[] {
  return mutantsOf(moduleOf(text), new Map()).map(
    (one) => `${one.operator}: ${mutated(text, one.edit).trim()}`,
  );
}

describe("mutants", () => {
  it.each([
    ["x = a < b;", ["statement: ;", "boundary: x = (a <= b);", "negation: x = (a >= b);"]],
    ["x = a === b;", ["statement: ;", "negation: x = (a !== b);"]],
    [
      "x = a && (b || c);",
      ["statement: ;", "logical: x = (a || (b || c));", "logical: x = a && ((b && c));"],
    ],
    ["x = !(a + b);", ["statement: ;", "unary: x = (a + b);", "arithmetic: x = !((a - b));"]],
    ["x |= y << z;", ["statement: ;", "assignment: x &= y << z;", "bitwise: x |= (y >>> z);"]],
    ["const x = 5;", ["number: const x = 6;", "number: const x = 4;"]],
    ["const x = true;", ["boolean: const x = false;"]],
    ["if (x) y();", ["condition: if (true) y();", "condition: if (false) y();", "statement: if (x) ;"]],
    ["const x = y.filter(z);", ["call: const x = y;"]],
    ["const x = Math.min(y, z);", ["method: const x = Math.max(y, z);"]],
    ["const x = [y];", ["array: const x = [];"]],
    [
      "for (; x; y++) z();",
      ["condition: for (; false; y++) z();", "update: for (; x; y--) z();", "statement: for (; x; y++) ;"],
    ],
  ])("%s", (text, expected) => {
    expect(mutantsIn(text)).toEqual(expected);
  });

  it("of layouts: bits, names and access types, but no wording", () => {
    expect(mutantsIn('const x = field("P", "3:1", "present");')).toEqual([
      'id: const x = field("", "3:1", "present");',
      'bits: const x = field("P", "4:1", "present");',
      'bits: const x = field("P", "2:1", "present");',
      'bits: const x = field("P", "3:2", "present");',
      'bits: const x = field("P", "3:0", "present");',
    ]);
    expect(mutantsIn('const x = ["P", "RW"];')).toEqual([
      "array: const x = [];",
      'id: const x = ["", "RW"];',
      'access: const x = ["P", "RO"];',
    ]);
  });

  it("are none of messages, imports, and fields that a constructor takes over", () => {
    const template = ["const x = `$", "{1 + 2}`;"].join("");
    expect(mutantsIn(`import { x } from "./x.js"; throw new Error("1" + 2); ${template}`)).toEqual([]);
    expect(mutantsIn("const x = y.toString();")).toEqual([]);
    expect(mutantsIn("class X { constructor(y) { this.y = y; } }")).toEqual([]);
  });

  it("are known by the lines they change, and which of equal ones they are", () => {
    const text = "x(1);\n  x(1);\n";
    const seen = mutantsOf(moduleOf(text), new Map()).filter((one) => one.operator === "statement");
    expect(seen.map((one) => [one.original, one.replacement, one.occurrence])).toEqual([
      ["x(1);", ";", 1],
      ["x(1);", ";", 2],
    ]);
  });

  it("name the rules of their statement, and of the entry that declares one", () => {
    const text =
      'const faultRules = { one: fault("first.rule", 1) };\nif (a < b) out = faultRules.one;\nc = d - e;\n';
    const rules = declaredRules(text);
    expect([...rules]).toEqual([["faultRules.one", "first.rule"]]);
    const named = mutantsOf(moduleOf(text), rules).map((one) => [one.operator, one.rules.join()]);
    expect(named).toContainEqual(["id", "first.rule"]);
    expect(named).toContainEqual(["number", "first.rule"]);
    expect(named).toContainEqual(["boundary", "first.rule"]);
    expect(named).toContainEqual(["arithmetic", ""]);
  });
});
