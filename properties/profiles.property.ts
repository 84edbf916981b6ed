/** The platforms that nothing draws by default: the reference keeps every invariant on each, and the driver exposes nothing. */
import { describe, expect, it } from "vitest";
import { defaultOptions, generateScenario } from "../generators/generate.js";
import { defaultIntentOptions } from "../generators/intents/generate.js";
import { builtInDriverOf } from "../implementations/driver/built-in.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { Architecture } from "../model/architecture.js";
import { architectures } from "../model/architectures.js";
import type { Profile } from "../model/profile.js";
import { blackBoxSubject, exposureSubject } from "./driver-subject.js";
import { Judge } from "./judge.js";
import type { AnyScenario, Subject } from "./subject.js";

const UNIT_RUNS = 200;
const DRIVER_RUNS = 100;

function complaints<S extends AnyScenario>(subject: Subject<S>): unknown[] {
  return Array.from({ length: DRIVER_RUNS }, (_, seed) => subject.judge(subject.generate(seed), [])).flatMap(
    ({ findings, failure, unknown }) => [...findings, failure, unknown].filter((one) => one !== null),
  );
}

const seldom = ({ id, profiles }: Architecture, drawn: readonly string[]): [string, Architecture["id"]][] =>
  profiles.filter((one: Profile) => !drawn.includes(one.id)).map((one) => [one.id, id]);

describe.each(architectures.flatMap((one) => seldom(one, defaultOptions(one.id).profiles)))(
  "%s",
  (profile, architecture) => {
    it("holds for the reference", () => {
      const options = { ...defaultOptions(architecture), profiles: [profile] };
      const judge = new Judge();
      const iommu = new ReferenceIommu();
      for (let seed = 0; seed < UNIT_RUNS; seed++) {
        const { findings, unknown } = judge.judge(generateScenario(seed, options), iommu);
        expect([seed, unknown === null ? findings : []]).toEqual([seed, []]);
      }
    });
  },
);

describe.each(architectures.flatMap((one) => seldom(one, defaultIntentOptions(one.id).profiles)))(
  "%s",
  (profile, architecture) => {
    const driver = { name: architecture, create: builtInDriverOf(architecture).create };
    const options = { ...defaultIntentOptions(architecture), profiles: [profile] };

    it("holds for the driver, whatever a unit may do", () => {
      expect(complaints(exposureSubject(driver, options))).toEqual([]);
    });

    it("holds for the driver on the reference", () => {
      expect(complaints(blackBoxSubject(driver, new ReferenceIommu(), options))).toEqual([]);
    });
  },
);
