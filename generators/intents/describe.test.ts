import { describe, expect, it } from "vitest";
import { describeIntent } from "./describe.js";
import type { IntentStep } from "./scenario.js";

const MAP = {
  do: "map",
  mapping: "m1",
  domain: "d1",
  iova: 0x1003,
  page: 0x1001,
  pages: 3,
  access: "rw",
} as const;

describe("describeIntent", () => {
  it.each<[string, IntentStep]>([
    ["attach a to d0", { do: "attach", device: "a", domain: "d0" }],
    ["detach a", { do: "detach", device: "a" }],
    ["map m1: 3 pages at 0x1003000 of d1 to 0x1001000, rw", MAP],
    ["map m1: 1 page at 0x1003000 of d1 to 0x1001000, rw", { ...MAP, pages: 1 }],
    [
      "protect 2 pages of m1 from page 1: r",
      { do: "protect", mapping: "m1", offset: 1, pages: 2, access: "r" },
    ],
    ["unmap 1 page of m1 from page 0", { do: "unmap", mapping: "m1", offset: 0, pages: 1 }],
    ["merge m1 into larger entries", { do: "merge", mapping: "m1" }],
    ["destroy d1", { do: "destroy", domain: "d1" }],
    ["sync", { do: "sync" }],
    [
      "together: detach a | sync, schedule 0x1f",
      { do: "together", first: { do: "detach", device: "a" }, second: { do: "sync" }, schedule: 31 },
    ],
    ["a: write at 0x1003000", { do: "dma", device: "a", requester: 0, iova: 0x1003, type: "write" }],
    [
      "a by its alias: zero-length-read at 0x0",
      { do: "dma", device: "a", requester: 1, iova: 0, type: "zero-length-read" },
    ],
    [
      "program a to write at 0x1003000 later",
      { do: "program", device: "a", requester: 0, iova: 0x1003, access: "w" },
    ],
    ["plant entries in the table page freed last", { do: "plant" }],
  ])("%s", (line, step) => expect(describeIntent(step)).toBe(line));
});
