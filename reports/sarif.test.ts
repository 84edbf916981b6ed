/** Held against the published JSON schema of SARIF 2.1.0. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { resultOf } from "./result-of.js";
import { sampleResult } from "./sample.testing.js";
import { sarifLog } from "./sarif.js";

const validate = validator();

function validator(): ValidateFunction {
  const path = createRequire(import.meta.url).resolve(
    "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json",
  );
  // Of the keywords of its old dialect it uses those only that have not changed since; one pattern is none with Unicode.
  const { $schema: _dialect, id: _id, ...schema } = JSON.parse(readFileSync(path, "utf8"));
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats.default(ajv);
  return ajv.compile(schema);
}

const log = JSON.parse(sarifLog(sampleResult()));

describe("a result as a SARIF log", () => {
  it("is valid", () => {
    validate(log);
    expect(validate.errors ?? []).toEqual([]);
  });

  it("is held against a schema that finds something", () => {
    expect(validate({ ...log, version: "2.0.0" })).toBe(false);
    const [run] = log.runs;
    expect(validate({ ...log, runs: [{ ...run, results: [{ ...run.results[0], level: "bad" }] }] })).toBe(
      false,
    );
  });

  it("has a result for each counterexample, at its file", () => {
    const [result] = log.runs[0].results;
    expect(result).toMatchObject({
      ruleId: "I1",
      level: "error",
      occurrenceCount: 3,
      locations: [
        { physicalLocation: { artifactLocation: { uri: "out/stale-1.json" }, region: { startLine: 1 } } },
      ],
      properties: { kind: "stale", invariants: ["conformance", "I1"] },
    });
    expect(result.suppressions).toBeUndefined();
    expect(result.codeFlows[0].threadFlows[0].locations).toHaveLength(7);
    expect(log.runs[0].tool.driver.rules[result.ruleIndex].id).toBe("I1");
  });

  it("has paths as references, whatever stands in them", () => {
    const sample = sampleResult();
    const [first] = sample.campaigns;
    const uriOf = (file: string) => {
      const campaign = { ...first!, findings: [{ ...first!.findings[0]!, file }] };
      const log = JSON.parse(sarifLog({ ...sample, campaigns: [campaign] }));
      return log.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri;
    };
    expect(uriOf("out/a b/c#1?x%.json")).toBe("out/a%20b/c%231%3Fx%25.json");
    expect(uriOf("c:\\ü.json")).toBe("c%3A/%C3%BC.json");
    expect(uriOf("out/\ud800.json")).toBe("out/%5Cud800.json");
    expect(uriOf("/tmp/a#b.json")).toBe("file:///tmp/a%23b.json");
  });

  it("has invariants and rules of the specification as rules, each once", () => {
    const { rules } = log.runs[1].tool.driver;
    const ids = rules.map((one: { id: string }) => one.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(rules.find((one: { id: string }) => one.id === "isolation.not-submitted")).toBeDefined();
    expect(rules.find((one: { id: string }) => one.id === "vtd.second-stage.read-permission")).toMatchObject({
      help: { text: expect.stringMatching(/\(VT-d 3\.7\.1\)$/) },
    });
  });

  it("suppresses a known deviation, and says why", () => {
    const [result] = log.runs[2].results;
    expect(result).toMatchObject({
      level: "note",
      suppressions: [{ kind: "external", justification: expect.stringContaining("hint-ignored") }],
    });
    expect(result.locations[0].physicalLocation.artifactLocation.uri).toBe("out/a%20b%7Cc.json");
  });

  it("notifies of failures and of what has no verdict", () => {
    const [failed] = log.runs[3].invocations;
    expect(failed.executionSuccessful).toBe(false);
    expect(failed.toolExecutionNotifications).toMatchObject([{ level: "error" }]);
    const [silent] = log.runs[4].invocations;
    expect(silent).toMatchObject({
      executionSuccessful: true,
      commandLine: "iommu-spec check --on 'it''s'",
      toolExecutionNotifications: [
        { level: "warning", message: { text: "no verdict in 100 runs: nobody knows" } },
      ],
    });
  });

  it("of nothing is a log without runs", () => {
    const empty = JSON.parse(sarifLog(resultOf([], null)));
    expect(validate(empty)).toBe(true);
    expect(empty.runs).toEqual([]);
  });
});
