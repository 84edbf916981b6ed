import { describe, expect, it } from "vitest";
import { defaultIntentOptions, generateIntentScenario } from "../generators/intents/generate.js";
import type { IntentScenario } from "../generators/intents/scenario.js";
import { factsOf } from "../generators/platform-facts.js";
import { ExternalDriver } from "../implementations/driver/external/driver.js";
import type { DriverProgram } from "../implementations/driver/external/program.js";
import type { DriverSetup } from "../implementations/driver/interface.js";
import type { HelloAnswer } from "../implementations/protocol/messages.js";
import { vtd } from "../model/vtd/index.js";
import { exposureSubject } from "../properties/driver-subject.js";
import { UsageError } from "./errors.js";
import { externalSubject, intentsOffered, profilesOffered } from "./external-driver.js";

const PROFILES = vtd.profiles.map((one) => one.id);

function helloOf(offer: Partial<HelloAnswer>): HelloAnswer {
  return { id: 0, protocol: 1, role: "driver", name: "mine", version: "2", architectures: ["vtd"], ...offer };
}

function scenariosFor(offer: Partial<HelloAnswer>): readonly IntentScenario[] {
  const hello = helloOf(offer);
  const options = {
    ...defaultIntentOptions("vtd"),
    ...intentsOffered(hello),
    profiles: profilesOffered(hello, PROFILES),
  };
  return Array.from({ length: 200 }, (_, seed) => generateIntentScenario(seed, options));
}

const drawn = <T>(scenarios: readonly IntentScenario[], of: (one: IntentScenario) => T) =>
  [...new Set(scenarios.map(of))].sort();
const kindsOf = (scenario: IntentScenario) =>
  scenario.steps.flatMap((one) => (one.do === "together" ? [one.first.do, one.second.do] : [one.do]));

describe("scenarios for a program", () => {
  it("ask for everything where its hello leaves nothing out", () => {
    const all = scenariosFor({});
    expect(drawn(all, (one) => one.start)).toEqual(["reset", "translating"]);
    expect(drawn(all, (one) => one.flushing)).toEqual(["deferred", "strict"]);
    expect(drawn(all, (one) => one.invalidation)).toEqual(["queue", "registers"]);
    expect(all.flatMap(kindsOf)).toEqual(expect.arrayContaining(["protect", "merge", "destroy"]));
  });

  it.each(["reset", "translating"] as const)("start from %s where it offers nothing else", (start) => {
    expect(drawn(scenariosFor({ starts: [start] }), (one) => one.start)).toEqual([start]);
  });

  it.each(["strict", "deferred"] as const)("flush %s where it offers nothing else", (flushing) => {
    expect(drawn(scenariosFor({ flushing: [flushing] }), (one) => one.flushing)).toEqual([flushing]);
  });

  it.each(["queue", "registers"] as const)("invalidate by %s alone, on what has that", (way) => {
    const scenarios = scenariosFor({ invalidation: [way] });
    expect(drawn(scenarios, (one) => one.invalidation)).toEqual([way]);
    for (const { profile } of scenarios) expect(factsOf(profile).interfaces).toContain(way);
  });

  it("leave out intents, aliases and profiles that it does not offer", () => {
    const scenarios = scenariosFor({ intents: ["protect"], aliases: false, profiles: ["gm45", "none-such"] });
    const kinds = new Set(scenarios.flatMap(kindsOf));
    expect([kinds.has("protect"), kinds.has("destroy")]).toEqual([true, false]);
    expect(scenarios.every(({ devices }) => devices.every((one) => one.requesters.length === 1))).toBe(true);
    expect(drawn(scenarios, (one) => one.profile)).toEqual(["gm45"]);
  });

  it("cannot be drawn for one that takes no profile there is", () => {
    expect(() => profilesOffered(helloOf({ profiles: ["none-such"] }), PROFILES)).toThrow(UsageError);
  });

  it("are not shrunk to what it does not offer", () => {
    const hello = helloOf({ starts: ["reset"], flushing: ["deferred"], invalidation: ["queue"] });
    const plain = exposureSubject({ name: "mine", create: unused }, defaultIntentOptions("vtd"));
    const subject = externalSubject(plain, unused as unknown as DriverProgram, hello);
    const [{ steps, ...drawn }] = scenariosFor(hello) as [IntentScenario];
    const scenario = { ...drawn, steps: steps.slice(0, 4), profile: PROFILES.at(-1)! };
    const isOffered = ({ start, flushing, invalidation }: IntentScenario) =>
      start === "reset" && flushing === "deferred" && invalidation === "queue";
    const [before, after] = [[...plain.simpler(scenario)], [...subject.simpler(scenario)]];
    expect(before.every(isOffered)).toBe(false);
    expect(after).toEqual(before.filter(isOffered));
  });
});

function unused(): never {
  throw new Error("not to be called");
}

describe("a scenario that a program does not offer to carry out", () => {
  const setup = {
    profile: vtd.profiles[0]!,
    start: "reset",
    flushing: "deferred",
    invalidation: "queue",
  } as unknown as DriverSetup;
  const driverWith = (offer: Partial<HelloAnswer>) =>
    new ExternalDriver(unused as unknown as DriverProgram, helloOf(offer), setup);
  const mapping = { iova: 1, page: 2, pages: 1, access: 3 };

  it.each<[string, () => unknown, RegExp]>([
    ["start", () => driverWith({ starts: ["translating"] }), /needs "reset", which mine 2 does not offer/],
    ["flushing", () => driverWith({ flushing: ["strict"] }), /needs "deferred"/],
    ["invalidation", () => driverWith({ invalidation: ["registers"] }), /needs "queue"/],
    ["profile", () => driverWith({ profiles: ["gm45"] }), /needs "[^"]+", which mine 2/],
    ["architecture", () => driverWith({ architectures: ["amdvi"] }), /needs "vtd"/],
    ["protect", () => driverWith({ intents: ["merge"] }).protect("d0", mapping, 1), /needs "protect"/],
    ["destroy", () => driverWith({ intents: [] }).destroy("d0", 1), /needs "destroy"/],
    [
      "aliases",
      () => driverWith({ aliases: false }).attach({ name: "a", requesters: [8, 9] }, "d0", 1),
      /needs devices with several requester ids/,
    ],
  ])("is refused: %s", (_, asked, message) => {
    expect(asked).toThrow(message);
  });

  it("is carried out without merging, which nobody can tell", () => {
    const routine = driverWith({ intents: ["protect"] }).merge("d0", mapping, 7);
    const zero = { low: 0, high: 0 };
    expect(routine.next(zero).value).toEqual({ do: "settled", ticket: 7 });
    expect(routine.next(zero).done).toBe(true);
  });
});
