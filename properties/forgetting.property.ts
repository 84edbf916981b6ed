/** Judging drivers: a judge that forgets says the same as one that never does, whether the driver is right or faulty. */
import { describe, expect, it } from "vitest";
import { defaultIntentOptions, generateIntentScenario } from "../generators/intents/generate.js";
import type { DriverFactory } from "../implementations/driver/interface.js";
import { vtdDriver, vtdDriverVariants } from "../implementations/driver/vtd/index.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { compare, type ObservedRun } from "../model/vtd/forgetting.testing.js";
import { VtdOracle } from "../model/vtd/oracle.js";
import { profiles } from "../model/vtd/profiles.js";
import { walkPlatformOf } from "../model/vtd/walk.js";
import { driveScenario, setupOf } from "./driver-run.js";

const RUNS = 20;
const STEPS = 16;
/** Actions between two comparisons. */
const EVERY = 23;
const unit = new ReferenceIommu();
const oracles = new Map(profiles.map((one) => [one.id, new VtdOracle(walkPlatformOf(one))]));

function driverRun(seed: number, create: DriverFactory): ObservedRun {
  const scenario = generateIntentScenario(seed, {
    ...defaultIntentOptions,
    fewestSteps: STEPS,
    mostSteps: STEPS,
  });
  const setup = setupOf(scenario);
  const oracle = oracles.get(setup.profile.id)!;
  oracle.reset(setup);
  let index = 0;
  const { records } = driveScenario(scenario, create, unit, {
    memory: oracle.memory,
    hear: () => null,
    perform: (action, seen) => oracle.perform(action, seen, index++),
  });
  return { setup, records: records.filter((one) => "action" in one) };
}

describe("a judge that forgets after every action says what one that never forgets says", () => {
  it("of the correct driver, and remembers little of it", () => {
    let values = 0;
    let invalidations = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const forgotten = compare(`seed ${seed}`, driverRun(seed, vtdDriver), EVERY);
      values += forgotten.values;
      invalidations += forgotten.invalidations;
    }
    expect(values).toBeGreaterThan(10 * RUNS);
    expect(invalidations).toBeGreaterThan(RUNS);
  });

  it("of faulty drivers", () => {
    vtdDriverVariants.forEach((variant, index) => {
      for (let seed = 1; seed <= 1; seed++)
        compare(`${variant.id}, seed ${seed}`, driverRun(1000 * index + seed, variant.create), EVERY);
    });
  });
});
