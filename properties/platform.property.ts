/** The built-in platform software holds: on every machine, from reset on, whatever any conforming unit may do. */
import { describe, expect, it } from "vitest";
import { defaultPlatformOptions, generatePlatformScenario } from "../generators/platform/generate.js";
import { platformScenarioFrom } from "../generators/platform/scenario.js";
import { platformSoftware } from "../implementations/driver/platform/built-in.js";
import { allProfiles } from "../model/architectures.js";
import { platformSubject } from "./platform/subject.js";
import type { Verdict } from "./subject.js";

const RUNS = Number(process.env.RUNS ?? 300);
const SEED = Number(process.env.SEED ?? 1);

describe.each(platformSoftware.map((one) => [one.name, one] as const))(
  "%s",
  (name, { architecture, software }) => {
    const options = defaultPlatformOptions(architecture);

    it("exposes nothing that was not granted, and serves what was", () => {
      const subject = platformSubject({ name, software }, options);
      for (let index = 0; index < RUNS; index++) {
        const { findings, failure, unknown } = subject.judge(subject.generate(SEED * 1_000_003 + index), []);
        expect({ index, findings, failure, unknown }).toEqual({
          index,
          findings: [],
          failure: null,
          unknown: null,
        });
      }
    });

    it("shows the same when a scenario comes from a file", () => {
      const subject = platformSubject({ name, software }, options);
      for (let seed = 0; seed < 10; seed++) {
        const scenario = subject.generate(seed);
        const again = platformScenarioFrom(JSON.parse(JSON.stringify(scenario)));
        expect(again).toEqual(scenario);
        expect(asData(subject.judgeAfresh(again, []))).toEqual(asData(subject.judge(scenario, [])));
      }
    });

    it("is run on every profile", () => {
      const seen = new Set(
        Array.from({ length: 400 }, (_, seed) => generatePlatformScenario(seed, options).profile),
      );
      const known = allProfiles.filter((one) => one.architecture === architecture);
      expect([...seen].sort()).toEqual(known.map((one) => one.id).sort());
    });
  },
);

/** A verdict with what it tells on demand. */
function asData({ records, eachRequest: _, ...verdict }: Verdict) {
  return { ...verdict, records: records() };
}
