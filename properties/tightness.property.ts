/**
 * The reference pins the relation from both sides: in small fixed scenarios the effects it shows over many timings are
 * exactly the admissible ones.
 */
import { describe, expect, it } from "vitest";
import type { Scenario, Step } from "../generators/scenario.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { Request } from "../model/trace.js";
import { Judge } from "./judge.js";

const TIMINGS = 4000;
const IOVA = 8 * 512;
const [OLD, NEW] = [8 * 512 + 1, 8 * 512 + 2];

const attach: Step = {
  do: "attach",
  device: "a",
  domain: "d0",
  type: "translated",
  faultProcessingDisable: false,
  writeBack: true,
};
const map = (mapping: string, page: number, more: Partial<Extract<Step, { do: "map" }>> = {}): Step => ({
  do: "map",
  mapping,
  domain: "d0",
  iova: IOVA,
  page,
  size: "4K",
  access: "rw",
  writeBack: true,
  ...more,
});
const unmap = (mapping: string): Step => ({ do: "unmap", mapping, writeBack: true });
const dma = (device = "a", iova = IOVA): Step => ({
  do: "dma",
  device,
  iova,
  type: "write",
  length: 8,
  crossing: false,
});
const flushDomain: Step = {
  do: "invalidate",
  target: { cache: "iotlb", granularity: "domain", domain: "d0", drain: true },
  complete: true,
};
const flushPage = (leafOnly: boolean): Step => ({
  do: "invalidate",
  target: { cache: "iotlb", granularity: "page", domain: "d0", iova: IOVA, mask: 0, leafOnly, drain: true },
  complete: true,
});
const flushContext: Step = {
  do: "invalidate",
  target: { cache: "context", granularity: "global" },
  complete: true,
};
const wait: Step = { do: "wait", sign: "status", fence: false };

function scenario(profile: string, steps: readonly Step[]): Scenario {
  return {
    format: "iommu-spec scenario 1",
    architecture: "vtd",
    profile,
    start: "translating",
    invalidation: "queue",
    timing: 0,
    devices: [
      { name: "a", requester: 0x20 },
      { name: "b", requester: 0x28 },
    ],
    domains: [
      { name: "d0", id: 1, levels: profile === "skylake-sp" ? 4 : 3 },
      { name: "d1", id: 2, levels: profile === "skylake-sp" ? 4 : 3 },
    ],
    steps: [...steps],
  };
}

const cases: readonly (readonly [string, Scenario])[] = [
  ["a mapping that nobody changed", scenario("skylake-sp", [attach, map("m", OLD), dma()])],
  ["unmapped, not flushed", scenario("skylake-sp", [attach, map("m", OLD), dma(), unmap("m"), dma()])],
  [
    "unmapped and flushed, not waited for",
    scenario("skylake-sp", [attach, map("m", OLD), dma(), unmap("m"), flushDomain, dma()]),
  ],
  [
    "unmapped, flushed, waited for",
    scenario("skylake-sp", [attach, map("m", OLD), dma(), unmap("m"), flushDomain, wait, dma()]),
  ],
  ["remapped, not flushed", scenario("skylake-sp", [attach, map("m", OLD), dma(), map("n", NEW), dma()])],
  [
    "remapped under a new table, flushed with the hint",
    scenario("skylake-sp", [
      attach,
      map("m", OLD),
      dma(),
      { do: "retable", domain: "d0", iova: IOVA, level: 2, spare: 0, writeBack: true },
      map("n", NEW),
      flushPage(true),
      wait,
      dma(),
    ]),
  ],
  [
    "remapped under a new table, flushed without the hint",
    scenario("skylake-sp", [
      attach,
      map("m", OLD),
      dma(),
      { do: "retable", domain: "d0", iova: IOVA, level: 2, spare: 0, writeBack: true },
      map("n", NEW),
      flushPage(false),
      wait,
      dma(),
    ]),
  ],
  [
    "moved to another domain, context flushed, IOTLB not",
    scenario("skylake-sp", [
      attach,
      map("m", OLD),
      dma(),
      { ...attach, domain: "d1" },
      flushContext,
      wait,
      dma(),
    ]),
  ],
  [
    "IOTLB flushed before the context cache",
    scenario("skylake-sp", [
      attach,
      map("m", OLD),
      dma(),
      { ...attach, domain: "d1" },
      flushDomain,
      wait,
      flushContext,
      wait,
      dma(),
    ]),
  ],
  [
    "mapped without a line flush",
    scenario("ivy-bridge", [attach, map("m", OLD, { writeBack: false }), dma()]),
  ],
  [
    "superpage replaced by a table",
    scenario("skylake-sp", [attach, map("m", IOVA, { size: "2M" }), dma(), map("n", NEW), dma()]),
  ],
];

describe("effects shown over many timings are the admissible ones", () => {
  it.each(cases)("%s", (_, fixed) => {
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
  });
});
