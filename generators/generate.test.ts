import { createHash } from "node:crypto";
import { isRight } from "fp-ts/lib/Either.js";
import { describe, expect, it } from "vitest";
import { compileScenario } from "./compile.js";
import { defaultOptions, type GeneratorOptions, generateScenario } from "./generate.js";
import { topologies } from "./places.js";
import { scenarioCodec, scenarioFrom } from "./scenario.js";

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

describe.each(["vtd", "amdvi"] as const)("generateScenario: %s", (architecture) => {
  const OPTIONS = defaultOptions(architecture);

  it("gives equal scenarios for equal seeds", () => {
    for (const seed of SEEDS)
      expect(generateScenario(seed, OPTIONS)).toEqual(generateScenario(seed, OPTIONS));
  });

  it("gives other scenarios for other seeds", () => {
    const scenarios = new Set(SEEDS.map((seed) => JSON.stringify(generateScenario(seed, OPTIONS))));
    expect(scenarios.size).toBe(SEEDS.length);
  });

  it("gives scenarios that pass the codec and round-trip through JSON", () => {
    for (const seed of SEEDS) {
      const scenario = generateScenario(seed, OPTIONS);
      expect(isRight(scenarioCodec.decode(scenario))).toBe(true);
      expect(scenarioFrom(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario);
    }
  });

  it("keeps to the numbers of steps it is given, with what was logged of faults read last", () => {
    const options = { ...OPTIONS, fewestSteps: 20, mostSteps: 25 };
    const lengths = new Set(SEEDS.map((seed) => generateScenario(seed, options).steps.length - 1));
    expect([...lengths].sort()).toEqual([20, 21, 22, 23, 24, 25]);
    for (const seed of SEEDS) {
      const last = { do: architecture === "vtd" ? "read-faults" : "read-events", clear: false };
      expect(generateScenario(seed, options).steps.at(-1)).toEqual(last);
    }
  });

  it("draws every profile and every device tree it is given, and no other", () => {
    const scenarios = SEEDS.map((seed) => generateScenario(seed, OPTIONS));
    expect(new Set(scenarios.map((one) => one.profile))).toEqual(new Set(OPTIONS.profiles));
    const trees = new Set(scenarios.map((one) => one.devices.map(({ requester }) => requester).join()));
    expect(trees).toEqual(new Set(OPTIONS.topologies.map((one) => topologies[one].join())));
    const profiles = OPTIONS.profiles.slice(3, 4);
    const few: GeneratorOptions = { ...OPTIONS, profiles, topologies: ["flat"] };
    expect(new Set(SEEDS.map((seed) => generateScenario(seed, few).profile))).toEqual(new Set(profiles));
  });

  it("leaves steering alone where its weight is zero", () => {
    const options = { ...OPTIONS, steeringWeight: 0 };
    const kinds = new Set(
      SEEDS.flatMap((seed) => generateScenario(seed, options).steps.map((one) => one.do)),
    );
    for (const kind of ["translation", "set-root", "set-device-table"]) expect(kinds).not.toContain(kind);
  });

  it("gives scenarios that compile to the same whatever was compiled before", () => {
    const alone = SEEDS.map((seed) => JSON.stringify(compileScenario(generateScenario(seed, OPTIONS))));
    for (const seed of [...SEEDS].reverse()) {
      expect(JSON.stringify(compileScenario(generateScenario(seed, OPTIONS)))).toBe(alone[seed]);
    }
  });
});

describe("scenarios for AMD-Vi", () => {
  it("gives the scenarios it always gave", () => {
    const hash = createHash("sha256");
    for (const seed of SEEDS) hash.update(JSON.stringify(generateScenario(seed, defaultOptions("amdvi"))));
    expect(hash.digest("hex").slice(0, 16)).toMatchInlineSnapshot(`"791414abbbaa5e56"`);
  });
});

describe("scenarios for VT-d", () => {
  const OPTIONS = defaultOptions("vtd");

  it("gives the scenarios it always gave", () => {
    const hash = createHash("sha256");
    for (const seed of SEEDS) hash.update(JSON.stringify(generateScenario(seed, OPTIONS)));
    expect(hash.digest("hex").slice(0, 16)).toMatchInlineSnapshot(`"327d5855908af408"`);
  });

  it("gives scenarios that compile to the actions they always compiled to", () => {
    const hash = createHash("sha256");
    for (const seed of SEEDS)
      hash.update(JSON.stringify(compileScenario(generateScenario(seed, OPTIONS)).actions));
    expect(hash.digest("hex").slice(0, 16)).toMatchInlineSnapshot(`"da2a5695fc518c05"`);
  });
});
