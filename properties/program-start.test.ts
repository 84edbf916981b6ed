/** Programs that can only start at a reset are brought to where translating runs start, and are right from there on. */
import { describe, expect, test } from "vitest";
import { defaultOptions } from "../generators/generate.js";
import { startActions } from "../implementations/iommu/external/start-actions.js";
import type { Iommu, RunSetup } from "../implementations/iommu/interface.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { architectures } from "../model/architectures.js";
import { iommuSubject } from "./subject.js";

const RUNS = 150;

/** The reference, which never starts anywhere but at a reset. */
class FromReset implements Iommu {
  readonly name = "from reset";
  private readonly reference = new ReferenceIommu(null);
  readonly requestTypes = this.reference.requestTypes;
  private setup!: RunSetup;
  brought = 0;

  reset(setup: RunSetup): void {
    this.setup = setup;
  }

  execute(actions: Parameters<Iommu["execute"]>[0]): ReturnType<Iommu["execute"]> {
    const { setup } = this;
    this.reference.reset({ ...setup, start: "reset" });
    const before = setup.start === "reset" ? [] : startActions(setup.profile, setup);
    const seen = this.reference.execute([...before, ...actions]);
    for (const [index, { do: kind }] of before.entries())
      if (kind === "poll-register") expect(seen[index]!.low).toBe(1);
    if (before.length > 0) this.brought++;
    return seen.slice(before.length);
  }

  readData(page: number, offset: number): number {
    return this.reference.readData(page, offset);
  }

  close(): void {
    this.reference.close();
  }
}

describe.each(architectures)("$id", ({ id }) => {
  test("every profile: nothing inadmissible is seen", () => {
    const iommu = new FromReset();
    const subject = iommuSubject(iommu, defaultOptions(id));
    for (let seed = 0; seed < RUNS; seed++) {
      const { findings, failure } = subject.judge(subject.generate(seed), []);
      expect({ seed, findings, failure }).toEqual({ seed, findings: [], failure: null });
    }
    expect(iommu.brought).toBeGreaterThan(RUNS / 2);
  });
});
