/**
 * The reference pins the relation from both sides: in small fixed scenarios the effects it shows over many timings are
 * exactly the admissible ones.
 */
import { expect } from "vitest";
import type { Scenario } from "../generators/scenario.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { Request } from "../model/trace.js";
import { Judge } from "./judge.js";

const TIMINGS = 4000;

/** Expects that the last request of a scenario shows every admissible effect, and no other, over many timings. */
export function expectTight(fixed: Scenario): void {
  const judge = new Judge();
  const iommu = new ReferenceIommu();
  const seen = new Set<number>();
  const admissible = new Set<number>();
  for (let timing = 0; timing < TIMINGS; timing++) {
    const { run, findings } = judge.judge({ ...fixed, timing }, iommu);
    expect(findings).toEqual([]);
    const last = run.actions.findLastIndex((one) => one.do === "request");
    const { request } = run.actions[last] as { request: Request };
    for (const one of judge.oracleOf(run).outcomesOf(request, last)) admissible.add(one.effect);
    iommu.reset({ ...run.setup, timing });
    seen.add(iommu.execute(run.actions)[last]!.low);
  }
  expect([...seen].sort()).toEqual([...admissible].sort());
}
