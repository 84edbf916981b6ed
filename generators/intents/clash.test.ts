import { describe, expect, it } from "vitest";
import { clash } from "./clash.js";
import type { Intent } from "./scenario.js";

const map = (domain: string, iova: number, page: number, pages: number): Intent => ({
  do: "map",
  mapping: `${domain}-${iova}`,
  domain,
  iova,
  page,
  pages,
  access: "rw",
});
const unmap = (offset: number, pages: number): Intent => ({ do: "unmap", mapping: "m0", offset, pages });

describe("clash", () => {
  it.each<[string, Intent, Intent]>([
    ["one device", { do: "attach", device: "a", domain: "d0" }, { do: "detach", device: "a" }],
    ["pages of a mapping", unmap(0, 2), { do: "protect", mapping: "m0", offset: 1, pages: 4, access: "r" }],
    ["all of a mapping", unmap(0, 1), { do: "merge", mapping: "m0" }],
    ["addresses of a domain", map("d0", 5, 100, 3), map("d0", 7, 200, 1)],
    ["pages of two domains", map("d0", 5, 100, 3), map("d1", 5, 102, 1)],
    ["a domain that goes", { do: "destroy", domain: "d0" }, map("d0", 5, 100, 1)],
  ])("%s", (_, first, second) => {
    expect(clash(first, second)).toBe(true);
    expect(clash(second, first)).toBe(true);
  });

  it.each<[string, Intent, Intent]>([
    ["two devices", { do: "attach", device: "a", domain: "d0" }, { do: "detach", device: "b" }],
    ["two parts of a mapping", unmap(0, 2), unmap(2, 1)],
    ["a page twice in one domain", map("d0", 5, 100, 1), map("d0", 6, 100, 1)],
    ["one address of two domains", map("d0", 5, 100, 1), map("d1", 5, 101, 1)],
    ["another domain that goes", { do: "destroy", domain: "d1" }, map("d0", 5, 100, 1)],
    ["a synchronisation", { do: "sync" }, unmap(0, 1)],
  ])("not %s", (_, first, second) => {
    expect(clash(first, second)).toBe(false);
    expect(clash(second, first)).toBe(false);
  });
});
