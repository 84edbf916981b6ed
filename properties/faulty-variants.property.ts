/** Every faulty variant of the reference is found, shrunk to its argued minimum, and shown again from its file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultOptions } from "../generators/generate.js";
import { deviations } from "../implementations/iommu/reference/deviations.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { runCampaign } from "./campaign.js";
import { invariants } from "./invariants.js";
import { iommuSubject } from "./subject.js";

const MOST_RUNS = 20_000;
/** Few at a time: what is found is shrunk, and nothing more is looked for once a smallest one is there. */
const BATCH = 40;

describe("faulty variants of the reference", () => {
  it.each(deviations.map((one) => [one.architecture, one.id, one] as const))("%s: %s", (_, __, deviation) => {
    const folder = mkdtempSync(join(tmpdir(), "iommu-spec-"));
    try {
      const iommu = new ReferenceIommu(deviation);
      let shortest = Number.POSITIVE_INFINITY;
      let replayed = true;
      for (let seed = 1; seed * BATCH <= MOST_RUNS && shortest > deviation.minimum.steps; seed++) {
        const result = runCampaign({
          subject: iommuSubject(iommu, defaultOptions(deviation.architecture)),
          seed,
          runs: BATCH,
          milliseconds: Number.POSITIVE_INFINITY,
          invariants,
          known: [],
          folder,
          progress: () => undefined,
        });
        for (const found of result.findings) {
          replayed &&= found.replayed;
          shortest = Math.min(shortest, found.scenario.steps.length);
        }
      }
      expect(replayed).toBe(true);
      expect(shortest).toBe(deviation.minimum.steps);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
