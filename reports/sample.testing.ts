/** A result of a few known runs: an IOMMU and drivers that break something, and all that may come beside. */
import { defaultOptions } from "../generators/generate.js";
import { defaultIntentOptions } from "../generators/intents/generate.js";
import { type IntentScenario, intentScenarioFrom } from "../generators/intents/scenario.js";
import { type Scenario, scenarioFrom } from "../generators/scenario.js";
import { builtInDriverOf } from "../implementations/driver/built-in.js";
import { deviationNamed } from "../implementations/iommu/reference/deviations.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { CampaignResult } from "../properties/campaign.js";
import type { DistinctFinding } from "../properties/distinct-findings.js";
import { DistributionCounter } from "../properties/distribution.js";
import { exposureSubject } from "../properties/driver-subject.js";
import { brokenBy, type Invariant, invariants, type Judged } from "../properties/invariants.js";
import type { KnownDeviation } from "../properties/known-deviation.js";
import { type AnyScenario, iommuSubject, recorded, type Subject } from "../properties/subject.js";
import type { Result } from "./result.js";
import { type CampaignToTell, resultOf } from "./result-of.js";

/** Maps a superpage, has it cached, maps a page in its place, and invalidates with the hint that leaves alone changed. */
export const hintScenario: Scenario = scenarioFrom({
  format: "iommu-spec scenario 1",
  architecture: "vtd",
  profile: "qemu-39",
  start: "translating",
  invalidation: "registers",
  timing: 2654435761,
  devices: [{ name: "c", requester: 48 }],
  domains: [{ name: "d0", id: 1, levels: 3 }],
  steps: [
    {
      do: "attach",
      device: "c",
      domain: "d0",
      type: "translated",
      faultProcessingDisable: false,
      writeBack: true,
    },
    {
      do: "map",
      mapping: "m2",
      domain: "d0",
      iova: 266240,
      page: 4096,
      size: "2M",
      access: "rw",
      writeBack: true,
    },
    { do: "dma", device: "c", iova: 266241, type: "read", length: 8, crossing: false },
    {
      do: "map",
      mapping: "m6",
      domain: "d0",
      iova: 266240,
      page: 4096,
      size: "4K",
      access: "rw",
      writeBack: true,
    },
    {
      do: "invalidate",
      target: {
        cache: "iotlb",
        granularity: "page",
        domain: "d0",
        iova: 266240,
        mask: 18,
        leafOnly: true,
        drain: false,
      },
      complete: true,
    },
    { do: "dma", device: "c", iova: 266241, type: "read", length: 8, crossing: false },
  ],
});

/** Attaches a device, maps two pages and unmaps the first of them. */
export function unmapScenario(architecture: "vtd" | "amdvi", profile: string): IntentScenario {
  return intentScenarioFrom({
    format: "iommu-spec driver scenario 1",
    architecture,
    profile,
    start: "translating",
    invalidation: "queue",
    flushing: "strict",
    timing: 1027943919,
    devices: [{ name: "b", requesters: [32] }],
    domains: [{ name: "d0" }],
    steps: [
      { do: "attach", device: "b", domain: "d0" },
      { do: "map", mapping: "m0", domain: "d0", iova: 4096, page: 4096, pages: 2, access: "rw" },
      { do: "unmap", mapping: "m0", offset: 0, pages: 1 },
    ],
  });
}

export function hintSubject(): Subject<Scenario> {
  return iommuSubject(new ReferenceIommu(deviationNamed("hint-ignores-leaf")), defaultOptions("vtd"));
}

/** A faulty variant of a built-in driver. */
export function variantSubject(architecture: "vtd" | "amdvi", id: string): Subject<IntentScenario> {
  const { create } = builtInDriverOf(architecture).variants.find((one) => one.id === id)!;
  return exposureSubject({ name: `${architecture}:${id}`, create }, defaultIntentOptions(architecture));
}

/** What a subject shows in a scenario, as a campaign keeps it. @throws Error when it shows nothing */
export function foundIn<S extends AnyScenario>(subject: Subject<S>, scenario: S): DistinctFinding {
  const { findings, stepOf, records } = subject.judgeAfresh(scenario, []);
  const [finding] = findings;
  if (!finding) throw new Error(`${subject.name} shows nothing`);
  return {
    signature: `${finding.kind}|${subject.name}`,
    invariants: brokenBy(finding),
    known: null,
    count: 3,
    scenario,
    finding,
    records: records(),
    stepOf,
    file: `out/${finding.kind}-1.json`,
    minimal: true,
    replayed: true,
  };
}

/** The result of a campaign that found these. */
export function campaignWith(
  subject: Subject<AnyScenario>,
  of: Judged,
  findings: readonly DistinctFinding[],
): CampaignResult {
  const drawn = new DistributionCounter();
  for (const { scenario, records } of findings) drawn.note(scenario, recorded(records));
  const judged: readonly Invariant[] = invariants.filter((one) => one.of.includes(of));
  return {
    implementation: subject.name,
    heading: subject.heading,
    architecture: subject.architecture,
    seed: 7,
    workers: 2,
    runs: 100,
    requests: 1234,
    seconds: 2.5,
    findings,
    unknown: new Map(),
    failures: [],
    mended: [],
    drawn: drawn.counts(),
    coverage: subject.coverage(),
    invariants: judged,
  };
}

export const knownDeviation: KnownDeviation = {
  id: "hint-ignored",
  statement: "The hint is taken for a reason to do nothing",
  specification: "IH spares entries that point to tables, no leaf (VT-d 6.5.2.3)",
  versions: ["7.2", "8.0"],
};

export function toTell(result: CampaignResult, known: CampaignToTell["known"] = []): CampaignToTell {
  return { result, known, replay: (file) => `npx iommu-spec replay ${file}` };
}

/**
 * One result with everything: a violation by an IOMMU, one by a driver, a known deviation, an implementation that failed, one
 * without a verdict, text that every format has to escape.
 */
export function sampleResult(): Result {
  const hint = hintSubject();
  const found = foundIn(hint, hintScenario);
  const driver = variantSubject("vtd", "no-flush");
  const freed = foundIn(driver, unmapScenario("vtd", "qemu-39"));
  const amdVi = variantSubject("amdvi", "settles-before-submit");
  const failing = campaignWith(hint, "iommu", []);
  return resultOf(
    [
      toTell(campaignWith(hint, "iommu", [found])),
      toTell(campaignWith(driver, "driver", [freed])),
      toTell(campaignWith(hint, "iommu", [{ ...found, known: knownDeviation.id, file: "out/a b|c.json" }]), [
        knownDeviation,
      ]),
      toTell({
        ...failing,
        heading: "died & <gone>",
        failures: [
          { message: 'it said "\u001b[31m`oops`\u001b[0m" | ]]> \ud800', file: "out/failure-1.json" },
        ],
        mended: ["out/mended/x.json"],
      }),
      toTell({ ...campaignWith(amdVi, "driver", []), unknown: new Map([["nobody knows", 100]]) }),
    ],
    "iommu-spec check --on 'it''s'",
  );
}
