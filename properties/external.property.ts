/**
 * Every faulty variant that has a role in the protocol, as another process: its counterexample shows the same finding there
 * as in this program.
 */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { defaultOptions } from "../generators/generate.js";
import { defaultIntentOptions } from "../generators/intents/generate.js";
import { DriverProgram } from "../implementations/driver/external/program.js";
import { openExternal } from "../implementations/iommu/external/index.js";
import { subjectOf } from "./bugs/subject.js";
import { loadScenario } from "./counterexample.js";
import { exposureSubject } from "./driver-subject.js";
import { counterexampleOf, FOLDER, type Variant, variants } from "./external/counterexamples.js";
import { type AnyScenario, iommuSubject, type Subject } from "./subject.js";
import { compiledForTests } from "./workers/compiled.testing.js";

const folder = compiledForTests("properties/external/server.ts");
/** Which variant the programs are in the next run. */
const chosen = join(folder, "variant");
const commandFor = (role: Variant["role"], offer = {}) =>
  `"${process.execPath}" "${join(folder, "properties/external/server.js")}" ${role} "${chosen}" '${JSON.stringify(offer)}'`;
const iommu = openExternal(commandFor("iommu"));
const driver = new DriverProgram(commandFor("driver"));
afterAll(() => {
  iommu.close();
  driver.end();
});

/** A variant as another process. */
function subjectElsewhere({ role, architecture, name }: Variant): Subject<AnyScenario> {
  writeFileSync(chosen, name);
  const subject =
    role === "iommu"
      ? iommuSubject(iommu, defaultOptions(architecture))
      : exposureSubject({ name, create: driver.create }, defaultIntentOptions(architecture));
  return subject as unknown as Subject<AnyScenario>;
}

function shownBy(subject: Subject<AnyScenario>, scenario: AnyScenario) {
  const { findings, unknown, failure, requests } = subject.judgeAfresh(scenario, []);
  const said = findings.map(({ kind, message, rules, witness }) => ({ kind, message, rules, witness }));
  return { findings: said, unknown, failure, requests };
}

describe.each(["iommu", "driver"] as const)("the role of an %s", (role) => {
  const ofRole = variants.filter((one) => one.role === role);

  it("has a counterexample of every variant, and of nothing else", () => {
    const files = readdirSync(join(FOLDER, role), { recursive: true, encoding: "utf8" });
    const expected = ofRole.map(counterexampleOf);
    expect(
      files
        .map((one) => join(FOLDER, role, one))
        .filter((one) => one.endsWith(".json"))
        .sort(),
    ).toEqual([...expected].sort());
  });

  it.each(ofRole.map((one) => [one.name, one] as const))("%s", (_, variant) => {
    const file = counterexampleOf(variant);
    expect(existsSync(file)).toBe(true);
    const { scenario, recorded } = loadScenario(file);
    const here = shownBy(subjectOf(variant), scenario);
    expect(here.findings.map((one) => one.kind)).toEqual([recorded!.finding.kind]);
    expect(shownBy(subjectElsewhere(variant), scenario)).toEqual(here);
  });
});

describe("a program that carries out one intent after the other", () => {
  const sequential = new DriverProgram(commandFor("driver", { concurrent: false }));
  afterAll(() => sequential.end());

  it("needs no locks, whatever two CPUs ask of it", () => {
    const unlocked = variants.filter((one) => /unlocked|no-lock/.test(one.name));
    expect(unlocked.length).toBeGreaterThanOrEqual(4);
    for (const variant of unlocked) {
      const { scenario } = loadScenario(counterexampleOf(variant));
      expect(scenario.steps.some((one) => one.do === "together")).toBe(true);
      writeFileSync(chosen, variant.name);
      const subject = exposureSubject(
        { name: variant.name, create: sequential.create },
        defaultIntentOptions(variant.architecture),
      );
      expect(shownBy(subject as unknown as Subject<AnyScenario>, scenario)).toMatchObject({
        findings: [],
        failure: null,
      });
    }
  });
});
