/** Held against the schema of Apache Ant's JUnit task as published, which the tests of another package carry. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { junitXml } from "./junit.js";
import { resultOf } from "./result-of.js";
import { sampleResult } from "./sample.testing.js";

const WHEN = new Date("2026-03-04T05:06:07.890Z");
const folder = mkdtempSync(join(tmpdir(), "iommu-spec-junit-"));
const schema = join(folder, "junit.xsd");
writeFileSync(schema, publishedSchema());
afterAll(() => rmSync(folder, { recursive: true }));

/** The package has it as a string literal. */
function publishedSchema(): string {
  const main = createRequire(import.meta.url).resolve("junit-xml");
  const source = readFileSync(join(dirname(main), "src/index.test.ts"), "utf8");
  const [, literal] = /^const antJunitSchema = '(.*)';$/m.exec(source)!;
  return literal!.replaceAll("\\'", "'").replaceAll("\\n", "\n");
}

function complaintsAbout(document: string): string {
  const { status, stderr } = spawnSync("xmllint", ["--noout", "--schema", schema, "-"], {
    input: document,
    encoding: "utf8",
  });
  return status === 0 ? "" : stderr;
}

/** What an expression selects in a document. */
function selected(document: string, expression: string): string {
  const { stdout } = spawnSync("xmllint", ["--xpath", expression, "-"], {
    input: document,
    encoding: "utf8",
  });
  return stdout.trimEnd();
}

const document = junitXml(sampleResult(), WHEN);

describe("a result as JUnit XML", () => {
  it("is valid, whatever stands in its texts", () => {
    expect(complaintsAbout(document)).toBe("");
  });

  it("is held against a schema that finds something", () => {
    expect(complaintsAbout(document.replace(' hostname="localhost"', ""))).toMatch(/hostname/);
    expect(complaintsAbout(document.replace("<system-err>", "<system-bad>"))).not.toBe("");
  });

  it("has a suite for each campaign and a case for each invariant", () => {
    const counts = ["tests", "failures", "errors", "timestamp"].map((one) =>
      selected(document, `string(/testsuites/testsuite[1]/@${one})`),
    );
    expect(counts).toEqual(["6", "2", "0", "2026-03-04T05:06:07"]);
    expect(selected(document, "count(//testsuite)")).toBe("5");
    expect(selected(document, "count(//testsuite[1]/testcase)")).toBe("6");
  });

  it("fails what is violated, with the counterexample", () => {
    const failure = "//testsuite[1]/testcase[2]/failure";
    expect(selected(document, "string(//testsuite[1]/testcase[2]/@name)")).toBe(
      "I1: nothing reaches freed pages",
    );
    expect(selected(document, `string(${failure}/@type)`)).toBe("stale");
    expect(selected(document, `string(${failure})`)).toMatch(/5 {2}invalidate IOTLB of d0 at 0x41000000/);
  });

  it("passes what only known deviations break, and tells them", () => {
    expect(selected(document, "count(//testsuite[3]//failure)")).toBe("0");
    expect(selected(document, "string(//testsuite[3]/system-out)")).toMatch(
      /known deviation hint-ignored, which breaks conformance, I1: The hint is taken/,
    );
  });

  it("calls what has no verdict an error, with the reason", () => {
    expect(selected(document, "string(//testsuite[4]/@errors)")).toBe("6");
    expect(selected(document, "string(//testsuite[4]/testcase[1]/error/@message)")).toContain("`oops`");
    expect(selected(document, "string(//testsuite[5]/testcase[1]/error/@message)")).toBe("nobody knows");
  });

  it("of nothing is a document without suites", () => {
    const empty = junitXml(resultOf([], null), WHEN);
    expect(complaintsAbout(empty)).toBe("");
    expect(selected(empty, "count(//testsuite)")).toBe("0");
  });
});
