/**
 * Software with one mistake each, and the text that tells of it. Device 00:04.0 belongs to domain d1, whose DomainID is 5;
 * page 100h is d1's and mapped at address 0 by tables 4 and 5.
 */
import { describe, expect, it } from "vitest";
import { Random } from "../windows/random.testing.js";
import { describeWitnesses } from "../windows/witness.testing.js";
import { type Script, ScriptMaker, type Step, walkPlatforms } from "./abstract-machine.scripts.js";
import { ALL_PAGES } from "./commands.js";
import { AmdViScriptRun, scriptPlatform } from "./exposure.testing.js";
import {
  A,
  B,
  DEVICE_TABLE,
  deviceEntry,
  devtabEntry,
  iommuAll,
  iommuPages,
  L1,
  L2,
  NOTHING,
  OTHER_L1,
  OTHER_TABLE,
  pde,
  pte,
  waitStore,
} from "./oracle.testing.js";
import { profileNamed } from "./profiles.js";
import { Offset } from "./registers.js";
import { Software } from "./software.testing.js";
import { BLOCKING_ENTRY, largePageAddress } from "./tables.js";

const PAGE = 0x100;
const grantOf = (page: number, iova: number, pages = 1) =>
  ({ domain: "d1", iova, page, pages, access: 3 }) as const;
const GONE = { event: "withdraw", ...grantOf(PAGE, 0) } as const;
const LEFT = { event: "unassign", requester: A, domain: "d1" } as const;
const EVERY_PAGE = iommuPages(0, ALL_PAGES);

function prepared(profile = "zen1"): Software {
  return new Software(profileNamed(profile)).says(
    { event: "allocate", page: PAGE, pages: 1024, owner: "d1" },
    { event: "assign", requester: A, domain: "d1" },
    { event: "grant", ...grantOf(PAGE, 0) },
  );
}

function mapped(profile = "zen1"): Software {
  return prepared(profile).store(L2, 0, pde(L1)).store(L1, 0, pte(PAGE)).entry(A, deviceEntry());
}

const DEVICE_LINE =
  "device table entry of 00:04.0 (domain 5) at 0x1400: 0x60000000_00004403, stored by action 3, still there";
const DIRECTORY_LINE =
  "level-2 page table entry at 0x4000: 0x60000000_00005201, stored by action 0, still there";
const LEAF = "level-1 page table entry at 0x5000: 0x60000000_00100001, stored by action 1";
const ABOVE_LEAF = [DEVICE_LINE, DIRECTORY_LINE];

describe("a page that is unmapped and given back", () => {
  it("without any command", () => {
    const { finding } = mapped().clear(L1, 0).says(GONE);
    expect(finding).toMatchObject({
      kind: "freed-page",
      action: 4,
      rules: ["isolation.not-submitted"],
      message:
        "00:04.0 can read page 0x100000 through 0x0, a page that belongs to d1 and is granted to no domain " +
        "since it was withdrawn from d1 after action 4",
      witness: [
        ...ABOVE_LEAF,
        `${LEAF}, replaced by action 4`,
        "  no INVALIDATE_IOMMU_PAGES for 0x0 in domain 5 was submitted after action 4 replaced it (AMD-Vi 2.4)",
      ],
    });
  });

  it("with a command that nobody waited for", () => {
    const { finding } = mapped().clear(L1, 0).submit(iommuPages(0, 1)).says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", action: 7, rules: ["isolation.not-complete"] });
    expect(finding!.witness).toEqual([
      ...ABOVE_LEAF,
      `${LEAF}, replaced by action 4`,
      "  the INVALIDATE_IOMMU_PAGES of 1 page at 0x0 in domain 5, PDE = 0 (action 7) covers it, but was not seen " +
        "complete (AMD-Vi 2.4.1)",
    ]);
  });

  it("with the DomainID of another domain", () => {
    const { finding } = mapped()
      .clear(L1, 0)
      .flush(iommuPages(0, 1, { DomainID: 6 }))
      .says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.wrong-domain"] });
    expect(finding!.witness.at(-1)).toBe(
      "  the INVALIDATE_IOMMU_PAGES of 1 page at 0x0 in domain 6, PDE = 0 (action 7) misses it: it was filled under " +
        "domain 5 (AMD-Vi 2.4.3)",
    );
  });

  it("with another page", () => {
    const { finding } = mapped().clear(L1, 0).flush(iommuPages(1, 1)).says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.wrong-range"] });
    expect(finding!.witness.at(-1)).toBe(
      "  the INVALIDATE_IOMMU_PAGES of 1 page at 0x1000 in domain 5, PDE = 0 (action 7) misses it: the entry maps 0x0 " +
        "(AMD-Vi 2.4.3)",
    );
  });

  it("with the command submitted before the store", () => {
    const { finding } = mapped().submit(iommuPages(0, 1)).clear(L1, 0).wait().says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.wrong-order"] });
    expect(finding!.witness.at(-1)).toBe(
      "  the INVALIDATE_IOMMU_PAGES of 1 page at 0x0 in domain 5, PDE = 0 (action 6) was submitted before action 7 " +
        "replaced it, so it could be cached again",
    );
  });

  it("of a large page, where one of its pages removes the entry and drains nothing but the writes to itself", () => {
    const large = pte(largePageAddress(PAGE + 2, 2), { NextLevel: 7 });
    const two = grantOf(PAGE + 2, 2, 2);
    const unmapped = () =>
      prepared()
        .says({ event: "grant", ...two })
        .store(L2, 0, pde(L1))
        .store(L1, 2, large)
        .store(L1, 3, large)
        .entry(A, deviceEntry())
        .clear(L1, 2)
        .clear(L1, 3);
    const { finding } = unmapped()
      .flush(iommuPages(2, 1))
      .says({ event: "withdraw", ...two });
    expect(finding).toMatchObject({
      kind: "freed-page",
      rules: ["isolation.no-draining"],
      message:
        "a posted write of 00:04.0 can write to page 0x103000 through 0x3000, a page that belongs to d1 and is granted to " +
        "no domain since it was withdrawn from d1 after action 13",
    });
    expect(finding!.witness.slice(-2)).toEqual([
      "level-1 page table entry (8 KiB page) at 0x5018: 0x60000000_00102e01, stored by action 2, replaced by action 6",
      "a write translated earlier may land now: the INVALIDATE_IOMMU_PAGES of 1 page at 0x2000 in domain 5, PDE = 0 " +
        "(action 9) drains others than those to 0x3000 in domain 5 (AMD-Vi 2.4)",
    ]);
    const both = unmapped()
      .flush(iommuPages(2, 2))
      .says({ event: "withdraw", ...two });
    expect(both.finding).toBeNull();
  });

  it("with nothing to complain of when it is done right", () => {
    expect(mapped().clear(L1, 0).flush(iommuPages(0, 1)).says(GONE).finding).toBeNull();
  });
});

describe("a store that walks cannot see", () => {
  const NON_COHERENT = "family-15h-non-coherent";

  it("because its line was not written back", () => {
    const { finding } = mapped(NON_COHERENT).storeOnly(L1, 0, NOTHING).flush(iommuPages(0, 1)).says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.line-not-flushed"] });
    expect(finding!.witness.slice(-2)).toEqual([
      "level-1 page table entry at 0x5000: 0x60000000_00100001, stored by action 2, replaced by action 8",
      "  the line 0x5000 was not written back from the CPU's caches after action 8 (table walks do not snoop, " +
        "AMD-Vi 2.2.3)",
    ]);
  });

  it("because it was written back after the invalidation", () => {
    const { finding } = mapped(NON_COHERENT)
      .storeOnly(L1, 0, NOTHING)
      .flush(iommuPages(0, 1))
      .writeBack(L1, 0)
      .says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.wrong-order"] });
    expect(finding!.witness.at(-1)).toBe(
      "  the INVALIDATE_IOMMU_PAGES of 1 page at 0x0 in domain 5, PDE = 0 (action 11) was submitted before action 16 made " +
        "its new value visible, so it could be cached again",
    );
  });
});

describe("a device that is detached", () => {
  const ENTRY_GONE = DEVICE_LINE.replace("still there", "replaced by action 4");
  const BELOW = [DIRECTORY_LINE, `${LEAF}, still there`];
  const FENCE = waitStore(4, 1, { f: 1 });

  it("with the entry of another device invalidated", () => {
    const { finding } = mapped().block(A).flush(devtabEntry(B)).flush(EVERY_PAGE).says(LEFT);
    expect(finding).toMatchObject({
      kind: "after-detach",
      action: 19,
      rules: ["isolation.wrong-device"],
      message:
        "00:04.0 can read page 0x100000 through 0x0, a page that belongs to d1 and is granted to d1 only; " +
        "the requester has left d1",
      witness: [
        ENTRY_GONE,
        "  the INVALIDATE_DEVTAB_ENTRY of 00:05.0 (action 8) misses it: the entry is that of 00:04.0 (AMD-Vi 2.4.2)",
        ...BELOW,
      ],
    });
  });

  it("without an invalidation of the I/O TLB", () => {
    const { finding } = mapped().block(A).flush(devtabEntry(A)).says(LEFT);
    expect(finding).toMatchObject({ kind: "after-detach", rules: ["isolation.not-submitted"] });
    expect(finding!.witness).toEqual([
      ENTRY_GONE,
      "  the I/O TLB may keep what was filled through it: no INVALIDATE_IOMMU_PAGES for 0x0 in domain 5 was submitted " +
        "after action 4 replaced it (AMD-Vi 2.4)",
      ...BELOW,
    ]);
  });

  it("with both commands at once, which may execute the other way round", () => {
    const { finding } = mapped().block(A).flush(devtabEntry(A), EVERY_PAGE).says(LEFT);
    expect(finding).toMatchObject({ kind: "after-detach", rules: ["isolation.wrong-order"] });
    expect(finding!.witness).toEqual([
      ENTRY_GONE,
      "  the I/O TLB was invalidated (action 10) before the device table cache was known to be (action 10): " +
        "it could be filled from there again (AMD-Vi 2.4.2)",
      ...BELOW,
    ]);
  });

  it("with nothing to complain of after a wait, a fence or INVALIDATE_IOMMU_ALL between", () => {
    const detached = (software: Software) => software.says(LEFT).finding;
    expect(detached(mapped().block(A).flush(devtabEntry(A)).flush(EVERY_PAGE))).toBeNull();
    expect(detached(mapped().block(A).flush(devtabEntry(A), FENCE, EVERY_PAGE))).toBeNull();
    expect(detached(mapped().block(A).flush(iommuAll))).toBeNull();
  });

  it("from tables it did not have, with a range of pages only", () => {
    const everything = grantOf(0, 0, 0x20000);
    const { finding } = new Software(profileNamed("zen1"))
      .says(
        { event: "allocate", page: 0, pages: 0x20000, owner: "d1" },
        { event: "assign", requester: A, domain: "d1" },
        { event: "grant", ...everything },
      )
      .entry(A, deviceEntry({ Mode: 0, HostPTRoot: 0 }))
      .block(A)
      .flush(devtabEntry(A))
      .flush(iommuPages(0, 0x40000))
      .says(LEFT);
    expect(finding).toMatchObject({ kind: "after-detach", rules: ["isolation.wrong-range"] });
    expect(finding!.witness).toEqual([
      "device table entry of 00:04.0 (domain 5, pass-through) at 0x1400: 0x60000000_00000003, stored by action 1, " +
        "replaced by action 2",
      "  the I/O TLB may keep what was filled through it: the INVALIDATE_IOMMU_PAGES of 262144 pages at 0x0 in domain 5, " +
        "PDE = 0 (action 13) may spare it: a Mode 0 result has no page size and takes all pages of its domain " +
        "(AMD-Vi 2.4.3)",
    ]);
  });

  it("by a unit that reads entries in halves, of which it may have an old and a new one", () => {
    const { finding } = mapped("family-15h").block(A).flush(EVERY_PAGE).says(LEFT);
    expect(finding).toMatchObject({ kind: "after-detach", rules: ["isolation.not-submitted"] });
    expect(finding!.witness.slice(0, 3)).toEqual([
      "device table entry, bits 63:0, at 0x1400: 0x60000000_00004403, stored by action 3, replaced by action 4",
      "  no INVALIDATE_DEVTAB_ENTRY for 00:04.0 was submitted after action 4 replaced it (AMD-Vi 2.4)",
      "device table entry, bits 127:64, of 00:04.0 (domain 0) at 0x1408: 0x00000000_00000000, stored by action 5, " +
        "still there",
    ]);
  });
});

describe("a table that is given back", () => {
  const FREED = { event: "free-table", page: L1 } as const;

  it("with a command that spares the page directory cache", () => {
    const { finding } = mapped().clear(L1, 0).clear(L2, 0).flush(iommuPages(0, 1)).says(GONE, FREED);
    expect(finding).toMatchObject({
      kind: "revived",
      rules: ["isolation.leaf-only"],
      message:
        "the unit can read entries from page 0x5000 for a request of 00:04.0 at 0x0, a page that is free",
    });
    expect(finding!.witness).toEqual([
      DEVICE_LINE,
      DIRECTORY_LINE.replace("still there", "replaced by action 5"),
      "  the INVALIDATE_IOMMU_PAGES of 1 page at 0x0 in domain 5, PDE = 0 (action 8) spares it: with PDE = 0 entries of " +
        "the page directory cache may stay (AMD-Vi 2.4.3)",
    ]);
  });

  it("with nothing to complain of with PDE = 1", () => {
    const software = mapped().clear(L1, 0).clear(L2, 0);
    expect(software.flush(iommuPages(0, 1, { PDE: 1 })).says(GONE, FREED).finding).toBeNull();
  });

  it("while an entry or the register still points to it", () => {
    const NO_CACHE = "no cache is needed: this is what the unit reads now";
    const { finding } = mapped().clear(L1, 0).flush(iommuPages(0, 1)).says(GONE, FREED);
    expect(finding).toMatchObject({ kind: "revived", rules: [] });
    expect(finding!.witness).toEqual([...ABOVE_LEAF, NO_CACHE]);
    expect(mapped().says({ event: "free-table", page: DEVICE_TABLE }).finding!.witness).toEqual([
      "device table base address: 0x00000000_00001000, from the start, still there",
      NO_CACHE,
    ]);
  });
});

describe("devices that share a DomainID", () => {
  it("find each other's entries", () => {
    const { finding } = mapped()
      .says({ event: "assign", requester: B, domain: "d2" })
      .entry(B, deviceEntry({ HostPTRoot: OTHER_L1 }));
    expect(finding).toMatchObject({ kind: "revived", action: 5, rules: [] });
    expect(finding!.witness).toEqual([
      "00:05.0 is answered from what caches keep for 00:04.0, under a tag that both share:",
      "device table entry of 00:05.0 (domain 5) at 0x1500: 0x60000000_00006403, stored by action 5, still there",
      ...ABOVE_LEAF,
      `${LEAF}, still there`,
    ]);
  });

  it("by the device table entries they may use, not by those of a table that was none when they were there", () => {
    const software = prepared()
      .says({ event: "assign", requester: B, domain: "d1" })
      .store(OTHER_L1, 0, pte(PAGE))
      .entry(A, deviceEntry())
      .entry(B, deviceEntry({ Mode: 1, HostPTRoot: OTHER_L1 }));
    const [first, second] = deviceEntry();
    for (const device of [A, B])
      software
        .store(OTHER_TABLE, device * 4 + 1, second!)
        .store(OTHER_TABLE, device * 4, first!)
        .store(OTHER_TABLE, device * 4, BLOCKING_ENTRY);
    const { model } = software.write(Offset.DevTabBase, OTHER_TABLE * 4096);
    const reach = model.exposure().find(({ requester, iova }) => requester === A && iova === 0)!;
    const { links, filledThrough } = model.witness(reach);
    expect(filledThrough).toBe(B);
    expect(links[0]).toMatchObject({ page: DEVICE_TABLE, word: A * 4, excuse: null });
  });
});

describe("translation that is disabled again", () => {
  it("is nothing that another device has to do with", () => {
    const software = mapped();
    expect(software.model.answers(B, 0, "read").pages).toEqual([]);
    const { finding } = software.write(Offset.Control, 0);
    expect(finding).toMatchObject({ kind: "foreign-page", rules: [] });
    expect(finding!.witness).toEqual([
      "IommuEn: 0x00000000_00000000, stored by action 4, still there",
      "no cache is needed: this is what the unit reads now",
    ]);
  });
});

const runs = new Map(
  walkPlatforms.map(({ profile }) => [profile, new AmdViScriptRun(scriptPlatform({ profile }))]),
);

describeWitnesses<Step, Script>({
  /** SCRIPTS=100000 runs a larger campaign. */
  scripts: Number(process.env.SCRIPTS ?? 1500),
  tables: [1, 2, 3, 4, 10, 11, 12, 13, 14, 15],
  kinds: [
    "not-submitted",
    "not-complete",
    "wrong-domain",
    "wrong-device",
    "wrong-range",
    "leaf-only",
    "wrong-order",
    "no-draining",
    "line-not-flushed",
  ],
  scriptOf(index) {
    const random = new Random(index * 7919 + 1);
    return new ScriptMaker(random, walkPlatforms[index % walkPlatforms.length]!, 3 + random.below(12)).script;
  },
  runOf: (script) => runs.get(script.profile)!,
});
