/** One result in the forms that nobody else has a schema for, and how long each form of a large one takes. */
import { describe, expect, it } from "vitest";
import { resultAsJson, resultFrom } from "./json.js";
import { junitXml } from "./junit.js";
import { markdown } from "./markdown.js";
import type { Result } from "./result.js";
import { resultOf } from "./result-of.js";
import {
  campaignWith,
  foundIn,
  hintScenario,
  hintSubject,
  sampleResult,
  toTell,
  unmapScenario,
  variantSubject,
} from "./sample.testing.js";
import { sarifLog } from "./sarif.js";
import { terminalLines } from "./terminal.js";

const sample = sampleResult();

describe("a result on the terminal", () => {
  const lines = terminalLines(sample);

  /** The lines from one on that begins so. */
  function from(start: string, count: number): string[] {
    const index = lines.findIndex((one) => one.startsWith(start));
    return lines.slice(index, index + count);
  }

  it("shows a counterexample with its platform, steps, entries and how to replay it", () => {
    expect(from("reference with hint-ignores-leaf (VT-d): stale", 1)[0]!.split("\n")).toEqual([
      "reference with hint-ignores-leaf (VT-d): stale: breaks conformance, I1 (seen 3 times; no step can be removed)",
      "  profile qemu-39, starts translating, invalidates through registers",
      "  functions: c = 00:06.0",
      "  domains: d0 = id 1, 3 levels",
      "    1  attach c to d0",
      "    2  map m2: d0 0x41000000 -> 0x1000000, 2M, read and write",
      "    3  c: read of 8 bytes at 0x41001000",
      "    4  map m6: d0 0x41000000 -> 0x1000000, 4K, read and write",
      "    5  invalidate IOTLB of d0 at 0x41000000, mask 18, leaf entries only, no draining",
      "    6  c: read of 8 bytes at 0x41001000",
      expect.stringMatching(
        /^ {2}seen: read of 0x41001010 by 00:06\.0 reaches page 0x1001000; admissible: it is/,
      ),
      "    root entry at 0x2000000: 0x00000000_02007001, stored by step 1, still there",
      "    context entry at 0x2007300: 0x00000000_02008001, stored by step 1, still there",
      "    level-3 entry at 0x2008008: 0x00000000_02009003, stored by step 2, still there",
      "    level-2 entry at 0x2009040: 0x00000000_01000083, stored by step 2, replaced by step 4",
      "    the old level-2 entry is ruled out by the IOTLB invalidation of 262144 pages at 0x40000000 in domain 1, leaf " +
        "entries only submitted through register at step 5 and seen complete at step 5",
      "  rules: vtd.second-stage.read-permission",
      "  replay: npx iommu-spec replay out/stale-1.json",
    ]);
  });

  it("shows a known deviation with what it does and what the specification says", () => {
    expect(from("hint-ignored (", 4)).toEqual([
      "hint-ignored (seen 3 times; measured on 7.2, 8.0)",
      "  does: The hint is taken for a reason to do nothing",
      "  specification: IH spares entries that point to tables, no leaf (VT-d 6.5.2.3)",
      "    1  attach c to d0",
    ]);
  });

  it("says what was searched, what failed and what was not said", () => {
    expect(from("driver vtd:no-flush: 100", 1)).toEqual([
      "driver vtd:no-flush: 100 scenarios with 1,234 requests in 2.5 s (40/s), seed 7, 2 workers",
    ]);
    expect(lines).toContain("  no verdict in 100 runs: nobody knows");
    expect(lines).toContain("  scenario kept in out/failure-1.json");
    expect(lines).toContain("  an earlier counterexample shows nothing any more; moved to out/mended/x.json");
  });

  it("names the rules that were not reached where these are few", () => {
    const [first] = sample.campaigns;
    const covered = first!.coverage.map((one, index) => ({ ...one, count: index < 2 ? 0 : 1 }));
    const few = { ...sample, campaigns: [{ ...first!, coverage: covered }] };
    const many = {
      ...sample,
      campaigns: [{ ...first!, coverage: covered.map((one) => ({ ...one, count: 0 })) }],
    };
    const told = (result: Result) => {
      const all = terminalLines(result);
      const begin = all.findIndex((one) => one.startsWith("rules of "));
      return all.slice(begin, all.indexOf("", begin));
    };
    const rules = covered.length;
    expect(told(few)).toEqual([
      `rules of VT-d reached: ${rules - 2} of ${rules}; not reached:`,
      ...covered.slice(0, 2).map(({ id, section }) => `  ${id} (${section})`),
    ]);
    expect(told(many)).toEqual([`rules of VT-d reached: 0 of ${rules}; --report FILE tells which were not`]);
  });

  it("has a row for each invariant, in their order, and ends with what that means", () => {
    const rows = from("invariant ", 100);
    const ids = rows.slice(1, -2).map((one) => one.split(" ")[0]);
    const order = "conformance I1 I2 I3 I4 I5 I6 I10 I11 I13 I14 I17";
    expect(ids.join(" ")).toBe(order);
    expect(rows.at(-1)).toMatch(/^2 distinct violations in 500 random scenarios/);
  });
});

describe("a result as Markdown", () => {
  const text = markdown(sample);
  const lines = text.split("\n");

  it("begins with what was found, and what that means", () => {
    expect(lines[0]).toBe("# iommu-spec 0.1.0: 2 violations, 1 known deviation, 1 failure");
    expect(lines[2]).toMatch(/^2 distinct violations in 500 random scenarios/);
    expect(lines[4]).toBe("Command: `iommu-spec check --on 'it''s'`");
  });

  it("has a table of verdicts whose rows are as long as its head", () => {
    const rows = lines.filter((one) => one.startsWith("|"));
    expect(rows[0]).toMatch(
      /^\| invariant \| {2}\| reference with hint-ignores-leaf \(VT-d\) \| driver vtd:no-flush/,
    );
    const cells = rows.map((one) => one.split(/(?<!\\)\|/).length);
    expect(new Set(cells).size).toBe(1);
    expect(rows.find((one) => one.startsWith("| I1 "))).toMatch(
      /violated \(1\) \| violated \(1\) \| 1 known/,
    );
  });

  it("shows a counterexample as the terminal does, with what its rules say", () => {
    const start = lines.indexOf("### stale: breaks conformance, I1");
    const shown = lines.slice(start, start + 40).join("\n");
    expect(shown).toContain(
      "  5  invalidate IOTLB of d0 at 0x41000000, mask 18, leaf entries only, no draining",
    );
    expect(shown).toMatch(/- `vtd\.second-stage\.read-permission`: A read or AtomicOp .* \(VT-d 3\.7\.1\)/);
    expect(shown).toContain("shown again by `npx iommu-spec replay out/stale-1.json`");
  });

  it("tells known deviations apart, with their sections", () => {
    const start = lines.indexOf("### known deviation hint-ignored");
    expect(lines.slice(start, start + 6)).toContain(
      "- specification: IH spares entries that point to tables, no leaf (VT-d 6.5.2.3)",
    );
  });

  it("gives text of a program no meaning of its own", () => {
    expect(text).toContain(
      'failed: it said "\\\\u001b\\[31m\\`oops\\`\\\\u001b\\[0m" \\| \\]\\]\\> \\\\ud800',
    );
    expect(lines).toContain("## What was generated");
  });

  it("of nothing says so", () => {
    expect(markdown(resultOf([], null))).toContain("Nothing was run, so nothing is said.");
  });
});

describe("a saved result", () => {
  const text = resultAsJson(sample);

  /** The sample with one thing put in place of another. */
  function changed(change: (data: Record<string, unknown>) => void): string {
    const data = JSON.parse(text);
    change(data);
    return JSON.stringify(data);
  }

  it.each([
    ["cut short", text.slice(0, text.length / 2), /^not JSON, or cut short \(/],
    ["empty", "", /^not JSON, or cut short/],
    ["a list", "[]", /^no result of this program: its "format" is missing/],
    ["null", "null", /^no result of this program/],
    ["of another program", '{"format":2}', /^no result of this program/],
    [
      "old",
      '{"format":"iommu-spec result 1","campaigns":[]}',
      /^it is an "iommu-spec result 1", and this program reads "iommu-spec result 2": run the check again/,
    ],
    ["a counterexample", '{"format":"iommu-spec counterexample 1"}', /not an "iommu-spec result 2"$/],
    [
      "without campaigns",
      changed((data) => delete data.campaigns),
      /^not a usable result: at campaigns expected .*, found nothing$/,
    ],
    [
      "with a word where a number should be",
      text.replace('"seed": 7', '"seed": "seven"'),
      /^not a usable result: at campaigns\.0\.seed expected number, found "seven"$/,
    ],
    [
      "with a verdict that is none",
      text.replace('"verdict": "holds"', '"verdict": "maybe"'),
      /^not a usable result: at campaigns\.0\.verdicts\.2\.verdict expected .*, found "maybe"$/,
    ],
  ])("that is %s is refused with the reason", (_, broken, message) => {
    expect(() => resultFrom(broken)).toThrow(message);
  });

  it("loses fields of a later program, and nothing else", () => {
    const later = changed((data) => {
      data.mood = "sunny";
    });
    expect(resultFrom(later)).toEqual(JSON.parse(text));
  });
});

const COUNTEREXAMPLES = 50;
const MOST_SECONDS = 0.5;

/** Seconds of processor time that work takes. */
function seconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function largeResult(): Result {
  const [iommu, driver] = [hintSubject(), variantSubject("vtd", "no-flush")];
  const stale = foundIn(iommu, hintScenario);
  const freed = foundIn(driver, unmapScenario("vtd", "qemu-39"));
  const many = <T>(one: T) => Array.from({ length: COUNTEREXAMPLES }, () => one);
  const campaigns = [campaignWith(iommu, "iommu", many(stale)), campaignWith(driver, "driver", many(freed))];
  return resultOf(
    campaigns.map((one) => toTell({ ...one, runs: 5000 })),
    null,
  );
}

describe("a large result", () => {
  let result: Result;

  it("is made in time", () => {
    expect(
      seconds(() => {
        result = largeResult();
      }),
    ).toBeLessThan(4 * MOST_SECONDS);
  });

  it.each<[string, (one: Result) => unknown]>([
    ["on the terminal", terminalLines],
    ["as JSON", resultAsJson],
    ["as JSON, and read again", (one) => resultFrom(resultAsJson(one))],
    ["as Markdown", markdown],
    ["as JUnit XML", (one) => junitXml(one, new Date())],
    ["as SARIF", sarifLog],
  ])("%s is there in time", (_, render) => {
    expect(seconds(() => render(result))).toBeLessThan(MOST_SECONDS);
  });
});
