/** What the last action touched and linked: the judge of software looks at nothing else after it. */
import { describe, expect, it } from "vitest";
import { A, B, domainOf, Software } from "./software.testing.js";

const TOP = 0x40;
const [L3, L2, LEAVES] = [TOP + 1, TOP + 2, TOP + 3];
const EVERYTHING = Number.POSITIVE_INFINITY;

/** What software did last: requesters with the pages that were touched, and tables that were linked. */
function last({ model }: Software) {
  const touched = model.touched.map(({ requester, iova, pages }) => `${requester} ${iova}+${pages}`);
  return { touched: [...touched].sort(), linked: [...model.linked].sort((a, b) => a - b) };
}

const NOTHING = { touched: [], linked: [] };

/** The first function in domain 5 with tables that map nothing yet. */
function attached(): Software {
  const software = new Software();
  expect(software.tables(TOP)).toBe(LEAVES);
  return software.context(A, TOP, 5);
}

describe("an action", () => {
  it("on a leaf touches its page for the requester, and links no table", () => {
    expect(last(attached().map(LEAVES, 3, 0x100))).toEqual({ touched: [`${A} 3+1`], linked: [] });
  });

  it("on an entry above it touches the pages below, and links the tables that it leads to", () => {
    const software = attached().link(L2, 7, 2, 0x60);
    expect(last(software)).toEqual({ touched: [`${A} ${7 * 512}+512`], linked: [0x60] });
    const above = new Software().context(A, TOP, 5).link(L3, 0, 3, L2).link(L2, 0, 2, LEAVES);
    expect(last(above)).toEqual(NOTHING);
    expect(last(above.link(TOP, 0, 4, L3))).toEqual({
      touched: [`${A} 0+${512 ** 3}`],
      linked: [L3, L2, LEAVES],
    });
  });

  it("on a context entry touches everything of its function, and links all tables", () => {
    const { touched, linked } = last(attached());
    expect(new Set(touched)).toEqual(new Set([`${A} 0+${EVERYTHING}`]));
    expect(new Set(linked)).toEqual(new Set([TOP, L3, L2, LEAVES]));
  });

  it("touches those that share the domain id", () => {
    const software = attached().context(B, TOP, 5).map(LEAVES, 3, 0x100);
    expect(last(software).touched).toEqual([`${A} 3+1`, `${B} 3+1`]);
  });

  it("elsewhere touches nothing, and what was touched before is over", () => {
    const software = attached().link(L2, 7, 2, 0x60);
    expect(last(software.store(0x300, 0, { low: 3, high: 0 }))).toEqual(NOTHING);
    software.link(L2, 8, 2, 0x61);
    expect(last(software.act({ do: "read-register", offset: 0x1c, width: 4 }, 0xc4000000))).toEqual(NOTHING);
    software.link(L2, 9, 2, 0x62);
    expect(last(software.submit(domainOf(5)))).toEqual(NOTHING);
  });

  it("of nobody is none: tables that no context entry leads to", () => {
    const software = new Software();
    software.tables(TOP);
    expect(last(software.map(LEAVES, 3, 0x100))).toEqual(NOTHING);
  });
});
