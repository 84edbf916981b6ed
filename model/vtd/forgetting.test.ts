/** A judge that forgets after every record says the same as one that never does. */
import { describe, expect, it } from "vitest";
import { compileScenario } from "../../generators/compile.js";
import { defaultOptions, generateScenario } from "../../generators/generate.js";
import { dataPages, iovaPool } from "../../generators/places.js";
import { ReferenceIommu } from "../../implementations/iommu/reference/reference.js";
import { OutsideModel } from "../finding.js";
import type { Reach } from "../isolation/exposure.js";
import { profiles } from "./profiles.js";
import { VtdSoftware } from "./software.js";
import { walkPlatformOf } from "./walk.js";

const GRANTED_TO_NOBODY = () => null;
const unit = new ReferenceIommu();
const software = new Map(
  profiles.map((one) => {
    const platform = walkPlatformOf(one);
    return [one.id, { forgetful: new VtdSoftware(platform), thorough: new VtdSoftware(platform) }];
  }),
);
const addresses = [...iovaPool(4), ...dataPages.slice(0, 2), 0xfee00];

function asSet(reaches: readonly Reach[]): string[] {
  return reaches
    .map((one) => `${one.requester} ${one.iova} ${one.page} ${one.pages} ${one.access} ${one.way}`)
    .sort();
}

function answersOf(model: VtdSoftware, requester: number, index: number): unknown {
  const iova = addresses[index % addresses.length]!;
  const { pages, faults } = model.answers(requester, iova, index % 2 === 0 ? "write" : "read");
  return { iova, pages: [...pages].sort(), faults: [...faults].sort() };
}

/** Runs a scenario with both; returns how many old values there were to forget. */
function compare(seed: number, steps: number): number {
  const scenario = generateScenario(seed, { ...defaultOptions, fewestSteps: steps, mostSteps: steps });
  const { setup, actions } = compileScenario(scenario);
  unit.reset(setup);
  const observations = unit.execute(actions);
  const { forgetful, thorough } = software.get(setup.profile.id)!;
  const start = { ...setup, translating: setup.start === "translating" };
  forgetful.reset(start);
  thorough.reset(start);
  actions.forEach((action, index) => {
    const where = `seed ${seed}, action ${index}: ${JSON.stringify(action)}`;
    const seen = observations[index]!;
    const found = thorough.perform(action, seen, index);
    expect(forgetful.perform(action, seen, index)?.kind ?? null, where).toBe(found?.kind ?? null);
    thorough.addedReach(GRANTED_TO_NOBODY);
    forgetful.addedReach(GRANTED_TO_NOBODY);
    forgetful.forget();
    expect(asSet(forgetful.exposure()), where).toEqual(asSet(thorough.exposure()));
    for (const requester of setup.requesters)
      expect(answersOf(forgetful, requester, index), where).toEqual(answersOf(thorough, requester, index));
  });
  return oldValues(thorough) - oldValues(forgetful);
}

function oldValues({ oracle }: VtdSoftware): number {
  let count = 0;
  oracle.memory.eachSuperseded(() => count++);
  return count;
}

describe("forgetting", () => {
  it.each([
    [12, 600],
    [40, 200],
  ])("random histories of %i steps", (steps, runs) => {
    let forgotten = 0;
    for (let seed = 1; seed <= runs; seed++) {
      try {
        forgotten += compare(seed, steps);
      } catch (error) {
        if (!(error instanceof OutsideModel)) throw error;
      }
    }
    expect(forgotten).toBeGreaterThan(runs);
  });
});
