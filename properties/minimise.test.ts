import { describe, expect, it } from "vitest";
import { defaultOptions, generateScenario } from "../generators/generate.js";
import type { Scenario } from "../generators/scenario.js";
import { withoutSteps } from "../generators/shrinking.js";
import { architectures } from "../model/architectures.js";
import type { Finding, FindingKind } from "../model/finding.js";
import { minimise } from "./minimise.js";
import { recorded, type Subject } from "./subject.js";

const base = generateScenario(1, defaultOptions("vtd"));

/** A scenario whose steps reuse one page for each letter. */
function scenario(letters: string): Scenario {
  const steps = [...letters].map((letter) => ({ do: "reuse" as const, page: letter.charCodeAt(0) }));
  return { ...base, steps } as Scenario;
}

function lettersOf({ steps }: Scenario): string {
  return steps.map((step) => String.fromCharCode((step as { page: number }).page)).join("");
}

function finding(kind: FindingKind): Finding {
  return { kind, message: kind, rules: [], witness: [] } as unknown as Finding;
}

/** A subject that shows a kind of finding where its letters say so. */
function subjectOf(
  kindOf: (letters: string) => FindingKind | null,
  more: Partial<Subject<Scenario>> = {},
): Subject<Scenario> {
  const judge = (one: Scenario) => {
    const kind = kindOf(lettersOf(one));
    return {
      findings: kind ? [finding(kind)] : [],
      unknown: null,
      failure: null,
      requests: 0,
      stepOf: [],
      ...recorded([]),
    };
  };
  return {
    name: "letters",
    heading: "letters",
    architecture: architectures[0]!,
    drawsTiming: false,
    generate: () => scenario("z"),
    judge,
    judgeAfresh: judge,
    simpler: withoutSteps,
    avoiding: (one) => one,
    coverage: () => new Map(),
    ...more,
  };
}

function smallest(subject: Subject<Scenario>, letters: string, kind: FindingKind): string {
  return lettersOf(minimise(subject, scenario(letters), finding(kind)).scenario);
}

describe("making a counterexample small", () => {
  it("takes every step away that does not matter", () => {
    const subject = subjectOf((letters) => (/a.*b/.test(letters) ? "stale" : null));
    expect(smallest(subject, "xaxxbxx", "stale")).toBe("ab");
  });

  it("takes steps away together that cannot go alone", () => {
    const isEven = (letters: string) => [...letters].filter((one) => one === "x").length % 2 === 0;
    const subject = subjectOf((letters) => (letters.includes("a") && isEven(letters) ? "stale" : null));
    expect(smallest(subject, "xax", "stale")).toBe("a");
  });

  it("moves a step where another one can go then", () => {
    const subject = subjectOf((letters) => (/^a.*xb|^ba/.test(letters) ? "stale" : null));
    expect(smallest(subject, "axb", "stale")).toBe("ba");
  });

  const either = (letters: string) =>
    letters.includes("abc") ? "stale" : letters.includes("z") ? "completion" : null;

  it("stays with the kind of finding where there may be several faults", () => {
    expect(smallest(subjectOf(either), "abcx", "stale")).toBe("abc");
  });

  it("takes whatever is shorter where there is one fault only", () => {
    expect(smallest(subjectOf(either, { hasOneFault: true }), "abcx", "stale")).toBe("z");
  });

  it("asks whether a scenario counts, however it came about", () => {
    const subject = subjectOf(either, { hasOneFault: true });
    const accept = (one: Scenario) => !lettersOf(one).includes("z");
    const small = minimise(subject, scenario("abcx"), finding("stale"), [], accept);
    expect(lettersOf(small.scenario)).toBe("abc");
  });

  it("ends when the implementation fails", () => {
    const failed = {
      findings: [],
      unknown: null,
      failure: "died",
      requests: 0,
      stepOf: [],
      ...recorded([]),
    };
    const subject = subjectOf(either, { judge: () => failed });
    const small = minimise(subject, scenario("abcx"), finding("stale"));
    expect({ runs: small.runs, complete: small.complete }).toEqual({ runs: 1, complete: false });
  });
});
