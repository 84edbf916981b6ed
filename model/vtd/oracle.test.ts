/**
 * Micro-histories: a handful of stores, invalidations and requests, and exactly the outcomes that a conforming unit may
 * show afterwards. Tables are raw words; data pages are 10h and 11h.
 */
import { describe, expect, it } from "vitest";
import type { Finding } from "../finding.js";
import { type Action, Effect, type RequestType } from "../trace.js";
import { VtdOracle } from "./oracle.js";
import type { PlatformProfile } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { walkPlatformOf } from "./walk.js";

const [ROOT, CONTEXT, L4, L3, L2, L1, OTHER_L1, QUEUE, STATUS] = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const [OLD, NEW] = [0x10, 0x11];
/** 00:04.0 and 00:05.0. */
const [A, B] = [0x20, 0x28];
const SKYLAKE = profileNamed("skylake-sp");

/** IOTLB descriptors of domain 5, drained: domain, and page with mask and hint. */
const DOMAIN_5 = [0x0005_00e2, 0, 0] as const;
const page = (number: number, mask = 0, hint = 0) =>
  [0x0005_00f2, 0, number * 4096 + hint * 64 + mask] as const;
const CONTEXT_OF_A = [0x0005_0031, A, 0] as const;

class History {
  readonly oracle: VtdOracle;
  private index = 0;
  private tail = 0;

  /** Both functions in domain 5; page 0 mapped read-write to OLD by four levels. */
  constructor(profile: PlatformProfile = SKYLAKE) {
    this.oracle = new VtdOracle(walkPlatformOf(profile));
    const tablePages = [ROOT, CONTEXT, L4, L3, L2, L1, OTHER_L1, QUEUE, STATUS];
    const root = { rootPage: ROOT, rootPages: 1 };
    const pages = { ...root, queuePage: QUEUE, logPage: null, dataPages: [OLD, NEW], tablePages };
    this.oracle.reset({ ...pages, start: "translating", requesters: [A, B] });
    this.start(ROOT, 0, 0x2001)
      .start(L4, 0, 0x4003)
      .start(L3, 0, 0x5003)
      .start(L2, 0, 0x6003)
      .start(L1, 0, 0x10003);
    for (const requester of [A, B])
      this.start(CONTEXT, requester * 2, 0x3001).start(CONTEXT, requester * 2 + 1, 0x502);
  }

  /** What memory holds from the start. */
  start(at: number, word: number, low: number): this {
    this.oracle.memory.fill(at, word, low, 0);
    return this;
  }
  act(action: Action, low = 0): Finding | null {
    return this.oracle.perform(action, { low, high: 0 }, this.index++);
  }
  store(at: number, word: number, low: number): this {
    this.act({ do: "store", page: at, word, low, high: 0 });
    return this;
  }
  /** Through the queue, without waiting. */
  submit(...descriptors: (readonly [number, number, number])[]): this {
    for (const [low, high, low2] of descriptors) {
      this.act({ do: "store", page: QUEUE, word: this.tail * 2, low, high });
      this.act({ do: "store", page: QUEUE, word: this.tail * 2 + 1, low: low2, high: 0 });
      this.tail++;
    }
    this.act({ do: "write-register", offset: 0x88, width: 8, low: this.tail << 4, high: 0 });
    return this;
  }
  /** Submits a wait behind the others and sees its status. */
  wait(): this {
    this.submit([0x25, this.tail + 1, STATUS * 4096 + this.tail * 8]);
    const finding = this.act({ do: "poll-memory", page: STATUS, word: this.tail - 1, value: this.tail }, 1);
    expect(finding).toBeNull();
    return this;
  }
  flush(...descriptors: (readonly [number, number, number])[]): this {
    return this.submit(...descriptors).wait();
  }
  /** What a request of page `at` may lead to now. */
  may(type: RequestType, at = 0, requester = A): string[] {
    const request = { requester, page: at, offset: 0, length: 8, type };
    const outcomes = this.oracle.outcomesOf(request, this.index);
    const shown = outcomes.map(({ effect, rule, recorded }) => {
      if (!rule) return effect === OLD ? "old" : effect === NEW ? "new" : `page ${effect.toString(16)}`;
      return `${rule.reason.toString(16)}h${recorded ? "" : " unrecorded"}`;
    });
    return shown.sort();
  }
  request(effect: number, type: RequestType = "write", at = 0): Finding | null {
    return this.act(
      { do: "request", request: { requester: A, page: at, offset: 8, length: 8, type }, slot: this.index },
      effect,
    );
  }
}

describe("6.5 a mapping that is taken away", () => {
  it("is the only outcome before, may stay until completion was seen, is gone afterwards", () => {
    const history = new History();
    expect(history.may("write")).toEqual(["old"]);
    history.store(L1, 0, 0);
    expect([history.may("write"), history.may("read")]).toEqual([
      ["5h", "old"],
      ["6h", "old"],
    ]);
    history.submit(page(0));
    expect(history.may("write")).toEqual(["5h", "old"]);
    history.wait();
    expect(history.may("write")).toEqual(["5h"]);
  });

  it("stays where another domain, page or cache is flushed", () => {
    for (const other of [[0x0006_00e2, 0, 0], page(1), CONTEXT_OF_A, [0x11, 0, 0]] as const) {
      expect(new History().store(L1, 0, 0).flush(other).may("write")).toEqual(["5h", "old"]);
    }
    for (const right of [DOMAIN_5, [0xd2, 0, 0], page(0), page(1, 1)] as const) {
      expect(new History().store(L1, 0, 0).flush(right).may("write")).toEqual(["5h"]);
    }
  });

  it("comes back when the flush comes before the store, though its completion is seen after it", () => {
    expect(new History().submit(DOMAIN_5).store(L1, 0, 0).wait().may("write")).toEqual(["5h", "old"]);
  });

  it("may have its old right, or its old target", () => {
    expect(new History().store(L1, 0, 0x10001).may("write")).toEqual(["5h", "old"]);
    expect(new History().store(L1, 0, 0x10001).may("read")).toEqual(["old"]);
    expect(new History().store(L1, 0, 0x11003).may("read")).toEqual(["new", "old"]);
    expect(new History().store(L1, 0, 0x11003).flush(page(0)).may("read")).toEqual(["new"]);
  });

  it("6.2.1: a right that was missing may be missing until the flush", () => {
    const history = new History().start(L1, 0, 0x10001).store(L1, 0, 0x10003);
    expect(history.may("write")).toEqual(["5h", "old"]);
    expect(history.flush(page(0)).may("write")).toEqual(["old"]);
  });
});

describe("6.1 a mapping that is added", () => {
  const added = (profile: PlatformProfile) => new History(profile).start(L1, 0, 0).store(L1, 0, 0x10003);

  it("is there at once without Caching Mode, where walks snoop", () => {
    expect(added(SKYLAKE).may("write")).toEqual(["old"]);
  });

  it("ECAP.C = 0: is there once its line was written back", () => {
    const history = added(profileNamed("qemu-48"));
    expect(history.may("write")).toEqual(["5h", "old"]);
    history.act({ do: "flush-line", page: L1, line: 0 });
    expect(history.may("write")).toEqual(["old"]);
  });

  it("Caching Mode: is there once it was flushed as well", () => {
    const history = added(profileNamed("qemu-48-caching-mode"));
    history.act({ do: "flush-line", page: L1, line: 0 });
    expect(history.may("write")).toEqual(["5h", "old"]);
    expect(history.flush(page(0)).may("write")).toEqual(["old"]);
  });
});

describe("6.5.2.3 masks, superpages and the hint", () => {
  const twoPages = () => new History().start(L1, 1, 0x11003).store(L1, 0, 0).store(L1, 1, 0);

  it("a mask covers aligned pages, no more", () => {
    const outcomes = (history: History) => [history.may("write", 0), history.may("write", 1)];
    expect(outcomes(twoPages().flush(page(0)))).toEqual([["5h"], ["5h", "new"]]);
    expect(outcomes(twoPages().flush(page(1)))).toEqual([["5h", "old"], ["5h"]]);
    expect(outcomes(twoPages().flush(page(1, 1)))).toEqual([["5h"], ["5h"]]);
    expect(outcomes(twoPages().flush(page(2, 1)))).toEqual([
      ["5h", "old"],
      ["5h", "new"],
    ]);
  });

  it("a superpage stays until a range has all of it, for the flushed pages too", () => {
    const superpage = () => new History().start(L2, 0, 0x600083).store(L2, 0, 0);
    const outcomes = (history: History) => [history.may("write", 0), history.may("write", 5)].join(" ");
    expect(outcomes(superpage())).toBe("5h,page 600 5h,page 605");
    for (const range of [page(5), page(0, 8)])
      expect(outcomes(superpage().flush(range))).toBe("5h,page 600 5h,page 605");
    for (const range of [page(0, 9), page(0, 18)]) expect(outcomes(superpage().flush(range))).toBe("5h 5h");
  });

  it("IH = 1 spares entries that point to tables, which then lead to what the old table says now", () => {
    const moved = () => new History().start(OTHER_L1, 0, 0x11003).store(L2, 0, 0x7003);
    expect(moved().may("write")).toEqual(["new", "old"]);
    expect(
      moved()
        .flush(page(0, 0, 1))
        .may("write"),
    ).toEqual(["new", "old"]);
    expect(
      moved()
        .store(L1, 0, 0)
        .flush(page(0, 0, 1))
        .may("write"),
    ).toEqual(["5h", "new"]);
    expect(moved().flush(page(0)).may("write")).toEqual(["new"]);
    expect(moved().flush(page(5)).may("write")).toEqual(["new", "old"]);
    expect(
      new History()
        .store(L1, 0, 0)
        .flush(page(0, 0, 1))
        .may("write"),
    ).toEqual(["5h"]);
  });

  it("a table page that is used again before the flush is walked through the old entry", () => {
    const history = new History().store(L2, 0, 0).store(L1, 0, 0x11003);
    expect(history.may("write")).toEqual(["5h", "new", "old"]);
    expect(history.flush(page(0, 0, 1)).may("write")).toEqual(["5h", "new"]);
    expect(history.flush(page(0)).may("write")).toEqual(["5h"]);
  });
});

describe("6.2.2.1 context entries", () => {
  const detached = () => new History().store(CONTEXT, A * 2, 0x3000);

  it("need the context cache and the IOTLB flushed, in that order", () => {
    expect(detached().may("write")).toEqual(["2h", "old"]);
    expect(detached().flush(CONTEXT_OF_A).may("write")).toEqual(["2h", "old"]);
    expect(detached().flush(DOMAIN_5).may("write")).toEqual(["2h", "old"]);
    expect(detached().flush(CONTEXT_OF_A).flush(DOMAIN_5).may("write")).toEqual(["2h"]);
    expect(detached().flush(CONTEXT_OF_A, DOMAIN_5).may("write")).toEqual(["2h"]);
  });

  it("the IOTLB flushed first may be filled again through the old entry", () => {
    expect(detached().flush(DOMAIN_5).flush(CONTEXT_OF_A).may("write")).toEqual(["2h", "old"]);
    expect(detached().flush(DOMAIN_5, CONTEXT_OF_A).may("write")).toEqual(["2h", "old"]);
  });

  it("another function of the domain is not affected", () => {
    expect(detached().flush(CONTEXT_OF_A, DOMAIN_5).may("write", 0, B)).toEqual(["old"]);
  });

  it("6.2.1: entries are removed by the domain id they were filled under, not by the new one", () => {
    const moved = () => new History().store(CONTEXT, A * 2 + 1, 0x602);
    const by = (domain: number) => moved().flush(CONTEXT_OF_A, [(domain << 16) | 0xe2, 0, 0]);
    expect(by(6).store(L1, 0, 0).flush([0x0006_00e2, 0, 0]).may("write")).toEqual(["5h", "old"]);
    expect(by(5).store(L1, 0, 0).flush([0x0006_00e2, 0, 0]).may("write")).toEqual(["5h"]);
  });

  it("7.1.1: FPD keeps qualified faults unrecorded, the old one until the flush", () => {
    const quiet = new History().start(L1, 0, 0).store(CONTEXT, A * 2, 0x3003);
    expect(quiet.may("write")).toEqual(["5h", "5h unrecorded"]);
    expect(quiet.flush(CONTEXT_OF_A, DOMAIN_5).may("write")).toEqual(["5h unrecorded"]);
    expect(new History().start(CONTEXT, A * 2, 2).may("read")).toEqual(["2h unrecorded"]);
    expect(
      new History()
        .start(CONTEXT, A * 2, 3)
        .start(ROOT, 0, 0)
        .may("read"),
    ).toEqual(["1h"]);
  });
});

describe("6.2.4.1 how IOTLB entries are found", () => {
  /** A and B have one domain id but two sets of tables: in those of B page 0 leads to NEW. */
  const shared = (iotlbLookup: PlatformProfile["iotlbLookup"]) =>
    new History({ ...SKYLAKE, iotlbLookup })
      .start(CONTEXT, B * 2, 0xa001)
      .start(10, 0, 0xb003)
      .start(11, 0, 0xc003)
      .start(12, 0, 0xd003)
      .start(13, 0, 0x11003)
      .may("read");

  it("paging-structure entries are shared by domain id in any case", () => {
    for (const lookup of ["source-id", "domain-id", "either"] as const)
      expect(shared(lookup)).toEqual(["new", "old"]);
  });

  it("results are shared only where they are looked up by domain id", () => {
    const passThrough = (iotlbLookup: PlatformProfile["iotlbLookup"]) =>
      new History({ ...SKYLAKE, iotlbLookup }).start(CONTEXT, B * 2, 0x9).may("read");
    expect(passThrough("source-id")).toEqual(["old"]);
    expect(passThrough("domain-id")).toEqual(["old", "page 0"]);
    expect(passThrough("either")).toEqual(["old", "page 0"]);
  });
});

describe("6.6 set root-table pointer", () => {
  it("ESRTPS = 1 empties every cache, ESRTPS = 0 none", () => {
    const reset = (capability: { low: number; high: number }) => {
      const history = new History({ ...SKYLAKE, capability }).store(L1, 0, 0);
      history.act({ do: "write-register", offset: 0x18, width: 4, low: 0xc4000000, high: 0 });
      expect(history.may("write")).toEqual(["5h", "old"]);
      history.act({ do: "poll-register", offset: 0x1c, mask: 0x40000000, value: 0x40000000 }, 1);
      return history.may("write");
    };
    expect(reset(SKYLAKE.capability)).toEqual(["5h", "old"]);
    expect(
      reset({ low: SKYLAKE.capability.low, high: (SKYLAKE.capability.high | 0x80000000) >>> 0 }),
    ).toEqual(["5h"]);
  });
});

describe("findings", () => {
  it("an admissible outcome gives none", () => {
    expect(new History().request(OLD)).toBeNull();
    expect(new History().store(L1, 0, 0).request(OLD)).toBeNull();
    expect(new History().store(L1, 0, 0).request(Effect.blocked)).toBeNull();
  });

  it("stale: with the chain of entries, their windows and the invalidation that rules it out", () => {
    const history = new History();
    expect(history.request(OLD)).toBeNull();
    expect(history.store(L1, 0, 0).flush(page(0)).request(OLD)).toMatchObject({
      kind: "stale",
      action: 9,
      rules: ["vtd.second-stage.write-permission"],
      message:
        "write of 0x8 by 00:04.0 reaches page 0x10000; " +
        "admissible: it is blocked, reason 5h (LGN.2, vtd.second-stage.write-permission)",
      witness: [
        "root entry at 0x1000: 0x00000000_00002001, from the start, still there",
        "context entry at 0x2200: 0x00000000_00003001, from the start, still there",
        "level-4 entry at 0x3000: 0x00000000_00004003, from the start, still there",
        "level-3 entry at 0x4000: 0x00000000_00005003, from the start, still there",
        "level-2 entry at 0x5000: 0x00000000_00006003, from the start, still there",
        "level-1 entry at 0x6000: 0x00000000_00010003, from the start, replaced by action 1",
        "the old level-1 entry is ruled out by the IOTLB invalidation of 1 page at 0x0 in domain 5 " +
          "submitted through the queue at action 4 and seen complete at action 8",
      ],
    });
  });

  it("faulting-entry: through although every value that entries have held faults", () => {
    const finding = new History().start(L2, 0, 0x6803).request(OLD);
    expect(finding).toMatchObject({ kind: "faulting-entry", rules: ["vtd.second-stage.reserved-bits"] });
    expect(finding!.witness).toEqual([
      "no value that any entry has held leads there; the tables as they are break vtd.second-stage.reserved-bits",
    ]);
  });

  it("forbidden: another page than any table ever gave", () => {
    const finding = new History().request(NEW);
    expect(finding).toMatchObject({
      kind: "forbidden",
      rules: [],
      witness: ["no value that any entry has held leads there"],
    });
    expect(finding!.message).toBe(
      "write of 0x8 by 00:04.0 reaches page 0x11000; admissible: it reaches page 0x10000",
    );
  });

  it("refused: blocked although every admissible outcome serves it", () => {
    expect(new History().request(Effect.blocked)).toMatchObject({ kind: "refused" });
    expect(new History().request(Effect.nowhere)).toMatchObject({ kind: "refused" });
  });

  it("misdirected: an effect of another kind", () => {
    expect(new History().request(Effect.interrupt)).toMatchObject({ kind: "misdirected" });
    expect(new History().request(Effect.done, "read")).toMatchObject({ kind: "misdirected" });
    expect(new History().start(L1, 0, 0).request(Effect.done, "read")).toMatchObject({ kind: "misdirected" });
  });

  it("nothing was seen: right for a blocked request, and for one that went where nobody can look", () => {
    expect(new History().start(L1, 0, 0).request(Effect.nowhere)).toBeNull();
    expect(new History().start(L1, 0, 0x600003).request(Effect.nowhere)).toBeNull();
    expect(new History().start(L1, 0, 0x2003).request(Effect.nowhere)).toMatchObject({ kind: "refused" });
  });

  it("fault-record: the registers must show the fault of the outcome that was seen", () => {
    const seen = (part3: number) => {
      const history = new History().store(L1, 0, 0);
      expect(history.request(Effect.blocked)).toBeNull();
      return history.act({ do: "read-register", offset: 0x10c, width: 4 }, part3);
    };
    expect(seen(0x80000005)).toBeNull();
    expect(seen(0x80000006)).toMatchObject({ kind: "fault-record" });
    expect(seen(0)).toMatchObject({ kind: "fault-record" });
    const served = new History().store(L1, 0, 0);
    expect(served.request(OLD)).toBeNull();
    expect(served.act({ do: "read-register", offset: 0x10c, width: 4 }, 0x80000005)).toMatchObject({
      kind: "fault-record",
    });
  });
});

describe("writes of devices", () => {
  it("are kept with the page they reached; a write into a table is what walks see", () => {
    const history = new History().start(L1, 0, 0x6003);
    expect(history.request(L1)).toBeNull();
    expect(history.oracle.writes).toMatchObject([{ action: 0, step: 1, page: L1, tag: 0xd0000001 }]);
    const { memory } = history.oracle;
    expect([memory.low(memory.frameOf(L1), 1), memory.high(memory.frameOf(L1), 1)]).toEqual([
      0xd0000001, 0xd0000001,
    ]);
  });

  it("reads and blocked writes leave memory alone", () => {
    const history = new History();
    history.request(OLD, "read");
    history.start(L1, 0, 0).request(Effect.blocked);
    expect(history.oracle.writes).toEqual([]);
  });
});
