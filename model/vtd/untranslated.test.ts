/**
 * What requests can reach where translation was never enabled, was switched off, or is about to go on. Page 100h belongs
 * to d1 and is mapped at address 0 by tables 10h to 13h under domain id 5; page 200h is software's own.
 */
import { describe, expect, it } from "vitest";
import { Right } from "../isolation/events.js";
import type { GrantCheck } from "../isolation/exposure.js";
import { EVERY_WAY, NO_WAY, waysTo } from "../windows/untranslated.testing.js";
import { encode } from "../words/layout.js";
import { GlobalBit, Offset } from "./registers.js";
import { A, B, CONTEXTS, grant, ROOT, Software } from "./software.testing.js";
import { rootEntryLayout } from "./tables.js";

const [PAGE, OWN, OTHER_ROOT] = [0x100, 0x200, 0x20];
const NOTHING: GrantCheck = (_, page, __, access) => ({ page, access });
const { translationEnable: TE, setRootTablePointer: SRTP } = GlobalBit;

/** After a reset: tables that would be right are in memory, and the unit has been told nothing. */
function afterReset(): Software {
  const software = new Software(undefined, "reset").says(
    { event: "allocate", page: PAGE, pages: 1, owner: "d1" },
    { event: "protect", page: OWN, pages: 1 },
    { event: "assign", requester: A, domain: "d1" },
    { event: "grant", ...grant("d1", 0, PAGE) },
  );
  return software.map(software.tables(0x10), 0, PAGE).context(A, 0x10, 5);
}

function register(software: Software, offset: number, value: number): Software {
  return software.act({ do: "write-register", offset, width: 4, low: value >>> 0, high: 0 });
}

function seen(software: Software, mask: number, value: number): Software {
  return software.act({ do: "poll-register", offset: Offset.GSTS, mask: mask >>> 0, value: value >>> 0 }, 1);
}

function rootSet(software: Software, root: number = ROOT): Software {
  register(register(software, Offset.RTADDR, root << 12), Offset.GCMD, SRTP);
  return seen(software, SRTP, SRTP);
}

/** What function A can do to a page. */
function reaches({ model }: Software, page: number): boolean[] {
  return waysTo(model, A, page);
}

describe("without translation", () => {
  it("every function reaches every page of memory from the start, before anything was done", () => {
    const { model } = new Software(undefined, "reset");
    const pages = model.oracle.unit.memoryPages;
    for (const requester of [A, B])
      for (const access of [Right.read, Right.write])
        expect(model.exposure()).toContainEqual(
          expect.objectContaining({ requester, iova: 0, page: 0, access }),
        );
    expect(model.reachTo(pages - 1, 1, Right.write, NOTHING)).toMatchObject({ page: pages - 1 });
    expect(model.answers(A, 7, "write")).toEqual({ pages: [7], faults: [], invalid: false });
  });

  it("tables make no difference, nor does a root pointer", () => {
    expect(reaches(afterReset(), OWN)).toEqual(EVERY_WAY);
    expect(reaches(rootSet(afterReset()), OWN)).toEqual(EVERY_WAY);
  });

  it("a unit that software takes to protect although it was left disabled is found", () => {
    const { finding } = rootSet(afterReset()).says({ event: "ready" });
    expect(finding).toMatchObject({ kind: "foreign-page" });
    expect(finding!.witness[0]).toContain("translation-enable status");
  });

  it("translation that is commanded and not seen on may be off still", () => {
    const software = register(rootSet(afterReset()), Offset.GCMD, TE);
    expect(reaches(software, OWN)).toEqual(EVERY_WAY);
    expect(reaches(seen(software, TE, TE), OWN)).toEqual(NO_WAY);
    expect(software.says({ event: "ready" }).finding).toBeNull();
  });

  it("translation that is commanded off may be off at once", () => {
    const software = seen(register(rootSet(afterReset()), Offset.GCMD, TE), TE, TE);
    expect(register(software, Offset.GCMD, 0).finding).toMatchObject({ kind: "foreign-page" });
    expect(reaches(software, OWN)).toEqual(EVERY_WAY);
  });
});

describe("translation enabled while the root pointer is under way", () => {
  /** The pointer to the right tables is commanded, and translation is seen on before that is seen done. */
  function tooEarly(software: Software): Software {
    register(software, Offset.RTADDR, ROOT << 12);
    register(software, Offset.GCMD, SRTP);
    return seen(register(software, Offset.GCMD, TE), TE, TE);
  }

  /** A root table whose context entries, in page 21h, lead to tables of another owner, and from there to any page. */
  function foreignTables(software: Software): Software {
    const [low] = encode(rootEntryLayout, { P: 1, CTP: OTHER_ROOT + 1 });
    software.store(OTHER_ROOT, 0, low!);
    const [first, second] = software.contextWords(0x30, 9);
    software.store(OTHER_ROOT + 1, A * 2 + 1, second).store(OTHER_ROOT + 1, A * 2, first);
    return software.map(software.tables(0x30), 1, OWN);
  }

  it("the tables of the old pointer may be in force", () => {
    const software = tooEarly(rootSet(foreignTables(afterReset()), OTHER_ROOT));
    expect(software.finding).toMatchObject({ kind: "own-memory" });
    expect(software.finding!.witness.join("\n")).toContain("root-table pointer");
  });

  it("what caches have kept of them is left once the new pointer was seen in force", () => {
    const software = rootSet(foreignTables(afterReset()), OTHER_ROOT);
    expect(seen(register(rootSet(software), Offset.GCMD, TE), TE, TE).finding).toMatchObject({
      kind: "own-memory",
      rules: ["isolation.not-submitted"],
    });
  });

  it("after a reset the old pointer is zero: whatever memory holds there", () => {
    expect(tooEarly(afterReset()).finding).toBeNull();
    const software = afterReset();
    const [low] = encode(rootEntryLayout, { P: 1, CTP: OTHER_ROOT + 1 });
    software.store(0, 0, low!);
    expect(tooEarly(foreignTables(software)).finding).toMatchObject({ kind: "own-memory" });
  });
});

describe("a page that somebody else may write to", () => {
  it.each<[string, number]>([
    ["a root table", ROOT],
    ["a table of context entries", CONTEXTS],
    ["a table that leads to pages", 0x13],
  ])("is found as %s when translation goes on", (_, page) => {
    const software = rootSet(afterReset().says({ event: "allocate", page, pages: 1, owner: "d1" }));
    expect(seen(register(software, Offset.GCMD, TE), TE, TE).finding).toMatchObject({ kind: "foreign-page" });
  });
});
