/** A judge that forgets says the same as one that never does. */
import { describe, expect, it } from "vitest";
import { compileScenario } from "../generators/compile.js";
import { defaultOptions, generateScenario } from "../generators/generate.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { compare, type ObservedRun } from "./forgetting.testing.js";
import type { ArchitectureId } from "./profile.js";

const unit = new ReferenceIommu();

function rawRun(architecture: ArchitectureId, seed: number, steps: number): ObservedRun {
  const scenario = generateScenario(seed, {
    ...defaultOptions(architecture),
    fewestSteps: steps,
    mostSteps: steps,
  });
  const { setup, actions } = compileScenario(scenario);
  unit.reset(setup);
  const observations = unit.execute(actions);
  return { setup, records: actions.map((action, index) => ({ action, seen: observations[index]! })) };
}

describe("a judge that forgets after every action says what one that never forgets says", () => {
  // Software that changes a large page of AMD-Vi slot by slot takes many actions, so fewer of them are compared.
  it.each([
    ["vtd", 12, 300, 1],
    ["vtd", 40, 60, 1],
    ["amdvi", 12, 60, 9],
    ["amdvi", 40, 12, 9],
  ] as const)("%s: random histories of %i steps", (architecture, steps, runs, every) => {
    let values = 0;
    let invalidations = 0;
    for (let seed = 1; seed <= runs; seed++) {
      const forgotten = compare(`seed ${seed}`, rawRun(architecture, seed, steps), every);
      values += forgotten.values;
      invalidations += forgotten.invalidations;
    }
    expect(values).toBeGreaterThan(4 * runs);
    expect(invalidations).toBeGreaterThan(runs / (architecture === "vtd" ? 5 : 15));
  });
});

it("an old device entry stays while caches may keep what it shared a domain id for", () => {
  const attach = (device: string, domain: string) =>
    ({
      do: "attach",
      device,
      domain,
      type: "translated",
      faultProcessingDisable: false,
      writeBack: true,
    }) as const;
  const { setup, actions } = compileScenario({
    format: "iommu-spec scenario 1",
    architecture: "vtd",
    profile: "gm45",
    start: "translating",
    invalidation: "registers",
    timing: 1,
    devices: [
      { name: "b", requester: 0x100 },
      { name: "c", requester: 0x200 },
    ],
    domains: [
      { name: "d0", id: 1, levels: 3 },
      { name: "d1", id: 1, levels: 3 },
    ],
    steps: [
      attach("b", "d0"),
      {
        do: "map",
        mapping: "m",
        domain: "d0",
        iova: 0x41000,
        page: 0x13ff,
        size: "4K",
        access: "rw",
        writeBack: true,
      },
      attach("c", "d1"),
      { do: "detach", device: "c", writeBack: true },
      {
        do: "invalidate",
        target: { cache: "context", granularity: "device", domain: "d1", device: "c", functionMask: 0 },
        complete: true,
      },
    ],
  });
  unit.reset(setup);
  const observations = unit.execute(actions);
  compare("detached", {
    setup,
    records: actions.map((action, index) => ({ action, seen: observations[index]! })),
  });
});
