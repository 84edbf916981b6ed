/** AMD-Vi: small histories in which the reference shows every admissible effect, and no other. */
import { describe, it } from "vitest";
import type { AmdViScenario, AmdViStep } from "../generators/amdvi/scenario.js";
import { expectTight } from "./tightness.testing.js";

type StepOf<Kind extends AmdViStep["do"]> = Extract<AmdViStep, { do: Kind }>;

const IOVA = 8 * 512;
const [OLD, NEW] = [8 * 512 + 1, 8 * 512 + 2];
/** Where 2 MiB pages of scenarios lead. */
const REGION = 9 * 512;

const attach = (more: Partial<StepOf<"attach">> = {}): AmdViStep => ({
  do: "attach",
  device: "a",
  domain: "d0",
  type: "translated",
  access: "rw",
  suppress: "none",
  exclusion: false,
  writeBack: true,
  ...more,
});
const map = (mapping: string, page: number, more: Partial<StepOf<"map">> = {}): AmdViStep => ({
  do: "map",
  mapping,
  domain: "d0",
  iova: IOVA,
  page,
  size: "4K",
  skip: 0,
  access: "rw",
  writeBack: true,
  ...more,
});
const unmap = (mapping: string): AmdViStep => ({ do: "unmap", mapping, writeBack: true });
const dma: AmdViStep = { do: "dma", device: "a", iova: IOVA, type: "write", length: 8, crossing: false };
const flushDevice: AmdViStep = { do: "invalidate", target: { command: "device", device: "a" } };
const flushPages = (tables: boolean, order = 0): AmdViStep => ({
  do: "invalidate",
  target: { command: "pages", domain: "d0", iova: IOVA, order, tables },
});
const flushAll: AmdViStep = { do: "invalidate", target: { command: "all" } };
const wait: AmdViStep = { do: "wait", sign: "store", flush: false };
/** Nobody looks whether it is complete. */
const barrier = (flush: boolean): AmdViStep => ({ do: "wait", sign: "none", flush });
const retable: AmdViStep = {
  do: "retable",
  domain: "d0",
  iova: IOVA,
  level: 2,
  spare: 0,
  writeBack: true,
};

/** Device a translated by d0, in a way that nothing older is cached. */
const ready = (page = OLD, more: Partial<StepOf<"map">> = {}): AmdViStep[] => [
  attach(),
  map("m", page, more),
  flushDevice,
  wait,
  flushPages(true, 52),
  wait,
  dma,
];

function scenario(profile: string, steps: readonly AmdViStep[], levels = 3): AmdViScenario {
  return {
    format: "iommu-spec scenario 1",
    architecture: "amdvi",
    profile,
    start: "translating",
    exclusion: null,
    timing: 0,
    devices: [
      { name: "a", requester: 0x20 },
      { name: "b", requester: 0x28 },
    ],
    domains: [
      { name: "d0", id: 1, levels },
      { name: "d1", id: 2, levels: 3 },
    ],
    steps: [...steps],
  };
}

const cases: readonly (readonly [string, AmdViScenario])[] = [
  ["a mapping that nobody changed", scenario("zen1", [...ready(), dma])],
  ["attached without an invalidation", scenario("zen1", [attach(), map("m", OLD), dma])],
  ["unmapped, not invalidated", scenario("zen1", [...ready(), unmap("m"), dma])],
  [
    "unmapped and invalidated, not waited for",
    scenario("zen1", [...ready(), unmap("m"), flushPages(false), dma]),
  ],
  [
    "unmapped, invalidated, waited for",
    scenario("zen1", [...ready(), unmap("m"), flushPages(false), wait, dma]),
  ],
  ["remapped, not invalidated", scenario("zen1", [...ready(), map("n", NEW), dma])],
  [
    "remapped under a new table, page directory entries spared",
    scenario("zen1", [...ready(), retable, map("n", NEW), flushPages(false), wait, dma]),
  ],
  [
    "remapped under a new table, page directory entries invalidated",
    scenario("zen1", [...ready(), retable, map("n", NEW), flushPages(true), wait, dma]),
  ],
  [
    "moved to another domain, its entry invalidated, the pages not",
    scenario("zen1", [...ready(), attach({ domain: "d1" }), flushDevice, wait, dma]),
  ],
  [
    "blocked, entry and pages invalidated with nothing between",
    scenario("zen1", [...ready(), attach({ type: "blocked" }), flushDevice, flushPages(true), wait, dma]),
  ],
  [
    "blocked, entry and pages invalidated with a wait without f between",
    scenario("zen1", [
      ...ready(),
      attach({ type: "blocked" }),
      flushDevice,
      barrier(false),
      flushPages(true),
      wait,
      dma,
    ]),
  ],
  [
    "blocked, entry and pages invalidated with a wait with f between",
    scenario("zen1", [
      ...ready(),
      attach({ type: "blocked" }),
      flushDevice,
      barrier(true),
      flushPages(true),
      wait,
      dma,
    ]),
  ],
  [
    "blocked, pages invalidated before the entry",
    scenario("zen1", [
      ...ready(),
      attach({ type: "blocked" }),
      flushPages(true),
      wait,
      flushDevice,
      wait,
      dma,
    ]),
  ],
  [
    "blocked, everything invalidated",
    scenario("zen1", [...ready(), attach({ type: "blocked" }), flushAll, wait, dma]),
  ],
  [
    "rights of the entry taken away, the entry invalidated",
    scenario("zen1", [...ready(), attach({ access: "r" }), flushDevice, wait, dma]),
  ],
  [
    "untranslated, then attached",
    scenario("zen1", [attach({ type: "untranslated" }), dma, attach(), map("m", OLD), dma]),
  ],
  [
    "a 2 MiB page replaced by a table",
    scenario("zen1", [...ready(REGION, { size: "2M" }), map("n", NEW), dma]),
  ],
  [
    "mapped through an entry that leaves levels out",
    scenario("zen1", [attach(), map("m", OLD, { skip: 1 }), dma], 4),
  ],
  [
    "mapped where not-present entries are cached",
    scenario("zen1-np-cache", [attach(), flushDevice, wait, dma, map("m", OLD), dma]),
  ],
  [
    "switched in place where entries are read in halves",
    scenario("family-15h", [...ready(), map("n", NEW, { domain: "d1" }), attach({ domain: "d1" }), dma]),
  ],
  [
    "mapped without a line flush",
    scenario("family-15h-non-coherent", [attach(), map("m", OLD, { writeBack: false }), dma]),
  ],
];

describe("AMD-Vi: effects shown over many timings are the admissible ones", () => {
  it.each(cases)("%s", (_, fixed) => expectTight(fixed));
});
