/** Every faulty variant of a driver is found by exposure, shrunk to its argued minimum, and shown again from its file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultIntentOptions } from "../generators/intents/generate.js";
import { builtInDrivers } from "../implementations/driver/built-in.js";
import { runCampaign } from "./campaign.js";
import { exposureSubject } from "./driver-subject.js";
import { invariants } from "./invariants.js";

const MOST_RUNS = 20_000;
const BATCH = 100;

describe.each(builtInDrivers.map((one) => [one.architecture, one] as const))(
  "faulty variants of the driver %s",
  (architecture, { variants }) => {
    it.each(variants.map((one) => [one.id, one] as const))("%s", (_, variant) => {
      const folder = mkdtempSync(join(tmpdir(), "iommu-spec-"));
      try {
        const broken = new Set<string>();
        let shortest = Number.POSITIVE_INFINITY;
        let replayed = true;
        const driver = { name: variant.id, create: variant.create };
        for (let seed = 1; seed * BATCH <= MOST_RUNS && shortest > variant.minimum.steps; seed++) {
          const result = runCampaign({
            subject: exposureSubject(driver, defaultIntentOptions(architecture)),
            seed,
            runs: BATCH,
            milliseconds: Number.POSITIVE_INFINITY,
            invariants: invariants.filter((one) => one.of.includes("driver")),
            known: [],
            folder,
            progress: () => undefined,
          });
          for (const found of result.findings) {
            replayed &&= found.replayed;
            for (const id of found.invariants) broken.add(id);
            shortest = Math.min(shortest, found.scenario.steps.length);
          }
        }
        expect(replayed).toBe(true);
        expect(shortest).toBe(variant.minimum.steps);
        expect([...broken]).toEqual(expect.arrayContaining([...variant.breaks]));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  },
);
