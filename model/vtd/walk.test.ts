/** The walk over what memory says now: tables written as raw words, each fault with the least that triggers it. */

import { describe, expect, it } from "vitest";
import { Effect, type Request, type RequestType } from "../trace.js";
import { Structure, type TableReader, Translation } from "../windows/walk.js";
import { PhysicalMemory } from "../words/memory.js";
import type { PlatformProfile } from "./profile.js";
import { profileNamed } from "./profiles.js";
import type { VtdFaultRule } from "./rules.js";
import { decide, decideBeforeWalk, pageOf, tableIndex, walk, walkPlatformOf } from "./walk.js";

const [ROOT, CONTEXT, DATA] = [1, 2, 0x10];
/** 00:04.0; its root entry is word 0, its context entry word 40h. */
const [SID, NO_MEMORY] = [0x20, 0x20000];

/** Tables in memory and a reader of what they say now. */
class Tables implements TableReader {
  low = 0;
  high = 0;
  low2 = 0;
  high2 = 0;
  root = ROOT;
  enabled = true;
  readonly memory = new PhysicalMemory(NO_MEMORY);

  set(page: number, word: number, low: number, high = 0): this {
    this.memory.fill(page, word, low >>> 0, high >>> 0);
    return this;
  }
  translationEnabled(): boolean {
    return this.enabled;
  }
  tablePointer(): number {
    return this.root;
  }
  read(structure: Structure, page: number, word: number): boolean {
    const frame = this.memory.frameOf(page);
    if (frame < 0) return false;
    [this.low, this.high] = [this.memory.low(frame, word), this.memory.high(frame, word)];
    if (structure === Structure.table) return true;
    [this.low2, this.high2] = [this.memory.low(frame, word + 1), this.memory.high(frame, word + 1)];
    return true;
  }
  startLevel(): void {}
  tableReached(): void {}
}

/** Page 0 mapped read-write to DATA through tables on pages 3, 4, ...; domain id 5. */
function mapped(levels: number): Tables {
  const tables = new Tables()
    .set(ROOT, 0, 0x2001)
    .set(CONTEXT, 0x40, 0x3001)
    .set(CONTEXT, 0x41, 0x500 | (levels - 2));
  for (let level = levels; level > 1; level--)
    tables.set(3 + levels - level, 0, ((4 + levels - level) << 12) | 3);
  return tables.set(2 + levels, 0, (DATA << 12) | 3);
}
/** With four levels the tables of level 4, 3, 2 and 1 are these. */
const [L4, L3, L2, L1] = [3, 4, 5, 6];
const SKYLAKE = profileNamed("skylake-sp");

function request(type: RequestType, page = 0, length = type === "zero-length-read" ? 0 : 8): Request {
  return { requester: SID, page, offset: 0, length, type };
}

function answer(
  tables: Tables,
  asked: Request,
  profile: PlatformProfile = SKYLAKE,
): Translation<VtdFaultRule> {
  const platform = walkPlatformOf(profile);
  const out = new Translation<VtdFaultRule>();
  if (decideBeforeWalk(asked, tables.translationEnabled(), out)) return out;
  walk(platform, tables, asked.requester, asked.page, out);
  decide(platform, asked, out);
  return out;
}

/** Where the request goes, or the condition and reason of its fault: first choice, and what hardware may say instead. */
function outcome(tables: Tables, asked: Request, profile: PlatformProfile = SKYLAKE): string {
  const { effect, rule, alternative } = answer(tables, asked, profile);
  if (!rule)
    return effect >= 0 ? `page ${effect.toString(16)}` : effect === Effect.done ? "done" : "interrupt";
  expect(effect).toBe(Effect.blocked);
  const name = (one: typeof rule) => `${one.condition} ${one.reason.toString(16)}h`;
  return alternative ? `${name(rule)} or ${name(alternative)}` : name(rule);
}

const read = (tables: Tables, profile = SKYLAKE, page = 0) => outcome(tables, request("read", page), profile);
const write = (tables: Tables, profile = SKYLAKE, page = 0) =>
  outcome(tables, request("write", page), profile);

describe("3.4.2 root and context entries", () => {
  it("a requester is looked up by bus, then by device and function", () => {
    const tables = mapped(4)
      .set(ROOT, 2 * 0x81, 0x7001)
      .set(7, 2 * 0xff, 0x3001)
      .set(7, 2 * 0xff + 1, 0x902);
    const out = answer(tables, { ...request("read"), requester: 0x81ff });
    expect(out).toMatchObject({ effect: DATA, domainId: 9, rule: null });
    expect(outcome(tables, { ...request("read"), requester: 0x82ff })).toBe("LRT.2 1h");
    expect(outcome(tables, { ...request("read"), requester: 0x81fe })).toBe("LCT.2 2h");
  });

  it("LRT.1 8h: the root table is not memory", () => {
    const tables = mapped(4);
    tables.root = NO_MEMORY;
    expect(read(tables)).toBe("LRT.1 8h");
  });

  it("LRT.2 1h: root entry not present, whatever else it says", () => {
    expect(read(mapped(4).set(ROOT, 0, 0xfffffffe, 0xffffffff))).toBe("LRT.2 1h");
  });

  it("LRT.3 Ah: reserved bits 11:1, 127:64 or a pointer bit from HAW on", () => {
    expect(read(mapped(4).set(ROOT, 0, 0x2003))).toBe("LRT.3 ah");
    expect(read(mapped(4).set(ROOT, 0, 0x2801))).toBe("LRT.3 ah");
    expect(read(mapped(4).set(ROOT, 0, 0x2001, 0x4000))).toBe("LRT.3 ah"); // bit 46
    expect(read(mapped(4).set(ROOT, 1, 1))).toBe("LRT.3 ah");
    expect(read(mapped(4).set(ROOT, 1, 0, 0x80000000))).toBe("LRT.3 ah");
  });

  it("LCT.1 9h: the context table is not memory; pointer bits below HAW are no reserved bits", () => {
    expect(read(mapped(4).set(ROOT, 0, 0x20000001))).toBe("LCT.1 9h");
    expect(read(mapped(4).set(ROOT, 0, 0x2001, 0x2000))).toBe("LCT.1 9h"); // bit 45
  });

  it("LCT.2 2h: context entry not present, whatever else it says; FPD counts all the same", () => {
    const out = answer(mapped(4).set(CONTEXT, 0x40, 0xfffffffe, 0xffffffff), request("read"));
    expect(out).toMatchObject({ rule: { condition: "LCT.2", reason: 2 }, suppresses: true });
    expect(answer(mapped(4).set(CONTEXT, 0x40, 0), request("read")).suppresses).toBe(false);
  });

  it("LCT.3 Bh: reserved bits 11:4, 71, 127:88 or a pointer bit from HAW on", () => {
    for (const low of [0x3011, 0x3801]) expect(read(mapped(4).set(CONTEXT, 0x40, low))).toBe("LCT.3 bh");
    expect(read(mapped(4).set(CONTEXT, 0x40, 0x3001, 0x4000))).toBe("LCT.3 bh");
    expect(read(mapped(4).set(CONTEXT, 0x41, 0x582))).toBe("LCT.3 bh");
    expect(read(mapped(4).set(CONTEXT, 0x41, 0x01000502))).toBe("LCT.3 bh");
    expect(read(mapped(4).set(CONTEXT, 0x41, 0x502, 1))).toBe("LCT.3 bh");
  });

  it("LCT.3 Bh: domain id bits that the unit lacks; bits 70:67 are ignored", () => {
    const gm45 = profileNamed("gm45");
    expect(read(mapped(3).set(CONTEXT, 0x41, 0x1_0501), gm45)).toBe("LCT.3 bh");
    expect(read(mapped(3).set(CONTEXT, 0x41, 0xff79), gm45)).toBe(`page ${DATA.toString(16)}`);
  });

  it("LCT.4.1 3h: an address width the unit lacks", () => {
    for (const width of [0, 1, 3, 4, 7])
      expect(read(mapped(4).set(CONTEXT, 0x41, 0x500 | width))).toBe("LCT.4.1 3h");
    expect(read(mapped(4), profileNamed("ivy-bridge"))).toBe("LCT.4.1 3h");
  });

  it("LCT.4.2 3h: TT 11b, 01b without device TLBs, 10b without pass-through", () => {
    expect(read(mapped(4).set(CONTEXT, 0x40, 0x300d))).toBe("LCT.4.2 3h");
    expect(read(mapped(4).set(CONTEXT, 0x40, 0x3005))).toBe(`page ${DATA.toString(16)}`);
    expect(read(mapped(4).set(CONTEXT, 0x40, 0x3005), profileNamed("qemu-48"))).toBe("LCT.4.2 3h");
    expect(read(mapped(3).set(CONTEXT, 0x40, 0x3009), profileNamed("gm45"))).toBe("LCT.4.2 3h");
  });

  it("7.1.1: FPD is taken from the context entry", () => {
    expect(answer(mapped(4).set(CONTEXT, 0x40, 0x3003), request("read"))).toMatchObject({
      rule: null,
      suppresses: true,
    });
  });
});

describe("3.7 second-stage walk", () => {
  /** Indices 1, 2, 3, 4 and 5 at levels 5 to 1. */
  const page = 1 * 2 ** 36 + 2 * 2 ** 27 + 3 * 2 ** 18 + 4 * 2 ** 9 + 5;

  it("nine bits of the address at each level", () => {
    expect([5, 4, 3, 2, 1].map((level) => tableIndex(page, level))).toEqual([1, 2, 3, 4, 5]);
    expect([5, 4, 3, 2, 1].map((level) => tableIndex(2 ** 45 - 1, level))).toEqual([511, 511, 511, 511, 511]);
    expect(pageOf(0x34567fff, 0xabcc0012)).toBe(0xc001234567);
  });

  it.each([
    ["qemu-39", 3],
    ["qemu-48", 3],
    ["skylake-sp", 4],
    ["sapphire-rapids", 4],
    ["sapphire-rapids", 5],
  ])("%s translates through %i levels", (profile, levels) => {
    const tables = new Tables()
      .set(ROOT, 0, 0x2001)
      .set(CONTEXT, 0x40, 0x3001)
      .set(CONTEXT, 0x41, 0x500 | (levels - 2));
    for (let level = levels; level > 1; level--) {
      tables.set(3 + levels - level, 6 - level, ((4 + levels - level) << 12) | 3);
    }
    tables.set(2 + levels, 5, (DATA << 12) | 3);
    const input = page % 2 ** (9 * levels);
    expect(read(tables, profileNamed(profile), input)).toBe("page 10");
    expect(read(tables, profileNamed(profile), input - 1)).toBe("LGN.3 6h");
  });

  it("LCT.4.3 3h: the first table is not memory; LSS.1 7h: a deeper one is not", () => {
    expect(read(mapped(4).set(CONTEXT, 0x40, 0x20000001))).toBe("LCT.4.3 3h");
    for (const table of [L4, L3, L2]) expect(read(mapped(4).set(table, 0, 0x20000003))).toBe("LSS.1 7h");
  });

  it("LSS.2 Ch: reserved bits at every level", () => {
    for (const table of [L4, L3, L2, L1]) {
      const low = table === L1 ? 0x10003 : ((table + 1) << 12) | 3;
      expect(read(mapped(4).set(table, 0, low, 0x40000000))).toBe("LSS.2 ch"); // bit 62
      expect(read(mapped(4).set(table, 0, low, 0x4000))).toBe("LSS.2 ch"); // bit 46
      expect(read(mapped(4).set(table, 0, low | 0x800))).toBe(table === L1 ? "page 10" : "LSS.2 ch"); // SNP
    }
    expect(read(mapped(4).set(L4, 0, 0x4083))).toBe("LSS.2 ch");
    expect(read(mapped(3).set(5, 0, 0x10803), profileNamed("qemu-48"))).toBe("LSS.2 ch"); // SNP, ECAP.SC = 0
  });

  it("9.8: ignored bits 63, 61:52, 10:8 and 6:2 change nothing, but on the platform that checks them", () => {
    const tables = mapped(3);
    for (const table of [3, 4]) tables.set(table, 0, ((table + 1) << 12) | 0x77f, 0xbff00000);
    tables.set(5, 0, 0x107ff, 0xbff00000);
    expect(read(tables, profileNamed("qemu-39"))).toBe("page 10");
    expect(read(tables, profileNamed("ivy-bridge"))).toBe("LSS.2 ch");
    expect(read(mapped(3), profileNamed("ivy-bridge"))).toBe("page 10");
  });

  it("an entry with R = W = 0 is not present: its reserved bits do not count", () => {
    for (const table of [L4, L3, L2, L1]) {
      const tables = mapped(4).set(table, 0, 0xfffffffc, 0xffffffff);
      expect([read(tables), write(tables)]).toEqual(["LGN.3 6h", "LGN.2 5h"]);
    }
  });

  it("2 MiB and 1 GiB pages: the address selects the page inside", () => {
    const two = mapped(4).set(L2, 0, 0x80600083);
    expect(read(two, SKYLAKE, 0x1ff)).toBe("page 807ff");
    expect(write(two.set(L2, 0, 0x80600081))).toBe("LGN.2 5h");
    const one = mapped(4).set(L3, 0, 0x40000083, 2);
    expect(read(one, SKYLAKE, 0x3fffe)).toBe("page 27fffe");
    const misaligned = mapped(4).set(L2, 0, 0x80601083);
    expect(read(misaligned)).toBe("LSS.2 ch"); // bit 12
    expect(read(mapped(4).set(L3, 0, 0x60000083))).toBe("LSS.2 ch"); // bit 29
  });

  it("superpages that CAP.SSLPS lacks are reserved bits", () => {
    const gm45 = profileNamed("gm45");
    expect(read(mapped(3).set(4, 0, 0x600083), gm45)).toBe("LSS.2 ch");
    expect(read(mapped(3).set(3, 0, 0x40000083), gm45)).toBe("LSS.2 ch");
    const only2M = { ...SKYLAKE, capability: { low: 0x106f0466, high: 0x08d20784 } };
    expect(read(mapped(4).set(L2, 0, 0x600083), only2M)).toBe("page 600");
    expect(read(mapped(4).set(L3, 0, 0x40000083), only2M)).toBe("LSS.2 ch");
  });
});

describe("11.4.2 and 3.9 address widths", () => {
  it("LGN.1.1 4h: from 2^min(MGAW, AW) on, before any table is read", () => {
    const limit = (profile: string, levels: number, bits: number) => {
      const tables = mapped(levels).set(CONTEXT, 0x40, 0x20000001);
      const at = (page: number) => read(tables, profileNamed(profile), page);
      expect([at(2 ** (bits - 12) - 1), at(2 ** (bits - 12))]).toEqual(["LCT.4.3 3h", "LGN.1.1 4h"]);
    };
    limit("gm45", 3, 36); // MGAW 36 below AW 39
    limit("qemu-48", 3, 39); // AW 39 below MGAW 48
    limit("qemu-48", 4, 48);
    limit("sapphire-rapids", 4, 48);
    limit("sapphire-rapids", 5, 57);
  });

  it("LGN.1.3 4h: pass-through ends at 2^HAW", () => {
    const tables = mapped(4).set(CONTEXT, 0x40, 0x9);
    expect(read(tables, SKYLAKE, 2 ** 34 - 1)).toBe("page 3ffffffff");
    expect(read(tables, SKYLAKE, 2 ** 34)).toBe("LGN.1.3 4h");
  });
});

describe("3.9 pass-through", () => {
  it("takes the input address, with every right, and no table", () => {
    const tables = mapped(4).set(CONTEXT, 0x40, 0x20000009);
    expect([read(tables, SKYLAKE, 0x123), write(tables, SKYLAKE, 0x123)]).toEqual(["page 123", "page 123"]);
    expect(answer(tables, request("atomic"))).toMatchObject({
      rule: null,
      optionalFault: null,
      passThrough: true,
    });
  });

  it("9.3: pointer bits from HAW on may fault or be ignored; other reserved bits fault", () => {
    const out = answer(mapped(4).set(CONTEXT, 0x40, 0x9, 0x4000), request("read"));
    expect(out).toMatchObject({ rule: null, optionalFault: { condition: "LCT.3" } });
    expect(read(mapped(4).set(CONTEXT, 0x40, 0x19))).toBe("LCT.3 bh");
    expect(read(mapped(4).set(CONTEXT, 0x40, 0x9).set(CONTEXT, 0x41, 0x582))).toBe("LCT.3 bh");
    expect(read(mapped(4).set(CONTEXT, 0x40, 0x9).set(CONTEXT, 0x41, 0x502, 1))).toBe("LCT.3 bh");
  });

  it("9.3: a supported width that is not the largest may fault or not", () => {
    const width = (AW: number) =>
      answer(
        mapped(4)
          .set(CONTEXT, 0x40, 0x9)
          .set(CONTEXT, 0x41, 0x500 | AW),
        request("read"),
        profileNamed("qemu-48"),
      );
    expect(width(1)).toMatchObject({ rule: null, optionalFault: { condition: "LCT.4.1" } });
    expect(width(2)).toMatchObject({ rule: null, optionalFault: null });
    expect(width(3)).toMatchObject({ rule: { condition: "LCT.4.1" } });
    expect(answer(mapped(3), request("read"), profileNamed("qemu-48")).optionalFault).toBeNull();
  });

  it("does not have second thoughts about a translated context entry", () => {
    expect(answer(mapped(3), request("read"), profileNamed("qemu-48")).optionalFault).toBeNull();
  });
});

describe("3.7.1 rights", () => {
  /** Rights of each level of the tables, level 4 first. */
  const rights = (...bits: number[]) => {
    const tables = mapped(4);
    for (const [index, value] of bits.entries()) {
      tables.set(L4 + index, 0, (index === 3 ? 0x10000 : (L4 + index + 1) << 12) | value);
    }
    return tables;
  };

  it("a right is needed at every level", () => {
    for (let level = 0; level < 4; level++) {
      const readOnly = rights(...[3, 3, 3, 3].with(level, 1));
      const writeOnly = rights(...[3, 3, 3, 3].with(level, 2));
      expect([read(readOnly), write(readOnly)]).toEqual(["page 10", "LGN.2 5h"]);
      expect([read(writeOnly), write(writeOnly)]).toEqual(["LGN.3 6h", "page 10"]);
    }
  });

  it("rights that no level takes away alone can be lacking together", () => {
    const tables = rights(1, 3, 2, 3);
    expect([read(tables), write(tables)]).toEqual(["LGN.3 6h", "LGN.2 5h"]);
  });

  it("an AtomicOp needs both; without either, either reason may be given", () => {
    const atomic = (tables: Tables) => outcome(tables, request("atomic"));
    expect(atomic(rights(3, 3, 3, 3))).toBe("page 10");
    expect(atomic(rights(3, 3, 3, 1))).toBe("LGN.2 5h");
    expect(atomic(rights(3, 3, 3, 2))).toBe("LGN.3 6h");
    expect(atomic(rights(1, 3, 2, 3))).toBe("LGN.2 5h or LGN.3 6h");
  });

  it("3.14: a zero-length read of a write-only page succeeds where CAP.ZLR = 1", () => {
    const zero = (tables: Tables, profile: string) =>
      outcome(tables, request("zero-length-read"), profileNamed(profile));
    expect(zero(rights(3, 3, 3, 2), "skylake-sp")).toBe("done");
    expect(zero(rights(3, 3, 3, 2), "qemu-48")).toBe("LGN.3 6h");
    expect(zero(rights(3, 3, 3, 0), "skylake-sp")).toBe("LGN.3 6h");
    expect(zero(rights(3, 3, 3, 1), "qemu-48")).toBe("done");
  });

  it("no order is prescribed between a missing right and a fault of the same or a deeper entry", () => {
    expect(write(rights(1, 3, 3, 3).set(L1, 0, 0x10003, 0x40000000))).toBe("LSS.2 ch or LGN.2 5h");
    expect(write(mapped(4).set(L4, 0, 0x4081))).toBe("LSS.2 ch or LGN.2 5h");
    expect(read(rights(2, 3, 3, 3).set(L2, 0, 0x20000003))).toBe("LSS.1 7h or LGN.3 6h");
    expect(read(rights(1, 3, 3, 3).set(L1, 0, 0x10003, 0x40000000))).toBe("LSS.2 ch");
  });
});

describe("3.15 interrupt address range", () => {
  it("DWORD writes go to the interrupt unit, zero-length reads succeed, all else is 29h", () => {
    const tables = new Tables();
    for (const page of [0xfee00, 0xfeeff]) {
      expect(outcome(tables, request("write", page, 4))).toBe("interrupt");
      expect(outcome(tables, request("zero-length-read", page))).toBe("done");
      expect(outcome(tables, request("write", page, 8))).toBe("29h 29h");
      expect(outcome(tables, request("read", page, 4))).toBe("29h 29h");
      expect(outcome(tables, request("atomic", page, 4))).toBe("29h 29h");
    }
    for (const page of [0xfedff, 0xfef00])
      expect(outcome(tables, request("write", page, 4))).toBe("LRT.2 1h");
  });

  it("LGN.4 Eh: a translation leads there; the page decides, not the superpage around it", () => {
    expect(read(mapped(4).set(L1, 0, 0xfee00003))).toBe("LGN.4 eh");
    expect(read(mapped(4).set(L1, 0, 0xfeeff003))).toBe("LGN.4 eh");
    expect(read(mapped(4).set(L1, 0, 0xfedff003))).toBe("page fedff");
    expect(read(mapped(4).set(L1, 0, 0xfef00003))).toBe("page fef00");
    const huge = mapped(4).set(L3, 0, 0xc0000083);
    expect(read(huge, SKYLAKE, 0x3ee00)).toBe("LGN.4 eh");
    expect(read(huge, SKYLAKE, 0x3edff)).toBe("page fedff");
  });
});

describe("11.4.4.2 translation not enabled", () => {
  it("requests reach the address they carry; interrupts are interrupts", () => {
    const tables = new Tables();
    tables.enabled = false;
    expect(read(tables, SKYLAKE, 0x123)).toBe("page 123");
    expect(write(tables, SKYLAKE, 2 ** 40)).toBe("page 10000000000");
    expect(outcome(tables, request("zero-length-read", 0x123))).toBe("done");
    expect(outcome(tables, request("write", 0xfee00, 4))).toBe("interrupt");
  });
});
