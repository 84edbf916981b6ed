/** Which kind of violation software commits, by what it does wrong. Runs are on VT-d; two devices, two domains. */
import { describe, expect, it } from "vitest";
import { profileNamed } from "../vtd/profiles.js";
import {
  A,
  B,
  CONTEXTS,
  contextOf,
  domainOf,
  grant,
  leaf,
  pageOf,
  Software,
} from "../vtd/software.testing.js";
import { Right } from "./events.js";

/** Page 100h is d1's, page 200h d2's; d1 has tables 10h to 13h and domain id 5, d2 has 20h to 23h and 6. */
const [OF_D1, OF_D2] = [0x100, 0x200];
const [LEAVES_1, LEAVES_2, SPARE] = [0x13, 0x23, 0x30];
const BEGINS = { event: "update", begins: true } as const;

function prepared(profile = "skylake-sp", access: number = Right.both): Software {
  const software = new Software(profileNamed(profile)).says(
    { event: "allocate", page: OF_D1, pages: 16, owner: "d1" },
    { event: "allocate", page: OF_D2, pages: 16, owner: "d2" },
    { event: "assign", requester: A, domain: "d1" },
    { event: "grant", ...grant("d1", 0, OF_D1, 1, access) },
    { event: "grant", ...grant("d2", 0, OF_D2) },
  );
  return software.map(software.tables(0x10), 0, OF_D1, access).map(software.tables(0x20), 0, OF_D2);
}

const attached = (profile?: string, access?: number) => prepared(profile, access).context(A, 0x10, 5);
const kindOf = ({ finding }: Software) => finding?.kind;
const gone = { event: "withdraw", ...grant("d1", 0, OF_D1) } as const;

describe("the kind of a violation", () => {
  it("freed-page: given back before the flush is complete, or before the entry is cleared", () => {
    expect(kindOf(attached().clear(LEAVES_1, 0).submit(pageOf(5, 0)).says(gone))).toBe("freed-page");
    expect(kindOf(attached().says(BEGINS, gone))).toBe("freed-page");
  });

  it("after-detach: the old page of a device that was switched", () => {
    const software = attached()
      .says(BEGINS, { event: "assign", requester: A, domain: "d2" })
      .noContext(A)
      .flush(contextOf(5, A))
      .context(A, 0x20, 6)
      .flush(domainOf(6))
      .says({ event: "unassign", requester: A, domain: "d1" });
    expect(kindOf(software)).toBe("after-detach");
    expect(software.finding!.rules).toEqual(["isolation.wrong-domain"]);
  });

  it("revived: a domain id that another device gets while entries of its last use are cached", () => {
    const software = attached()
      .noContext(A)
      .flush(contextOf(5, A))
      .says({ event: "assign", requester: B, domain: "d2" })
      .context(B, 0x20, 5);
    expect(kindOf(software)).toBe("revived");
    expect(software.finding!.message).toContain("00:05.0 can read page 0x100000");
  });

  it("revived: a table page that is given back while an entry may point to it", () => {
    const software = attached()
      .says({ event: "allocate-table", page: LEAVES_1 })
      .clear(LEAVES_1, 0)
      .clear(0x12, 0)
      .flush(pageOf(5, 0, { leafOnly: 1 }))
      .says(gone, { event: "free-table", page: LEAVES_1 });
    expect(kindOf(software)).toBe("revived");
    expect(software.finding!.message).toContain("the unit can read entries from page 0x13000");
  });

  it("revived: a table page that serves another domain while an old entry may point to it", () => {
    const software = attached()
      .clear(LEAVES_1, 0)
      .clear(0x12, 0)
      .flush(pageOf(5, 0, { leafOnly: 1 }))
      .says(gone);
    expect(kindOf(software)).toBeUndefined();
    expect(kindOf(software.map(LEAVES_1, 1, OF_D2))).toBe("revived");
  });

  it("revived: a table linked before the unit can see that it was cleared", () => {
    const reused = attached("qemu-48").store(SPARE, 1, leaf(OF_D2)).storeOnly(SPARE, 1, { low: 0, high: 0 });
    expect(kindOf(reused.says(BEGINS).link(0x12, 1, 2, SPARE))).toBe("revived");
    expect(reused.finding!.rules).toEqual(["isolation.line-not-flushed"]);
  });

  it("mid-update: a table linked before it is cleared", () => {
    const reused = attached().store(SPARE, 1, leaf(OF_D2));
    expect(kindOf(reused.says(BEGINS).link(0x12, 1, 2, SPARE))).toBe("mid-update");
    expect(reused.finding!.rules).toEqual([]);
  });

  it("mid-update: a context entry changed piece by piece while it is present", () => {
    // Five levels of tables, taken for four: what the last but one points to is a table.
    const software = attached("sapphire-rapids").says({ event: "allocate-table", page: 0x14 }, BEGINS);
    const [, { low, high }] = software.contextWords(0x10, 5);
    expect(kindOf(software.store(CONTEXTS, A * 2 + 1, { low: (low & ~7) | 2, high }))).toBe("mid-update");
    expect(software.finding!.message).toContain("page 0x14000 through 0x0");
  });

  it("excess-right: rights taken away without a flush", () => {
    const software = attached().map(LEAVES_1, 0, OF_D1, Right.read);
    const withdrawn = { event: "withdraw", ...grant("d1", 0, OF_D1, 1, Right.write) } as const;
    expect(kindOf(software.says(withdrawn))).toBe("excess-right");
  });

  it("excess-right: a large page that is split into pages with more rights", () => {
    const software = attached().says({ event: "grant", ...grant("d1", 512, 0x400, 512, Right.read) });
    software.map(0x12, 1, 0x400, Right.read, 2).says(BEGINS);
    expect(kindOf(software.store(SPARE, 0, leaf(0x400)).link(0x12, 1, 2, SPARE))).toBe("excess-right");
  });

  it("foreign-page: a page of another owner, in the middle of a change or not", () => {
    expect(kindOf(attached().map(LEAVES_1, 1, OF_D2))).toBe("foreign-page");
    expect(kindOf(attached().says(BEGINS).map(LEAVES_1, 1, OF_D2))).toBe("foreign-page");
  });

  it("own-memory: a page of entries, in the middle of a change or not", () => {
    const own = { event: "allocate-table", page: LEAVES_2 } as const;
    expect(kindOf(attached().says(own, BEGINS).map(LEAVES_1, 1, LEAVES_2))).toBe("own-memory");
  });
});
