/** The IOMMUs of an installed QEMU: nothing that is not known to deviate. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultOptions } from "../generators/generate.js";
import { ImplementationError, type Iommu } from "../implementations/iommu/interface.js";
import { findQemu, openQemu, qemuProfilesOf } from "../implementations/iommu/qemu/index.js";
import type { Architecture } from "../model/architecture.js";
import { architectures } from "../model/architectures.js";
import { runCampaign } from "./campaign.js";
import { invariants } from "./invariants.js";
import { qemuDeviations } from "./qemu-deviations.js";
import { iommuSubject } from "./subject.js";

const RUNS = 400;

function installed(): { path: string; version: string } | null {
  try {
    return findQemu();
  } catch (error) {
    if (error instanceof ImplementationError) return null;
    throw error;
  }
}

const qemu = installed();
if (!qemu) console.warn("no QEMU is installed: its properties are not tested");

/** The architectures whose units this QEMU has. */
function emulated(): readonly Architecture[] {
  const taken = qemu ? qemuProfilesOf(qemu.version) : [];
  return architectures.filter((one) => one.profiles.some(({ id }) => taken.includes(id)));
}

/** Runs scenarios on QEMU, or on something that stands in front of it. */
function campaign(iommu: Iommu, { id, profiles }: Architecture, runs: number) {
  const { version } = qemu!;
  const folder = mkdtempSync(join(tmpdir(), "iommu-spec-qemu-"));
  try {
    return runCampaign({
      subject: iommuSubject(iommu, {
        ...defaultOptions(id),
        profiles: qemuProfilesOf(version).filter((taken) => profiles.some((one) => one.id === taken)),
        steeringWeight: 4,
      }),
      seed: 1,
      runs,
      milliseconds: Number.POSITIVE_INFINITY,
      invariants,
      known: qemuDeviations(version, id),
      folder,
      progress: () => undefined,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.each(emulated().map((one) => [one.name, one] as const))("QEMU's unit for %s", (_, architecture) => {
  it("shows nothing inadmissible but known deviations, and some of those", () => {
    const iommu = openQemu();
    try {
      const { findings, failures } = campaign(iommu, architecture, RUNS);
      expect(failures).toEqual([]);
      expect(findings.filter((one) => one.known === null)).toEqual([]);
      expect(findings.length).toBeGreaterThan(0);
      expect(findings.every((one) => one.replayed)).toBe(true);
    } finally {
      iommu.close();
    }
  });
});

describe.skipIf(!qemu)("QEMU", () => {
  it("a program that stops answering gives no verdict, is saved, and ends the campaign", () => {
    const real = openQemu();
    let resets = 0;
    const dying: Iommu = {
      name: "dying",
      requestTypes: real.requestTypes,
      reset: (setup) => {
        if (resets++ >= 20) throw new ImplementationError("it does not answer any more");
        real.reset(setup);
      },
      execute: (actions) => real.execute(actions),
      readData: (page, offset) => real.readData(page, offset),
      close: () => real.close(),
    };
    try {
      const { failures, runs } = campaign(dying, emulated()[0]!, 100);
      expect(failures.map((one) => one.message)).toEqual(new Array(3).fill("it does not answer any more"));
      expect(runs).toBeLessThan(100);
    } finally {
      dying.close();
    }
  });
});
