/** Campaigns on a subject whose answers are made up: what is kept, what is replayed first, and what shares add up to. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultOptions } from "../generators/generate.js";
import type { Scenario } from "../generators/scenario.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { Finding, FindingKind } from "../model/finding.js";
import { type CampaignOptions, type CampaignResult, runCampaign, runShare } from "./campaign.js";
import { earlierFailures } from "./campaign-database.js";
import { mergedParts } from "./campaign-merge.js";
import { loadScenario } from "./counterexample.js";
import { invariants } from "./invariants.js";
import type { KnownDeviation } from "./known-deviation.js";
import { iommuSubject, recorded, type Subject, type Verdict } from "./subject.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iommu-spec-campaign-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What is wrong, by the kind of step that shows it. */
type Bugs = Readonly<Partial<Record<Scenario["steps"][number]["do"], FindingKind>>>;

/** Generates real scenarios for VT-d; each step of a kind with a bug shows that, the first of them only. */
function subjectWith(bugs: Bugs, failure: string | null = null): Subject<Scenario> {
  const real = iommuSubject(new ReferenceIommu(), defaultOptions("vtd"));
  const judge = (scenario: Scenario, steerAround: readonly KnownDeviation[]): Verdict => {
    const { steps } = real.avoiding(scenario, steerAround);
    const action = steps.findIndex((step) => bugs[step.do] !== undefined);
    const kind = action < 0 ? undefined : bugs[steps[action]!.do];
    const finding: Finding | null = kind ? { kind, action, rules: [], message: kind, witness: [] } : null;
    return {
      findings: finding ? [finding] : [],
      unknown: null,
      failure,
      requests: 1,
      stepOf: [],
      ...recorded([]),
    };
  };
  return {
    ...real,
    drawsTiming: false,
    hasOneFault: false,
    judge,
    judgeAfresh: judge,
    coverage: () => new Map([["rule", 1]]),
  };
}

function optionsFor(
  subject: Subject<Scenario>,
  more: Partial<CampaignOptions<Scenario>> = {},
): CampaignOptions<Scenario> {
  return {
    subject,
    seed: 1,
    runs: 60,
    milliseconds: Number.POSITIVE_INFINITY,
    invariants,
    known: [],
    folder,
    progress: () => undefined,
    ...more,
  };
}

const BUGS: Bugs = { unmap: "stale", detach: "refused" };
const all = () => earlierFailures(folder, () => true);
const kinds = ({ findings }: Pick<CampaignResult, "findings">) =>
  findings.map((one) => one.finding.kind).sort();

describe("a campaign", () => {
  it("goes on after a find, and keeps each that is distinct, as small as it gets, in a file", () => {
    const result = runCampaign(optionsFor(subjectWith(BUGS)));
    expect(result.runs).toBe(60);
    expect(kinds(result)).toEqual(["refused", "stale"]);
    for (const { scenario, file, count, minimal, replayed } of result.findings) {
      expect(scenario.steps).toHaveLength(1);
      expect(count).toBeGreaterThan(1);
      expect({ minimal, replayed }).toEqual({ minimal: true, replayed: true });
      expect(loadScenario(file).scenario).toEqual(scenario);
    }
    expect(all()).toEqual(result.findings.map((one) => one.file).sort());
  });

  it("counts what it drew, whatever it runs to shrink that", () => {
    const { drawn } = runCampaign(optionsFor(subjectWith(BUGS)));
    const starts = [...drawn.get("start")!.values()].reduce((sum, one) => sum + one, 0);
    expect(starts).toBe(60);
  });

  it("finds what hides in a flood that looks the same", () => {
    const flood = subjectWith({ wait: "register", "write-back": "register" });
    const steps = runCampaign(optionsFor(flood)).findings.map(({ scenario }) => scenario.steps[0]!.do);
    expect(steps.sort()).toEqual(["wait", "write-back"]);
  });

  it("another seed overwrites nothing", () => {
    runCampaign(optionsFor(subjectWith({ unmap: "stale" })));
    const [before] = all();
    runCampaign(optionsFor(subjectWith({ detach: "refused" }), { seed: 2 }));
    expect(all()).toHaveLength(2);
    expect(all()).toContain(before);
  });

  it("tells of what it has found as soon as it has", () => {
    const told: number[] = [];
    runCampaign(optionsFor(subjectWith(BUGS), { found: (findings) => told.push(findings.length) }));
    expect(told).toEqual([1, 2]);
  });

  it("lists a known deviation once, and gets past it to what is behind", () => {
    const known = { id: "unmap-is-lost", avoidsStep: (step: { do: string }) => step.do === "unmap" };
    const deviation = known as unknown as KnownDeviation;
    const { findings } = runCampaign(optionsFor(subjectWith(BUGS), { known: [deviation] }));
    expect(findings.map((one) => [one.known, one.finding.kind]).sort()).toEqual([
      [null, "refused"],
      ["unmap-is-lost", "stale"],
    ]);
  });

  it("ends when what is under test has failed three times, whose scenarios are no counterexamples", () => {
    const { runs, failures } = runCampaign(optionsFor(subjectWith({}, "it died")));
    expect(runs).toBe(3);
    expect(failures.map((one) => one.message)).toEqual(["it died", "it died", "it died"]);
    expect(failures.every((one) => existsSync(one.file!))).toBe(true);
    expect(all()).toEqual([]);
  });
});

describe("earlier counterexamples", () => {
  const found = () => runCampaign(optionsFor(subjectWith(BUGS)));

  it("are replayed first: what still shows is listed, though no scenario shows it any more", () => {
    const { findings } = found();
    const again = runCampaign(optionsFor(subjectWith(BUGS), { runs: 0, earlier: all() }));
    expect(again.findings.map(({ signature, file, count }) => ({ signature, file, count }))).toEqual(
      expect.arrayContaining(findings.map(({ signature, file }) => ({ signature, file, count: 0 }))),
    );
    expect(again.mended).toEqual([]);
  });

  it("change nothing of what the same scenarios show", () => {
    const before = mergedParts([found()]);
    const again = mergedParts([runCampaign(optionsFor(subjectWith(BUGS), { earlier: all() }))]);
    expect(again.findings).toEqual(before.findings);
  });

  it("are told of once when they show nothing any more, and moved aside", () => {
    found();
    const mended = () =>
      runCampaign(optionsFor(subjectWith({ detach: "refused" }), { runs: 0, earlier: all() })).mended;
    const [moved, ...more] = mended();
    expect(more).toEqual([]);
    expect(moved).toMatch(/mended.stale-\w+\.json$/);
    expect(existsSync(moved!)).toBe(true);
    expect(mended()).toEqual([]);
  });

  it("that fail now are a failure, and stay", () => {
    found();
    const before = all();
    const { failures, mended } = runCampaign(
      optionsFor(subjectWith({}, "it died"), { runs: 0, earlier: before }),
    );
    expect(failures).toEqual(before.map((file) => ({ message: "it died", file })));
    expect(mended).toEqual([]);
    expect(all()).toEqual(before);
  });

  it("are left out where their scenario is not meant, or cannot be read", () => {
    found();
    writeFileSync(join(folder, "stale-broken.json"), "{");
    expect(all()).toHaveLength(2);
    expect(earlierFailures(folder, () => false)).toEqual([]);
  });

  it("are bounded in number", () => {
    const { file } = found().findings[0]!;
    for (let copy = 0; copy < 250; copy++)
      writeFileSync(
        join(folder, `stale-${copy}.json`),
        JSON.stringify({ scenario: loadScenario(file).scenario }),
      );
    expect(all()).toHaveLength(200);
    expect(readdirSync(folder)).toHaveLength(200);
  });
});

describe("shares of a campaign", () => {
  it("tell once what is mended or fails", () => {
    runCampaign(optionsFor(subjectWith({ ...BUGS, wait: "register" })));
    const earlier = all();
    expect(earlier).toHaveLength(3);
    const parts = (subject: Subject<Scenario>) =>
      mergedParts(
        [0, 1].map((first) =>
          runShare(optionsFor(subject, { runs: 0, earlier, share: { first, every: 2 } })),
        ),
      );
    expect(
      parts(subjectWith({}, "it died"))
        .failures.map((one) => one.file)
        .sort(),
    ).toEqual(earlier);
    expect(parts(subjectWith({})).mended).toHaveLength(3);
    expect(all()).toEqual([]);
  });

  it.each([2, 3])("%i together are what one is", (every) => {
    const whole = runCampaign(optionsFor(subjectWith(BUGS)));
    const parts = Array.from({ length: every }, (_, first) =>
      runShare(optionsFor(subjectWith(BUGS), { share: { first, every } })),
    );
    const { runs, requests, findings, coverage, unknown } = mergedParts(parts);
    expect({ runs, requests }).toEqual({ runs: whole.runs, requests: whole.requests });
    const counted = (list: CampaignResult["findings"]) =>
      list.map((one) => [one.signature, one.count]).sort();
    expect(counted(findings)).toEqual(counted(whole.findings));
    expect(coverage.get("rule")).toBe(every);
    expect(unknown.size).toBe(0);
    // Files of equal findings were merged too.
    expect(all()).toEqual(findings.map((one) => one.file).sort());
  });
});
