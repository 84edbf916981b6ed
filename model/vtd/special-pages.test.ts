/** A large page over the interrupt address range: what requests reach is what is beside the range (VT-d 3.15). */
import { describe, expect, it } from "vitest";
import { A, grant, Software } from "./software.testing.js";

const TOP = 0x40;
const [L3, L2] = [TOP + 1, TOP + 2];
/** 2 MiB from FEE0_0000h on: 256 pages of interrupts, 256 of memory. */
const [IOVA, PAGES] = [0xfee00, 512];
const PAGE = 0x1200;

/** A domain with that page mapped, of which these runs of pages are granted. */
function mapped(...granted: (readonly [first: number, pages: number])[]) {
  const software = new Software().link(TOP, 0, 4, L3).link(L3, 3, 3, L2).context(A, TOP, 5);
  software.says({ event: "assign", requester: A, domain: "d" });
  for (const [first, pages] of granted)
    software.says({ event: "grant", ...grant("d", IOVA + first, PAGE + first, pages) });
  return software.map(L2, (IOVA >>> 9) & 511, PAGE, 3, 2).finding;
}

describe("a page that is mapped under the interrupt range", () => {
  it("need not be granted", () => {
    expect(mapped([256, 256])).toBeNull();
    expect(mapped([0, 255], [256, 256])).toBeNull();
    expect(mapped([1, 511])).toBeNull();
  });

  it("is told from those behind the range, of which each has to be", () => {
    expect(mapped([0, PAGES])).toBeNull();
    expect(mapped([0, 255])).not.toBeNull();
    expect(mapped([0, 256])).not.toBeNull();
    expect(mapped([257, 255])).not.toBeNull();
    expect(mapped([256, 255])).not.toBeNull();
    expect(mapped([0, 300], [301, 211])).not.toBeNull();
  });
});
