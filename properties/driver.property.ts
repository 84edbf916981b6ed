/** The built-in drivers hold: whatever any conforming unit may do, and on hardware that hostile requests are made to. */
import { describe, expect, it } from "vitest";
import { defaultIntentOptions } from "../generators/intents/generate.js";
import { builtInDrivers } from "../implementations/driver/built-in.js";
import { ImplementationError } from "../implementations/iommu/interface.js";
import { findQemu, openQemu, qemuProfilesOf } from "../implementations/iommu/qemu/index.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { blackBoxSubject, exposureSubject } from "./driver-subject.js";
import type { AnyScenario, Subject } from "./subject.js";

const RUNS = Number(process.env.RUNS ?? 200);
const SEED = Number(process.env.SEED ?? 1);

/** What is wrong with the first run that is not in order; null when all are. */
function firstComplaint<S extends AnyScenario>(subject: Subject<S>, runs: number): unknown {
  for (let index = 0; index < runs; index++) {
    const scenario = subject.generate(SEED * 1_000_003 + index);
    const { findings, failure, unknown } = subject.judge(scenario, []);
    if (findings.length > 0 || failure || unknown) return { index, findings, failure, unknown };
  }
  return null;
}

function installed() {
  try {
    return findQemu();
  } catch (error) {
    if (error instanceof ImplementationError) return null;
    throw error;
  }
}

describe.each(builtInDrivers.map((one) => [one.architecture, one] as const))(
  "the built-in driver %s",
  (architecture, { create }) => {
    const driver = { name: architecture, create };
    const options = defaultIntentOptions(architecture);

    it.each(["strict", "deferred"] as const)("%s: exposes nothing that was not granted", (flushing) => {
      const subject = exposureSubject(driver, { ...options, flushing });
      expect(firstComplaint(subject, RUNS)).toBeNull();
    });

    it("is run on every profile it is given", () => {
      const subject = exposureSubject(driver, options);
      const seen = new Set(Array.from({ length: 300 }, (_, seed) => subject.generate(seed).profile));
      expect([...seen].sort()).toEqual([...new Set(options.profiles)].sort());
    });

    it("lets no hostile request through on the reference", () => {
      const subject = blackBoxSubject(driver, new ReferenceIommu(), options);
      expect(firstComplaint(subject, RUNS * 2)).toBeNull();
    });

    const qemu = installed();
    it.skipIf(!qemu)("lets no hostile request through on QEMU", () => {
      const iommu = openQemu();
      try {
        const subject = blackBoxSubject(driver, iommu, {
          ...options,
          profiles: qemuProfilesOf(qemu!.version).filter((id) => options.profiles.includes(id)),
          topologies: ["flat"],
          aliasWeight: 0,
          resetWeight: 2,
        });
        expect(firstComplaint(subject, RUNS)).toBeNull();
      } finally {
        iommu.close();
      }
    });
  },
);
