/** VT-d: small histories in which the reference shows every admissible effect, and no other. */
import { describe, it } from "vitest";
import type { VtdScenario, VtdStep } from "../generators/vtd/scenario.js";
import { expectTight } from "./tightness.testing.js";

const IOVA = 8 * 512;
const [OLD, NEW] = [8 * 512 + 1, 8 * 512 + 2];

const attach: VtdStep = {
  do: "attach",
  device: "a",
  domain: "d0",
  type: "translated",
  faultProcessingDisable: false,
  writeBack: true,
};
const map = (
  mapping: string,
  page: number,
  more: Partial<Extract<VtdStep, { do: "map" }>> = {},
): VtdStep => ({
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
const unmap = (mapping: string): VtdStep => ({ do: "unmap", mapping, writeBack: true });
const dma = (device = "a", iova = IOVA): VtdStep => ({
  do: "dma",
  device,
  iova,
  type: "write",
  length: 8,
  crossing: false,
});
const flushDomain: VtdStep = {
  do: "invalidate",
  target: { cache: "iotlb", granularity: "domain", domain: "d0", drain: true },
  complete: true,
};
const flushPage = (leafOnly: boolean): VtdStep => ({
  do: "invalidate",
  target: { cache: "iotlb", granularity: "page", domain: "d0", iova: IOVA, mask: 0, leafOnly, drain: true },
  complete: true,
});
const flushContext: VtdStep = {
  do: "invalidate",
  target: { cache: "context", granularity: "global" },
  complete: true,
};
const protect = (complete: boolean): VtdStep => ({
  do: "protect-memory",
  region: "low",
  page: OLD,
  blocks: 1,
  complete,
});
const wait: VtdStep = { do: "wait", sign: "status", fence: false };

function scenario(profile: string, steps: readonly VtdStep[]): VtdScenario {
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
      { name: "d0", id: 1, levels: profile === "ivy-bridge" ? 3 : 4 },
      { name: "d1", id: 2, levels: profile === "ivy-bridge" ? 3 : 4 },
    ],
    steps: [...steps],
  };
}

const cases: readonly (readonly [string, VtdScenario])[] = [
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
  [
    "memory protected, not seen to be",
    scenario("sapphire-rapids", [attach, map("m", OLD), protect(false), dma()]),
  ],
  ["memory seen to be protected", scenario("sapphire-rapids", [attach, map("m", OLD), protect(true), dma()])],
  [
    "memory protected on a unit that may let requests through tables pass",
    scenario("ivy-bridge", [attach, map("m", OLD), protect(true), dma()]),
  ],
];

describe("VT-d: effects shown over many timings are the admissible ones", () => {
  it.each(cases)("%s", (_, fixed) => expectTight(fixed));
});
