import { isRight } from "fp-ts/lib/Either.js";
import { describe, expect, it } from "vitest";
import packageFile from "../package.json" with { type: "json" };
import { resultAsJson, resultFrom } from "./json.js";
import { resultCodec } from "./result.js";
import { resultOf } from "./result-of.js";
import { campaignWith, hintSubject, sampleResult, toTell } from "./sample.testing.js";

const result = sampleResult();
const [iommu, driver, known, failed, silent] = result.campaigns;

describe("the result of campaigns", () => {
  it("is what its codec says, and survives its file", () => {
    expect(isRight(resultCodec.decode(JSON.parse(resultAsJson(result))))).toBe(true);
    expect(resultFrom(resultAsJson(result))).toEqual(result);
  });

  it("is of this version of the program", () => {
    expect(result.tool).toEqual({ name: packageFile.name, version: packageFile.version });
  });

  it("has a verdict for every invariant, with what breaks it", () => {
    const verdicts = result.campaigns.map((one) => ({
      broken: one.verdicts.filter((each) => each.findings.length > 0).map((each) => each.invariant),
      words: [...new Set(one.verdicts.map((each) => each.verdict))],
    }));
    expect(verdicts).toEqual([
      { broken: ["conformance", "I1"], words: ["violated", "holds"] },
      { broken: ["I1"], words: ["violated", "holds"] },
      { broken: ["conformance", "I1"], words: ["known deviations", "holds"] },
      { broken: [], words: ["unknown"] },
      { broken: [], words: ["unknown"] },
    ]);
    expect(iommu!.verdicts.find((one) => one.invariant === "I1")).toMatchObject({
      title: "nothing reaches freed pages",
      sections: ["6.5.2.3", "6.5.2.12", "6.5.4"],
      findings: [0],
    });
  });

  it("tells a finding with steps, rules and what its kind means", () => {
    const [finding] = iommu!.findings;
    expect(finding).toMatchObject({
      kind: "stale",
      meaning: "a request reached memory through entries whose invalidation software had seen complete",
      known: null,
      brokenStep: 5,
      replay: "npx iommu-spec replay out/stale-1.json",
      rules: [{ id: "vtd.second-stage.read-permission", section: "VT-d 3.7.1" }],
    });
    expect(finding!.steps).toHaveLength(6);
    expect(driver!.findings[0]!.rules).toEqual([
      {
        id: "isolation.not-submitted",
        statement:
          "Every cache that may keep an entry, or what was filled through it, is invalidated after it is changed",
        section: "",
      },
    ]);
    expect(known!.findings[0]!.known).toMatchObject({ id: "hint-ignored", versions: ["7.2", "8.0"] });
  });

  it("counts what was generated, and every rule", () => {
    expect(driver!.generated).toEqual([
      { group: "profile", values: [{ name: "qemu-39", count: 1 }] },
      { group: "start", values: [{ name: "translating", count: 1 }] },
      { group: "invalidation through", values: [{ name: "queue", count: 1 }] },
      { group: "flushing", values: [{ name: "strict", count: 1 }] },
      { group: "number of steps", values: [{ name: "3", count: 1 }] },
      {
        group: "kind of step",
        values: [
          { name: "attach", count: 1 },
          { name: "map", count: 1 },
          { name: "unmap", count: 1 },
        ],
      },
    ]);
    expect(iommu!.generated.at(-1)!.values).toEqual([{ name: "read, served", count: 2 }]);
    expect(iommu!.coverage).toHaveLength(59);
    expect(iommu!.coverage[0]).toMatchObject({ section: expect.stringMatching(/^VT-d /), count: 0 });
  });

  it("says what it means", () => {
    expect(result.meaning).toMatch(/^2 distinct violations in 500 random scenarios: /);
    const subject = hintSubject();
    const meaningOf = (runs: number) =>
      resultOf([toTell({ ...campaignWith(subject, "iommu", []), runs })], null).meaning;
    expect(meaningOf(1)).toMatch(/^No new violation in 1 random scenario: that is evidence, not proof/);
    expect(meaningOf(0)).toBe("Nothing was run, so nothing is said.");
  });

  it("keeps why there is no verdict", () => {
    expect(silent!.unknown).toEqual([{ reason: "nobody knows", runs: 100 }]);
    expect(failed!.failures[0]!.file).toBe("out/failure-1.json");
  });
});
