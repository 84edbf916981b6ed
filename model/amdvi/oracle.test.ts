/**
 * Micro-histories: a handful of stores, commands and requests, and exactly the outcomes that a conforming unit may show
 * afterwards. Tables are raw words; data pages are 10h and 11h.
 */
import { describe, expect, it } from "vitest";
import { Effect } from "../trace.js";
import { OPEN } from "../words/memory.js";
import type { Rule } from "../words/rule.js";
import { amdViRules, eventRules, servedRules } from "./behaviour-rules.js";
import { eventOf } from "./events.js";
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
  NEW,
  NOTHING,
  OLD,
  OTHER_L1,
  OTHER_TABLE,
  pde,
  pte,
  Run,
  waitStore,
} from "./oracle.testing.js";
import { ControlBit, Offset } from "./registers.js";
import { faultRules } from "./rules.js";
import { BLOCKING_ENTRY, largePageAddress } from "./tables.js";

const ABSENT = "page-table.present";
const DENIED = "page-table.permission";
const hits = (run: Run, rule: Rule) => run.oracle.coverage.countOf(rule);

describe("2.4.3 a mapping that is taken away", () => {
  it("is the only outcome before, may stay until completion was seen, is gone afterwards", () => {
    const run = new Run();
    expect(run.may("write")).toEqual(["old"]);
    run.store(L1, 0, NOTHING);
    expect(run.may("write")).toEqual(["old", ABSENT]);
    run.submit(iommuPages(0, 1), waitStore(0, 1));
    expect(run.may("write")).toEqual(["old", ABSENT]);
    expect(run.pollsMemory(0, 1)).toBeNull();
    expect(run.may("write")).toEqual([ABSENT]);
  });

  it("stays where another domain, page or cache is flushed", () => {
    const gone = () => new Run().store(L1, 0, NOTHING);
    for (const other of [
      iommuPages(0, 1, { DomainID: 6 }),
      iommuPages(1, 1),
      devtabEntry(A),
      iommuPages(0, 1, { GN: 1 }),
    ])
      expect(gone().flush(other).may("write")).toEqual(["old", ABSENT]);
    for (const right of [iommuAll, iommuPages(0, 2), iommuPages(0, 2 ** 52)])
      expect(gone().flush(right).may("write")).toEqual([ABSENT]);
  });

  it("comes back when the flush comes before the store, though its completion is seen after it", () => {
    const run = new Run().submit(iommuPages(0, 1), waitStore(0, 1)).store(L1, 0, NOTHING);
    expect([run.pollsMemory(0, 1), run.may("write")]).toEqual([null, ["old", ABSENT]]);
  });

  it("may have its old right, or its old target", () => {
    const readOnly = new Run().store(L1, 0, pte(OLD, { IW: 0 }));
    expect([readOnly.may("write"), readOnly.may("read")]).toEqual([["old", DENIED], ["old"]]);
    const moved = new Run().store(L1, 0, pte(NEW));
    expect([moved.may("read"), moved.flush(iommuPages(0, 1)).may("read")]).toEqual([["new", "old"], ["new"]]);
  });

  it("a large page goes with any of its pages", () => {
    const large = pte(largePageAddress(OLD, 2), { NextLevel: 7 });
    const run = new Run().holds(L1, 0, large).holds(L1, 1, large);
    expect(run.may("read", 1)).toEqual(["new"]);
    run.store(L1, 0, NOTHING).store(L1, 1, NOTHING);
    expect(run.flush(iommuPages(1, 1)).may("read")).toEqual([ABSENT]);
  });
});

describe("2.4.3 PDE", () => {
  const moved = () => new Run().holds(OTHER_L1, 0, pte(NEW)).store(L2, 0, pde(OTHER_L1));

  it("an entry that points to a table stays in the page directory cache with PDE = 0", () => {
    expect(moved().flush(iommuPages(0, 1)).may("read")).toEqual(["new", "old"]);
    expect(
      moved()
        .flush(iommuPages(0, 1, { PDE: 1 }))
        .may("read"),
    ).toEqual(["new"]);
  });

  it("what the old table is used for next is read through it", () => {
    const run = moved().flush(iommuPages(0, 1)).store(L1, 0, pte(0x33));
    expect(run.may("read")).toEqual(["new", "old", "page 33"]);
  });
});

describe("2.4.2 the device table", () => {
  it("an entry that is taken back is in force until INVALIDATE_DEVTAB_ENTRY is seen complete, its results longer", () => {
    const blocked = () => new Run().store(DEVICE_TABLE, A * 4, BLOCKING_ENTRY);
    expect(blocked().may("read")).toEqual(["dte.translation-valid", "old"]);
    expect(blocked().flush(devtabEntry(B)).may("read")).toEqual(["dte.translation-valid", "old"]);
    const flushed = blocked().flush(devtabEntry(A));
    expect(flushed.may("read")).toEqual(["dte.translation-valid", "old"]);
    expect(flushed.flush(iommuPages(0, 1)).may("read")).toEqual(["dte.translation-valid"]);
  });

  it("an entry with V = 0 lets everything through, and may be cached like any other", () => {
    const run = new Run().holdsEntry(A, [NOTHING, NOTHING]);
    expect(run.may("write", 0x99)).toEqual(["page 99"]);
    run.storeEntry(A, deviceEntry());
    expect(run.may("write")).toEqual(["old", "page 0"]);
    expect(run.flush(devtabEntry(A)).may("write")).toEqual(["old"]);
  });

  it("DEVTAB and PAGES without a wait between may run the wrong way round", () => {
    const changed = () => {
      const run = new Run().holds(OTHER_TABLE, 0, pde(OTHER_L1)).holds(OTHER_L1, 0, pte(NEW));
      return run.storeEntry(A, deviceEntry({ HostPTRoot: OTHER_TABLE }));
    };
    const everything = iommuPages(0, 2 ** 52, { PDE: 1 });
    expect(changed().flush(devtabEntry(A), everything).may("read")).toEqual(["new", "old"]);
    expect(changed().flush(devtabEntry(A)).flush(everything).may("read")).toEqual(["new", "old"]);
    // The other device still leads to the old tables under the same domain.
    const both = changed().storeEntry(B, deviceEntry({ HostPTRoot: OTHER_TABLE }));
    expect(both.flush(devtabEntry(A), devtabEntry(B)).flush(everything).may("read")).toEqual(["new"]);
    const fenced = changed().storeEntry(B, deviceEntry({ HostPTRoot: OTHER_TABLE }));
    fenced.flush(devtabEntry(A), devtabEntry(B), waitStore(1, 9, { f: 1 }), everything);
    expect(fenced.may("read")).toEqual(["new"]);
    const unfenced = changed().storeEntry(B, deviceEntry({ HostPTRoot: OTHER_TABLE }));
    unfenced.flush(devtabEntry(A), devtabEntry(B), waitStore(1, 9), everything);
    expect(unfenced.may("read")).toEqual(["new", "old"]);
  });

  it("a Mode 0 result goes with all pages of the domain", () => {
    const run = () => new Run().holdsEntry(A, deviceEntry({ Mode: 0 })).storeEntry(A, deviceEntry());
    expect(run().flush(devtabEntry(A)).flush(iommuPages(0, 1)).may("read")).toEqual(["old", "page 0"]);
    expect(
      run()
        .flush(devtabEntry(A))
        .flush(iommuPages(0, 2 ** 52))
        .may("read"),
    ).toEqual(["old"]);
    expect(run().flush(devtabEntry(A)).flush(iommuAll).may("read")).toEqual(["old"]);
  });
});

describe("NpCache, halves and caches of processors", () => {
  const added = (profile: string) => new Run(profile).holds(L1, 0, NOTHING).store(L1, 0, pte(OLD));

  it("a mapping that is added is there at once, unless what is not present may be cached", () => {
    expect(added("zen1").may("write")).toEqual(["old"]);
    expect(added("zen1-np-cache").may("write")).toEqual(["old", ABSENT]);
    expect(added("zen1-np-cache").flush(iommuPages(0, 1)).may("write")).toEqual(["old"]);
  });

  it("where walks do not snoop, it is there once its line is flushed", () => {
    const run = added("family-15h-non-coherent");
    expect(run.may("write")).toEqual(["old", ABSENT]);
    run.finding({ do: "flush-line", page: L1, line: 0 });
    expect(run.may("write")).toEqual(["old"]);
  });
});

describe("requests that are seen", () => {
  it("an outcome outside the set is a finding with its explanation", () => {
    const stale = new Run().store(L1, 0, NOTHING).flush(iommuPages(0, 1));
    const finding = stale.requestFinding("write", OLD)!;
    expect([finding.kind, finding.witness.length > 0]).toEqual(["stale", true]);
    expect(finding.message).toContain(ABSENT);
    expect(new Run().request("write", NEW)).toBe("forbidden");
    expect(new Run().request("write", Effect.blocked)).toBe("refused");
    expect(new Run().request("write", Effect.interrupt)).toBe("misdirected");
    expect(new Run().holds(L1, 0, pte(OLD, { IW: 0 })).request("write", OLD)).toBe("faulting-entry");
  });

  it("those that are served are counted by what they rest on", () => {
    const run = new Run().holdsEntry(B, deviceEntry({ Mode: 0 }));
    expect(run.request("read", OLD)).toBeNull();
    expect(run.request("read", OLD, OLD, B)).toBeNull();
    expect(run.request("zero-length-read", Effect.done)).toBeNull();
    expect(run.store(L1, 0, NOTHING).request("read", OLD)).toBeNull();
    run.write(Offset.Control, ControlBit.EventLogEn);
    expect(run.request("read", 3, 3)).toBeNull();
    const { passThrough, stale, translated, untranslated, zeroLengthRead } = servedRules;
    for (const rule of [passThrough, stale, translated, untranslated, zeroLengthRead])
      expect([rule.id, hits(run, rule)]).not.toContain(0);
  });

  it("those that are blocked are logged as their rules say", () => {
    const run = new Run().holdsEntry(B, deviceEntry({ HAD: 2 }));
    const request = { requester: A, page: 1, offset: 8, length: 8, type: "write" } as const;
    expect([run.request("write", Effect.blocked, 1), run.request("read", Effect.blocked, 1, B)]).toEqual([
      null,
      null,
    ]);
    expect(run.readsEvent(0, eventOf(faultRules.notPresent, request, 5))).toBeNull();
    const other = { ...request, requester: B, type: "read" } as const;
    expect(run.readsEvent(1, eventOf(faultRules.hostAccessedDirty, other, 5))).toBeNull();
    expect(hits(run, eventRules.record)).toBe(2);
  });

  it("with SA = 1 no page fault is logged, and which entry is in use decides", () => {
    const run = new Run().holdsEntry(A, deviceEntry({ SA: 1 })).storeEntry(A, deviceEntry());
    expect(run.may("read", 1)).toEqual([ABSENT, `${ABSENT} unrecorded`]);
    expect(run.request("read", Effect.blocked, 1)).toBeNull();
    expect(run.reads(Offset.EvtTail, 0)).toBeNull();
    run.flush(devtabEntry(A));
    expect(run.request("read", Effect.blocked, 1)).toBeNull();
    expect([run.reads(Offset.EvtTail, 0), run.reads(Offset.EvtTail, 0x10)]).toEqual(["fault-record", null]);
  });

  it("with SE = 1 a second page fault may be left out until the entry is read again", () => {
    const run = new Run().holdsEntry(A, deviceEntry({ SE: 1 }));
    expect(run.request("read", Effect.blocked, 1)).toBeNull();
    expect(run.reads(Offset.EvtTail, 0)).toBe("fault-record");
    expect(run.request("read", Effect.blocked, 1)).toBeNull();
    expect(run.reads(Offset.EvtTail, 0x10)).toBeNull();
    run.flush(devtabEntry(A));
    expect(run.request("read", Effect.blocked, 1)).toBeNull();
    expect([run.reads(Offset.EvtTail, 0x10), run.reads(Offset.EvtTail, 0x20)]).toEqual([
      "fault-record",
      null,
    ]);
  });

  it("the DomainID of an event is that of an entry that may be in use", () => {
    const request = { requester: A, page: 1, offset: 8, length: 8, type: "read" } as const;
    const moved = () => new Run().storeEntry(A, deviceEntry({ DomainID: 6 }));
    const event = (domainId: number) => eventOf(faultRules.notPresent, request, domainId);
    for (const domainId of [5, 6]) {
      const run = moved();
      expect(run.request("read", Effect.blocked, 1)).toBeNull();
      expect(run.readsEvent(0, event(domainId))).toBeNull();
    }
    const flushed = moved().flush(devtabEntry(A));
    expect(flushed.request("read", Effect.blocked, 1)).toBeNull();
    expect([flushed.readsEvent(0, event(5)), flushed.readsEvent(0, event(6))]).toEqual([
      "fault-record",
      null,
    ]);
  });
});

describe("2.4 posted writes", () => {
  const written = () => {
    const run = new Run();
    expect(run.request("write", OLD)).toBeNull();
    return run;
  };
  const drained = (run: Run) => run.oracle.isDrained(run.oracle.writes[0]!, OPEN - 1);

  it("have reached memory once an invalidation that covers them is seen complete", () => {
    for (const covering of [iommuPages(0, 1), devtabEntry(A), iommuAll])
      expect(drained(written().flush(covering))).toBe(true);
    for (const other of [iommuPages(1, 1), devtabEntry(B), iommuPages(0, 1, { DomainID: 6 })])
      expect(drained(written().flush(other))).toBe(false);
    expect(drained(written().submit(iommuAll))).toBe(false);
    expect(drained(written().flush())).toBe(false);
  });

  it("count as drained at the end of the run", () => {
    const run = written().flush(iommuPages(0, 1));
    run.oracle.finish();
    expect(hits(run, servedRules.drain)).toBe(1);
  });
});

describe("rules", () => {
  it("have ids of their own", () => {
    expect(new Set(amdViRules.map((one) => one.id)).size).toBe(amdViRules.length);
    for (const { id, section, statement } of amdViRules)
      expect([id, section, statement]).toEqual([
        expect.stringMatching(/^amdvi\.[a-z0-9.-]+$/),
        expect.stringMatching(/^AMD-Vi /),
        expect.stringMatching(/^[A-Z]/),
      ]);
  });
});

describe("the start state", () => {
  it("lets nothing through: every entry of the device table is valid and blocks", () => {
    expect(new Run().may("read", 0, 0x30)).toEqual(["dte.translation-valid"]);
  });
});
