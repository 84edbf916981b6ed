/**
 * Software with one mistake each, and the text that tells of it. Device 00:04.0 belongs to domain d1, whose domain id is
 * 5; page 100h is d1's and mapped at address 0 by tables 10h to 13h.
 */
import { describe, expect, it } from "vitest";
import { Right } from "../isolation/events.js";
import { Random } from "../windows/random.testing.js";
import { describeWitnesses } from "../windows/witness.testing.js";
import { type Script, ScriptMaker, type Step, walkPlatforms } from "./abstract-machine.scripts.js";
import { scriptPlatform, VtdScriptRun } from "./exposure.testing.js";
import { profileNamed } from "./profiles.js";
import { Offset } from "./registers.js";
import { A, B, CONTEXTS, contextOf, domainOf, grant, pageOf, Software } from "./software.testing.js";

const [PAGE, LEAVES] = [0x100, 0x13];
const EMPTY = { low: 0, high: 0 };
const GONE = { event: "withdraw", ...grant("d1", 0, PAGE) } as const;
const LEFT = { event: "unassign", requester: A, domain: "d1" } as const;
const SKYLAKE = profileNamed("skylake-sp");
/** Snoops, but does not flush the write buffer of the memory controller. */
const BUFFERED = { ...SKYLAKE, capability: { ...SKYLAKE.capability, low: SKYLAKE.capability.low | 0x10 } };

function prepared(profile = SKYLAKE): Software {
  return new Software(profile).says(
    { event: "allocate", page: PAGE, pages: 1024, owner: "d1" },
    { event: "assign", requester: A, domain: "d1" },
    { event: "grant", ...grant("d1", 0, PAGE) },
  );
}

function mapped(profile = SKYLAKE): Software {
  const software = prepared(profile);
  return software.map(software.tables(0x10), 0, PAGE).context(A, 0x10, 5);
}

const ROOT_LINE = "root entry at 0x1000: 0x00000000_00002001, stored by action 1, still there";
const CONTEXT_LINE =
  "context entry of 00:04.0 (domain 5) at 0x2200: 0x00000000_00010001, stored by action 7, still there";
const TABLE_LINES = [
  "level-4 entry at 0x10000: 0x00000000_00011003, stored by action 2, still there",
  "level-3 entry at 0x11000: 0x00000000_00012003, stored by action 3, still there",
  "level-2 entry at 0x12000: 0x00000000_00013003, stored by action 4, still there",
];
const ABOVE_LEAF = [ROOT_LINE, CONTEXT_LINE, ...TABLE_LINES];
const LEAF = "level-1 entry at 0x13000: 0x00000000_00100003, stored by action 5";

describe("a page that is unmapped and given back", () => {
  it("without any invalidation", () => {
    const { finding } = mapped().clear(LEAVES, 0).says(GONE);
    expect(finding).toMatchObject({
      kind: "freed-page",
      action: 8,
      rules: ["isolation.not-submitted"],
      message:
        "00:04.0 can read page 0x100000 through 0x0, a page that belongs to d1 and is granted to no domain " +
        "since it was withdrawn from d1 after action 8",
      witness: [
        ...ABOVE_LEAF,
        `${LEAF}, replaced by action 8`,
        "  no IOTLB invalidation for 0x0 in domain 5 was submitted after action 8 replaced it (VT-d 6.5.3.3)",
      ],
    });
  });

  it("with an invalidation that nobody waited for", () => {
    const { finding } = mapped().clear(LEAVES, 0).submit(pageOf(5, 0)).says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", action: 11, rules: ["isolation.not-complete"] });
    expect(finding!.witness).toEqual([
      ...ABOVE_LEAF,
      `${LEAF}, replaced by action 8`,
      "  the IOTLB invalidation of 1 page at 0x0 in domain 5 (action 11) covers it, but was not seen complete " +
        "(VT-d 6.5.2.12)",
    ]);
  });

  it("with the domain id of another domain", () => {
    const { finding } = mapped().clear(LEAVES, 0).flush(pageOf(6, 0)).says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.wrong-domain"] });
    expect(finding!.witness).toEqual([
      ...ABOVE_LEAF,
      `${LEAF}, replaced by action 8`,
      "  the IOTLB invalidation of 1 page at 0x0 in domain 6 (action 11) misses it: it was filled under domain 5 " +
        "(VT-d 6.2.1)",
    ]);
  });

  it("with another page", () => {
    const { finding } = mapped().clear(LEAVES, 0).flush(pageOf(5, 1)).says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.wrong-range"] });
    expect(finding!.witness).toEqual([
      ...ABOVE_LEAF,
      `${LEAF}, replaced by action 8`,
      "  the IOTLB invalidation of 1 page at 0x1000 in domain 5 (action 11) misses it: the entry maps 0x0 " +
        "(VT-d 6.5.2.3)",
    ]);
  });

  it("with a mask smaller than the page", () => {
    const software = prepared().says({ event: "grant", ...grant("d1", 0, 0x200, 512) });
    software.tables(0x10);
    const { finding } = software
      .map(0x12, 0, 0x200, Right.both, 2)
      .context(A, 0x10, 5)
      .clear(0x12, 0)
      .flush(pageOf(5, 0, { mask: 3 }))
      .says({ event: "withdraw", ...grant("d1", 0, 0x200, 512) });
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.wrong-range"] });
    expect(finding!.witness.slice(-2)).toEqual([
      "level-2 entry (2 MiB page) at 0x12000: 0x00000000_00200083, stored by action 5, replaced by action 8",
      "  the IOTLB invalidation of 8 pages at 0x0 in domain 5 (action 11) has too small a mask: the entry maps " +
        "512 pages at 0x0 (VT-d 6.5.2.3)",
    ]);
  });

  it("with the invalidation submitted before the store", () => {
    const { finding } = mapped().submit(pageOf(5, 0)).clear(LEAVES, 0).wait().says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.wrong-order"] });
    expect(finding!.witness).toEqual([
      ...ABOVE_LEAF,
      `${LEAF}, replaced by action 11`,
      "  the IOTLB invalidation of 1 page at 0x0 in domain 5 (action 10) was submitted before action 11 replaced it, " +
        "so it could be cached again",
    ]);
  });

  it("with the whole invalidation before the store, which is told beside", () => {
    const { finding } = mapped().flush(pageOf(5, 0)).clear(LEAVES, 0).says(GONE);
    expect(finding!.witness.at(-1)).toBe(
      "  no IOTLB invalidation for 0x0 in domain 5 was submitted after action 15 replaced it, the last being that of " +
        "action 10 (VT-d 6.5.3.3)",
    );
  });

  it("without draining", () => {
    const { finding } = mapped()
      .clear(LEAVES, 0)
      .flush(pageOf(5, 0, { drain: 0 }))
      .says(GONE);
    expect(finding).toMatchObject({
      kind: "freed-page",
      rules: ["isolation.no-draining"],
      message:
        "a posted write of 00:04.0 can write to page 0x100000 through 0x0, a page that belongs to d1 and is granted to " +
        "no domain since it was withdrawn from d1 after action 15",
    });
    expect(finding!.witness).toEqual([
      ...ABOVE_LEAF,
      `${LEAF}, replaced by action 8`,
      "a write translated earlier may land now: the IOTLB invalidation of 1 page at 0x0 in domain 5 (action 11) did " +
        "not drain writes (VT-d 6.5.4)",
    ]);
  });

  it("with nothing to complain of when it is done right", () => {
    expect(mapped().clear(LEAVES, 0).flush(pageOf(5, 0)).says(GONE).finding).toBeNull();
  });
});

describe("a store that walks cannot see", () => {
  it("because its line was not written back", () => {
    const { finding } = mapped(profileNamed("qemu-48"))
      .storeOnly(LEAVES, 0, EMPTY)
      .flush(domainOf(5))
      .says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.line-not-flushed"] });
    expect(finding!.witness.slice(-2)).toEqual([
      "level-1 entry at 0x13000: 0x00000000_00100003, stored by action 10, replaced by action 16",
      "  the line 0x13000 was not written back from the CPU's caches after action 16 (ECAP.C = 0, VT-d 11.4.3)",
    ]);
  });

  it("because its line was not written back, whatever flushed the write buffer", () => {
    const { capability } = profileNamed("qemu-48");
    const profile = { ...profileNamed("qemu-48"), capability: { ...capability, low: capability.low | 0x10 } };
    const { finding } = mapped(profile).storeOnly(LEAVES, 0, EMPTY).flush(domainOf(5)).says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.line-not-flushed"] });
  });

  it("because it was written back after the invalidation", () => {
    const { finding } = mapped(profileNamed("qemu-48"))
      .storeOnly(LEAVES, 0, EMPTY)
      .flush(domainOf(5))
      .writeBack(LEAVES, 0)
      .says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.wrong-order"] });
    expect(finding!.witness.at(-1)).toBe(
      "  the IOTLB invalidation of domain 5 (action 19) was submitted before action 24 made its new value visible, " +
        "so it could be cached again",
    );
  });

  it("because it waits in a write buffer", () => {
    const { finding } = mapped(BUFFERED).clear(LEAVES, 0).submit(pageOf(5, 0)).says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.buffer-not-flushed"] });
    expect(finding!.witness.slice(-2)).toEqual([
      `${LEAF}, replaced by action 8`,
      "  the value stored by action 8 may wait in a write buffer that was not flushed since (CAP.RWBF = 1, VT-d 6.8)",
    ]);
  });
});

describe("a device that is detached", () => {
  const CONTEXT_GONE = CONTEXT_LINE.replace("still there", "replaced by action 8");
  const BELOW = [...TABLE_LINES, `${LEAF}, still there`];
  const LEFT_MESSAGE =
    "00:04.0 can read page 0x100000 through 0x0, a page that belongs to d1 and is granted to d1 only; " +
    "the requester has left d1";

  it("with the context cache flushed for another device", () => {
    const { finding } = mapped().noContext(A).flush(contextOf(5, B), domainOf(5)).says(LEFT);
    expect(finding).toMatchObject({
      kind: "after-detach",
      action: 18,
      rules: ["isolation.wrong-device"],
      message: LEFT_MESSAGE,
      witness: [
        ROOT_LINE,
        CONTEXT_GONE,
        "  the context-cache invalidation of 00:05.0 in domain 5 (action 14) misses it: the entry is that of 00:04.0 " +
          "(VT-d 6.5.2.1)",
        ...BELOW,
      ],
    });
  });

  it("without an invalidation of the IOTLB", () => {
    const { finding } = mapped().noContext(A).flush(contextOf(5, A)).says(LEFT);
    expect(finding).toMatchObject({ kind: "after-detach", rules: ["isolation.not-submitted"] });
    expect(finding!.witness).toEqual([
      ROOT_LINE,
      CONTEXT_GONE,
      "  the IOTLB may keep what was filled through it: no IOTLB invalidation for 0x0 in domain 5 was submitted after " +
        "action 8 replaced it (VT-d 6.5.3.3)",
      ...BELOW,
    ]);
  });

  it("with the IOTLB flushed before the context cache", () => {
    const { finding } = mapped().noContext(A).flush(domainOf(5)).flush(contextOf(5, A)).says(LEFT);
    expect(finding).toMatchObject({ kind: "after-detach", rules: ["isolation.wrong-order"] });
    expect(finding!.witness).toEqual([
      ROOT_LINE,
      CONTEXT_GONE,
      "  the IOTLB was invalidated (action 12) before the context cache was known to be (action 19): " +
        "it could be filled from there again (VT-d 6.2.2.1)",
      ...BELOW,
    ]);
  });

  it("with nothing to complain of when it is done right", () => {
    expect(mapped().noContext(A).flush(contextOf(5, A), domainOf(5)).says(LEFT).finding).toBeNull();
  });
});

describe("a table that is given back", () => {
  const FREED = { event: "free-table", page: LEAVES } as const;

  it("with an invalidation that spares entries that point to tables", () => {
    const { finding } = mapped()
      .clear(LEAVES, 0)
      .clear(0x12, 0)
      .flush(pageOf(5, 0, { leafOnly: 1 }))
      .says(GONE, FREED);
    expect(finding).toMatchObject({
      kind: "revived",
      rules: ["isolation.leaf-only"],
      message:
        "the unit can read entries from page 0x13000 for a request of 00:04.0 at 0x0, a page that is free",
    });
    expect(finding!.witness).toEqual([
      ROOT_LINE,
      CONTEXT_LINE,
      ...TABLE_LINES.slice(0, 2),
      "level-2 entry at 0x12000: 0x00000000_00013003, stored by action 4, replaced by action 9",
      "  the IOTLB invalidation of 1 page at 0x0 in domain 5, leaf entries only (action 12) spares it: with IH = 1 " +
        "entries that point to tables may stay (VT-d 6.5.2.3)",
    ]);
  });

  it("while an entry still points to it", () => {
    const { finding } = mapped().clear(LEAVES, 0).flush(pageOf(5, 0)).says(GONE, FREED);
    expect(finding).toMatchObject({ kind: "revived", rules: [] });
    expect(finding!.witness).toEqual([...ABOVE_LEAF, "no cache is needed: this is what the unit reads now"]);
  });

  it("while a function that shares its domain id has it, and translation may be disabled or not", () => {
    const software = mapped().says({ event: "assign", requester: B, domain: "d1" });
    software.tables(0x20);
    const disable = { do: "write-register", offset: Offset.GCMD, width: 4, low: 0, high: 0 } as const;
    const { model } = software.context(B, 0x20, 5).act(disable);
    const { filledThrough, links } = model.witness(model.tableReach(0x23)!);
    expect(filledThrough).toBe(B);
    expect(links.at(-1)).toMatchObject({ page: 0x22, word: 0, excuse: null });
  });

  it("while the context entry still points to it", () => {
    const { finding } = mapped().says({ event: "free-table", page: 0x10 });
    expect(finding!.witness.slice(0, 2)).toEqual([ROOT_LINE, CONTEXT_LINE]);
    expect(mapped().says({ event: "free-table", page: CONTEXTS }).finding!.witness[0]).toBe(ROOT_LINE);
    expect(mapped().says({ event: "free-table", page: 1 }).finding!.witness).toEqual([
      "root-table pointer: 0x00000000_00001000, from the start, still there",
      "no cache is needed: this is what the unit reads now",
    ]);
  });
});

describe("functions that share a domain id", () => {
  it("6.2.2.1: find each other's entries", () => {
    const software = mapped().says({ event: "assign", requester: B, domain: "d2" });
    software.tables(0x20);
    const { finding } = software.context(B, 0x20, 5);
    expect(finding).toMatchObject({
      kind: "revived",
      action: 12,
      rules: [],
      message:
        "00:05.0 can read page 0x100000 through 0x0, a page that belongs to d1 and is granted to d1 only",
      witness: [
        "00:05.0 is answered from what caches keep for 00:04.0, under a tag that both share:",
        "context entry of 00:05.0 (domain 5) at 0x2280: 0x00000000_00020001, stored by action 12, still there",
        ...ABOVE_LEAF,
        `${LEAF}, still there`,
      ],
    });
  });
});

const runs = new Map(walkPlatforms.map((one) => [one.profile, new VtdScriptRun(scriptPlatform(one))]));

describeWitnesses<Step, Script>({
  /** SCRIPTS=100000 runs a larger campaign. */
  scripts: Number(process.env.SCRIPTS ?? 1500),
  tables: [1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16, 17],
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
    "buffer-not-flushed",
  ],
  scriptOf(index) {
    const random = new Random(index * 7919 + 1);
    return new ScriptMaker(random, walkPlatforms[index % walkPlatforms.length]!, 3 + random.below(12)).script;
  },
  runOf: (script) => runs.get(script.profile)!,
});
