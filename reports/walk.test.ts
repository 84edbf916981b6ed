import { describe, expect, it } from "vitest";
import { amdvi } from "../model/amdvi/index.js";
import type { Evidence, EvidenceEntry } from "../model/finding.js";
import { vtd } from "../model/vtd/index.js";
import { foundIn, hintScenario, hintSubject, unmapScenario, variantSubject } from "./sample.testing.js";
import { walkOf } from "./walk.js";

const ENTRY: EvidenceEntry = {
  name: "an entry",
  part: "table",
  level: 1,
  page: 0x12,
  word: 3,
  low: 0,
  high: 0,
  storedBy: -1,
  replacedBy: null,
  why: null,
  fence: null,
};

function evidence(...entries: EvidenceEntry[]): Evidence {
  return { requester: 0x20, page: 0x1000, offset: 8, type: "write", effect: 0x100, entries, leads: true };
}

describe("the walk behind a finding", () => {
  it("of an IOMMU ends with the stale entry, its fields, and what ended its use", () => {
    const { finding, stepOf } = foundIn(hintSubject(), hintScenario);
    const walk = walkOf(vtd, finding.evidence!, stepOf)!;
    expect(walk.request).toBe("read of 0x41001010 by 00:06.0");
    expect(walk.target).toBe("reaches page 0x1001000");
    expect(walk.entries.map(({ name, stale }) => [name, stale])).toEqual([
      ["root entry", false],
      ["context entry", false],
      ["level-3 entry", false],
      ["level-2 entry", true],
    ]);
    expect(walk.entries[3]).toEqual({
      name: "level-2 entry",
      address: "0x2009040",
      value: "0x00000000_01000083",
      fields: [
        { name: "R", bits: "0", value: "1", meaning: "read" },
        { name: "W", bits: "1", value: "1", meaning: "write" },
        { name: "PS", bits: "7", value: "1", meaning: "page size: the entry maps a page" },
        { name: "SNP", bits: "11", value: "0", meaning: "snoop" },
        { name: "ADDR", bits: "51:21", value: "0x1000000", meaning: "page" },
      ],
      storedStep: 1,
      replacedStep: 3,
      stale: true,
      why: expect.stringMatching(/^the old level-2 entry is ruled out by .* seen complete at step 5$/),
    });
  });

  it("of a driver says why the old entry may be in use, in words of steps", () => {
    const { finding, stepOf } = foundIn(variantSubject("amdvi", "no-flush"), unmapScenario("amdvi", "zen1"));
    const walk = walkOf(amdvi, finding.evidence!, stepOf)!;
    const leaf = walk.entries.at(-1)!;
    expect(leaf).toMatchObject({ stale: true, replacedStep: 2 });
    expect(leaf.why).toMatch(
      /^no INVALIDATE_IOMMU_PAGES for 0x1000000 in domain \d+ was submitted after step 3/,
    );
    expect(leaf.fields.map((one) => one.name)).toContain("IW");
    const text = finding.witness.join("\n");
    for (const { address, value } of walk.entries) expect(text).toContain(`${address}: ${value}`);
  });

  it("reads each word of an entry that has several by its own fields", () => {
    const halves = [0, 1].map((word): EvidenceEntry => ({ ...ENTRY, part: "device", word, low: 5, high: 0 }));
    const [first, second] = walkOf(amdvi, evidence(...halves), [])!.entries.map(({ fields }) => fields);
    expect(first!.map((one) => one.name)).toContain("Mode");
    expect(second![0]).toMatchObject({ name: "DomainID", bits: "79:64", value: "5" });
    const names = [...first!, ...second!].map((one) => one.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("of VT-d takes the layout that an entry has by its level and PS", () => {
    const layouts = ([part, level, low]: [EvidenceEntry["part"], number, number]) =>
      vtd.entryLayout({ part, level, low, high: 0 })?.name ?? null;
    const cases: [EvidenceEntry["part"], number, number][] = [
      ["register", 0, 0],
      ["upper", 0, 1],
      ["device", 0, 1],
      ["table", 4, 0x83],
      ["table", 3, 0x83],
      ["table", 2, 3],
      ["table", 1, 0x83],
    ];
    expect(cases.map(layouts)).toEqual([
      null,
      "root entry",
      "context entry",
      "SS-PML4E",
      "SS-PDPE, 1 GiB page",
      "SS-PDE, table",
      "SS-PTE",
    ]);
  });

  it("of AMD-Vi takes it by NextLevel", () => {
    const layouts = [0x000, 0xe00, 0x200].map(
      (low) => amdvi.entryLayout({ part: "table", level: 2, low, high: 0 })!.name,
    );
    expect(layouts).toEqual(["PTE", "PTE", "PDE"]);
    expect(amdvi.entryLayout({ ...ENTRY, part: "register" })).toBeNull();
  });

  it("says when the entries lead elsewhere", () => {
    const walk = walkOf(vtd, { ...evidence(ENTRY), leads: false }, [])!;
    expect(walk.target).toBe("reaches page 0x100000, which is not what the entries say");
  });

  it("has no address for a register, and nothing for no entries", () => {
    const pointer: EvidenceEntry = { ...ENTRY, part: "register", page: -1, low: 0x1000 };
    expect(walkOf(vtd, evidence(pointer), [])!.entries[0]).toMatchObject({
      address: "",
      fields: [],
      storedStep: -1,
    });
    expect(walkOf(vtd, evidence(), [])).toBeNull();
  });
});
