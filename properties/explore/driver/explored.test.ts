import { describe, expect, it } from "vitest";
import { defaultIntentOptions } from "../../../generators/intents/generate.js";
import { builtInDrivers } from "../../../implementations/driver/built-in.js";
import { exposureSubject, type NamedDriver } from "../../driver-subject.js";
import { type Explored, Search } from "../search.js";
import { type DriverConfiguration, scenarioOf } from "./configuration.js";
import { ExploredDriver } from "./explored.js";
import { ReplayedDriver } from "./replayed.js";

const PROFILES = { vtd: "qemu-39", amdvi: "amd-qemu" } as const;
const DEPTH = 3;
/** Every so many variants one is searched; all take minutes. */
const EVERY = 7;

function configurationOf(architecture: "vtd" | "amdvi"): DriverConfiguration {
  return {
    architecture,
    profile: PROFILES[architecture],
    start: "translating",
    invalidation: "queue",
    flushing: "strict",
    requesters: 1,
    alias: false,
    domains: 2,
    iovas: 1,
    pages: 1,
    kinds: ["attach", "detach", "map", "unmap", "protect"],
  };
}

function searched(explored: Explored, depth: number) {
  const search = new Search(explored, { depth, goesOn: () => true });
  search.run();
  return search;
}

describe.each(builtInDrivers.map((one) => [one.architecture, one] as const))(
  "driver %s",
  (architecture, driver) => {
    const configuration = configurationOf(architecture);

    it("reaches everything there is without a violation", () => {
      const search = searched(new ExploredDriver(configuration, driver.create), Number.POSITIVE_INFINITY);
      expect(search.violation).toBe(null);
      expect([...search.frontier.failures]).toEqual([]);
      expect(search.isExhausted).toBe(true);
    });

    it("merged and not, the same verdicts, and shortest counterexamples of the same length", () => {
      for (const { id, create } of [
        { id: "correct", create: driver.create },
        ...driver.variants.filter((_, index) => index % EVERY === 0),
      ]) {
        const named: NamedDriver = { name: id, create };
        const merged = searched(new ExploredDriver(configuration, create), DEPTH);
        const replayed = searched(new ReplayedDriver(configuration, named), DEPTH);
        expect(merged.violation?.path.length, id).toBe(replayed.violation?.path.length);
        if (!merged.violation) continue;
        const steps = merged.violation.path.map(
          (one) => new ExploredDriver(configuration, create).alphabet[one]!.step,
        );
        const subject = exposureSubject(named, defaultIntentOptions(architecture));
        const { findings } = subject.judgeAfresh({ ...scenarioOf(configuration), steps }, []);
        expect(findings[0]?.kind, id).toBe(merged.violation.finding.kind);
      }
    });
  },
);
