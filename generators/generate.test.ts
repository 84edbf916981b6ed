import { createHash } from "node:crypto";
import { isRight } from "fp-ts/lib/Either.js";
import { describe, expect, it } from "vitest";
import { compileScenario } from "./compile.js";
import { defaultOptions, generateScenario } from "./generate.js";
import { topologies } from "./places.js";
import { scenarioCodec, scenarioFrom } from "./scenario.js";

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

describe("generateScenario", () => {
  it("gives equal scenarios for equal seeds", () => {
    for (const seed of SEEDS) expect(generateScenario(seed)).toEqual(generateScenario(seed));
  });

  it("gives other scenarios for other seeds", () => {
    const scenarios = new Set(SEEDS.map((seed) => JSON.stringify(generateScenario(seed))));
    expect(scenarios.size).toBe(SEEDS.length);
  });

  it("gives scenarios that pass the codec and round-trip through JSON", () => {
    for (const seed of SEEDS) {
      const scenario = generateScenario(seed);
      expect(isRight(scenarioCodec.decode(scenario))).toBe(true);
      expect(scenarioFrom(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario);
    }
  });

  it("keeps to the numbers of steps it is given, with the fault registers read last", () => {
    const options = { ...defaultOptions, fewestSteps: 20, mostSteps: 25 };
    const lengths = new Set(SEEDS.map((seed) => generateScenario(seed, options).steps.length - 1));
    expect([...lengths].sort()).toEqual([20, 21, 22, 23, 24, 25]);
    for (const seed of SEEDS) {
      expect(generateScenario(seed, options).steps.at(-1)).toEqual({ do: "read-faults", clear: false });
    }
  });

  it("draws every profile and every device tree it is given, and no other", () => {
    const scenarios = SEEDS.map((seed) => generateScenario(seed));
    expect(new Set(scenarios.map((one) => one.profile))).toEqual(new Set(defaultOptions.profiles));
    const trees = new Set(scenarios.map((one) => one.devices.map(({ requester }) => requester).join()));
    expect(trees).toEqual(new Set(Object.values(topologies).map((one) => one.join())));
    const few = { ...defaultOptions, profiles: ["gm45"], topologies: ["flat"] };
    expect(new Set(SEEDS.map((seed) => generateScenario(seed, few).profile))).toEqual(new Set(["gm45"]));
  });

  it("leaves steering alone where its weight is zero", () => {
    const options = { ...defaultOptions, steeringWeight: 0 };
    const kinds = new Set(
      SEEDS.flatMap((seed) => generateScenario(seed, options).steps.map((one) => one.do)),
    );
    expect(kinds).not.toContain("translation");
    expect(kinds).not.toContain("set-root");
  });

  it("gives the scenarios it always gave", () => {
    const hash = createHash("sha256");
    for (const seed of SEEDS) hash.update(JSON.stringify(generateScenario(seed)));
    expect(hash.digest("hex").slice(0, 16)).toMatchInlineSnapshot(`"69f55c40e4a80372"`);
  });

  it("gives scenarios that compile to the same whatever was compiled before", () => {
    const alone = SEEDS.map((seed) => JSON.stringify(compileScenario(generateScenario(seed))));
    for (const seed of [...SEEDS].reverse()) {
      expect(JSON.stringify(compileScenario(generateScenario(seed)))).toBe(alone[seed]);
    }
  });

  it("gives scenarios that compile to the actions they always compiled to", () => {
    const hash = createHash("sha256");
    for (const seed of SEEDS) hash.update(JSON.stringify(compileScenario(generateScenario(seed)).actions));
    expect(hash.digest("hex").slice(0, 16)).toMatchInlineSnapshot(`"1b77614ffb7c7b44"`);
  });
});
