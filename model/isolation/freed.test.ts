/** A reach of a page that nobody in its domains was ever granted: given back before, or somebody else's. */
import { describe, expect, it } from "vitest";
import { classify } from "./classify.js";
import type { Reach, Witness } from "./exposure.js";
import { Ownership } from "./ownership.js";

const REQUESTER = 0x20;
const PAGE = 10;
const reach: Reach = { requester: REQUESTER, iova: 0, page: PAGE, pages: 1, access: 1, way: "request" };
const witness: Witness = { reach, links: [], filledThrough: null, excuse: null, current: true };

function kindAfter(happens: (ownership: Ownership) => void): string {
  const ownership = new Ownership();
  ownership.assign(REQUESTER, "d1");
  happens(ownership);
  return classify(reach, witness, ownership, { updating: false, untranslated: false }).kind;
}

const withdrawn = { domain: "d2", iova: 0, page: PAGE, pages: 1, access: 3 };

describe("a page that was never granted to the requester's domains", () => {
  it("is foreign when somebody has it, or nobody ever had", () => {
    expect(kindAfter(() => undefined)).toBe("foreign-page");
    expect(kindAfter((ownership) => ownership.allocate(PAGE, 1, "d2"))).toBe("foreign-page");
  });

  it("is a freed one when it was given back, or another domain's right to it was withdrawn", () => {
    expect(kindAfter((ownership) => ownership.free(PAGE, 1))).toBe("freed-page");
    const reused = (ownership: Ownership) => {
      ownership.withdraw(withdrawn, 3);
      ownership.allocate(PAGE, 1, "d3");
    };
    expect(kindAfter(reused)).toBe("freed-page");
  });

  it("is a sibling's when it was not freed, for a virtual function", () => {
    expect(kindAfter((ownership) => ownership.markVirtual(REQUESTER))).toBe("sibling");
    const freed = (ownership: Ownership) => {
      ownership.markVirtual(REQUESTER);
      ownership.free(PAGE, 1);
    };
    expect(kindAfter(freed)).toBe("freed-page");
  });

  it("is software's own whatever was withdrawn", () => {
    expect(kindAfter((ownership) => ownership.allocateTable(PAGE))).toBe("own-memory");
    expect(kindAfter((ownership) => ownership.protect(PAGE, 1))).toBe("own-memory");
  });
});
