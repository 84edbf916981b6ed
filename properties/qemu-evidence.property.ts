/**
 * The evidence of known deviations: for each version of QEMU a folder of counterexamples, each the smallest scenario that
 * one deviation alone explains. On the QEMU that is installed they must show it still.
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultOptions } from "../generators/generate.js";
import type { Scenario } from "../generators/scenario.js";
import { ImplementationError } from "../implementations/iommu/interface.js";
import { findQemu, openQemu } from "../implementations/iommu/qemu/index.js";
import { architectures } from "../model/architectures.js";
import { loadScenario } from "./counterexample.js";
import { qemuDeviations } from "./qemu-deviations.js";
import { iommuSubject } from "./subject.js";

const EVIDENCE = "properties/evidence";

function installedVersion(): string | null {
  try {
    return findQemu().version;
  } catch (error) {
    if (error instanceof ImplementationError) return null;
    throw error;
  }
}

const version = installedVersion();
const folders = readdirSync(EVIDENCE).filter((one) => version?.startsWith(`${one.slice("qemu-".length)}.`));
if (folders.length === 0)
  console.warn("no QEMU is installed that there is evidence of: it is not shown again");

describe.each(folders)("%s", (folder) => {
  it.each(architectures.map((one) => [one.id, one] as const))("%s: every deviation shows", (id) => {
    const path = join(EVIDENCE, folder, id);
    const known = qemuDeviations(version!, id);
    const iommu = openQemu();
    try {
      for (const file of existsSync(path) ? readdirSync(path) : []) {
        const scenario = loadScenario(join(path, file)).scenario as Scenario;
        const subject = iommuSubject(iommu, { ...defaultOptions(id), profiles: [scenario.profile] });
        const others = known.filter((one) => one.id !== basename(file, ".json"));
        expect([file, others.length]).toEqual([file, known.length - 1]);
        expect([file, subject.judge(scenario, others).findings.length]).toEqual([file, 1]);
        expect([file, subject.judge(scenario, known).findings]).toEqual([file, []]);
      }
    } finally {
      iommu.close();
    }
  });
});
