/** Judging drivers: a judge that forgets says the same as one that never does, whether the driver is right or faulty. */
import { describe, expect, it } from "vitest";
import { defaultIntentOptions, generateIntentScenario } from "../generators/intents/generate.js";
import { builtInDrivers } from "../implementations/driver/built-in.js";
import type { DriverFactory } from "../implementations/driver/interface.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { allProfiles, architectureOf } from "../model/architectures.js";
import { compare, type ObservedRun } from "../model/forgetting.testing.js";
import type { ArchitectureId } from "../model/profile.js";
import { driveScenario, setupOf } from "./driver-run.js";

const RUNS = 12;
const STEPS = 16;
/** Actions between two comparisons. */
const EVERY = 23;
/** Actions of a run that are followed at most: what forgets nothing takes ever longer. */
const MOST_ACTIONS = 120;
/** Runs are long: of the faulty drivers one in so many. */
const EVERY_VARIANT = 2;
const unit = new ReferenceIommu();
const oracles = new Map(allProfiles.map((one) => [one.id, architectureOf(one).createOracle(one)]));

function driverRun(architecture: ArchitectureId, seed: number, create: DriverFactory): ObservedRun {
  const scenario = generateIntentScenario(seed, {
    ...defaultIntentOptions(architecture),
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
  return { setup, records: records.filter((one) => "action" in one).slice(0, MOST_ACTIONS) };
}

describe.each(builtInDrivers.map((one) => [one.architecture, one] as const))(
  "%s: a judge that forgets after every action says what one that never forgets says",
  (architecture, { create, variants }) => {
    it("of the correct driver, and remembers little of it", () => {
      let values = 0;
      let invalidations = 0;
      for (let seed = 1; seed <= RUNS; seed++) {
        const forgotten = compare(`seed ${seed}`, driverRun(architecture, seed, create), EVERY);
        values += forgotten.values;
        invalidations += forgotten.invalidations;
      }
      expect(values).toBeGreaterThan(10 * RUNS);
      expect(invalidations).toBeGreaterThan(RUNS);
    });

    it("of faulty drivers", () => {
      for (let index = 0; index < variants.length; index += EVERY_VARIANT) {
        const { id, create: faulty } = variants[index]!;
        compare(id, driverRun(architecture, 1000 * index + 1, faulty), EVERY);
      }
    });
  },
);
