/**
 * The evidence of known deviations: for each version of QEMU a folder of counterexamples, each the smallest scenario that
 * one deviation alone explains, or that QEMU does not survive. On the QEMU that is installed they must show it still.
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultOptions } from "../generators/generate.js";
import type { Scenario } from "../generators/scenario.js";
import { ImplementationError } from "../implementations/iommu/interface.js";
import { findQemu, openQemu, type QemuIommu } from "../implementations/iommu/qemu/index.js";
import { architectures } from "../model/architectures.js";
import type { ArchitectureId } from "../model/profile.js";
import { loadScenario } from "./counterexample.js";
import type { KnownDeviation } from "./known-deviation.js";
import { qemuAmdViDeviations } from "./qemu-amdvi-deviations.js";
import { qemuDeviations } from "./qemu-deviations.js";
import { qemuVtdDeviations } from "./qemu-vtd-deviations.js";
import { iommuSubject } from "./subject.js";

const EVIDENCE = "properties/evidence";
/** What is not survived may be a hang, which lasts until it is taken for one. */
const SILENCE_MS = 1000;

const releases = readdirSync(EVIDENCE).map((folder) => folder.slice("qemu-".length));

function folderOf(release: string, id: ArchitectureId): string {
  return join(EVIDENCE, `qemu-${release}`, id);
}

/** The deviations that there is evidence of. */
function shownBy(release: string, id: ArchitectureId): string[] {
  const path = folderOf(release, id);
  return existsSync(path) ? readdirSync(path).map((file) => basename(file, ".json")) : [];
}

const lists = { vtd: qemuVtdDeviations, amdvi: qemuAmdViDeviations } as const;

describe("evidence", () => {
  it.each(architectures.map(({ id }) => id))("%s: of every version that a deviation is listed with", (id) => {
    const listed = lists[id].flatMap((one) => one.versions.map((release) => `${release} ${one.id}`));
    const shown = releases.flatMap((release) => shownBy(release, id).map((one) => `${release} ${one}`));
    expect(shown.sort()).toEqual(listed.sort());
  });
});

function installedVersion(): string | null {
  try {
    return findQemu().version;
  } catch (error) {
    if (error instanceof ImplementationError) return null;
    throw error;
  }
}

const version = installedVersion();
const installed = releases.filter((one) => version?.startsWith(`${one}.`));
if (installed.length === 0)
  console.warn("no QEMU is installed that there is evidence of: it is not shown again");

describe.each(installed)("QEMU %s", (release) => {
  const withUnits = architectures.map(({ id }) => id).filter((id) => shownBy(release, id).length > 0);

  it.each(withUnits)("%s: every deviation shows", (id) => {
    const known = qemuDeviations(version!, id);
    const survived = known.filter((one) => !one.fatal);
    const iommu = openQemu();
    try {
      for (const one of survived) {
        const { subject, scenario } = loaded(release, id, one, iommu);
        const others = known.filter((other) => other !== one);
        expect([one.id, subject.judge(scenario, others).findings.length]).toEqual([one.id, 1]);
        expect([one.id, subject.judge(scenario, known).findings]).toEqual([one.id, []]);
      }
    } finally {
      iommu.close();
    }
  });

  it.each(withUnits)("%s: what QEMU does not survive ends it, and nothing else does", (id) => {
    const fatal = qemuDeviations(version!, id).filter((one) => one.fatal);
    const iommu = openQemu({ timeoutMs: SILENCE_MS });
    try {
      for (const one of fatal) {
        const { subject, scenario } = loaded(release, id, one, iommu);
        expect([one.id, subject.judge(scenario, []).failure]).toEqual([one.id, expect.any(String)]);
        expect([one.id, subject.judge(scenario, [one]).failure]).toEqual([one.id, null]);
      }
    } finally {
      iommu.close();
    }
  });
});

function loaded(release: string, id: ArchitectureId, deviation: KnownDeviation, iommu: QemuIommu) {
  const file = join(folderOf(release, id), `${deviation.id}.json`);
  const scenario = loadScenario(file).scenario as Scenario;
  return { scenario, subject: iommuSubject(iommu, { ...defaultOptions(id), profiles: [scenario.profile] }) };
}
