import { describe, expect, it } from "vitest";
import { eventOf, illegalCommandEvent } from "../../../../model/amdvi/events.js";
import { ControlBit, Offset, StatusBit } from "../../../../model/amdvi/registers.js";
import { faultRules } from "../../../../model/amdvi/rules.js";
import { type Action, Effect, pageTag, type Request, type Word, writeTag } from "../../../../model/trace.js";
import {
  ABSENT,
  ATTACHED,
  COMMANDS,
  completed,
  DATA,
  DEVICE,
  DEVICE_TABLE,
  deviceEntry,
  devtabEntry,
  ENABLED,
  flush,
  ILLEGAL,
  invalidateAll,
  L1,
  L2,
  LOG,
  lasts,
  load,
  MANY_SEEDS,
  OTHER,
  OTHER_L1,
  pages,
  pde,
  poll,
  pte,
  read,
  request,
  run,
  SEEDS,
  STATUS,
  setup,
  store,
  submit,
  TABLES,
  wait,
  write,
} from "./testing.js";

const [served, blocked] = [new Set([DATA]), new Set<number>([Effect.blocked])];
const either = new Set([DATA, Effect.blocked]);
const requestOf = (action: Action): Request => (action as Extract<Action, { do: "request" }>).request;

describe("translation", () => {
  it("another seed of timing gives other observations where there is a choice", () => {
    expect(lasts([...ATTACHED, request("read"), store(L1, 0, ABSENT), request("read")])).toEqual(either);
  });

  it("a run starts with a device table that blocks every device in it, and one outside of it too", () => {
    expect(lasts([request("read")])).toEqual(blocked);
    expect(lasts([request("read", 0, 0, 0xff)])).toEqual(blocked);
    expect(lasts([request("read", 0, 0, 0x100)])).toEqual(blocked);
  });

  it("serves what the tables say and blocks the rest", () => {
    expect(lasts([...ATTACHED, request("read")])).toEqual(served);
    expect(lasts([...ATTACHED, request("read"), request("write", 1, 1)])).toEqual(blocked);
  });

  it("any device table entry may have been kept, also before the first request", () => {
    expect(lasts([...TABLES, request("read")])).toEqual(either);
  });

  it("without IommuEn, and with V = 0, requests pass; a message goes to the interrupt unit", () => {
    const message: Action = {
      do: "request",
      request: { requester: DEVICE, page: 0xfee00, offset: 0, length: 4, type: "write" },
      slot: 0,
    };
    expect(run([request("read", 0, OTHER)], "zen1", 1, "reset").seen.at(-1)!.low).toBe(OTHER);
    const open = [...ATTACHED, ...deviceEntry({ V: 0 }), ...flush(devtabEntry())];
    expect(lasts([...open, request("read", 0, OTHER)])).toEqual(new Set([OTHER]));
    expect(lasts([...open, message])).toEqual(new Set([Effect.interrupt]));
  });

  it("goes on when the model does not say what follows", () => {
    const guest = [...ATTACHED, ...deviceEntry({ GV: 1, GIoV: 1 }), ...flush(devtabEntry())];
    expect(lasts([...guest, request("read", 0, 1)])).toEqual(blocked);
  });
});

describe("invalidation", () => {
  const stale = [...ATTACHED, request("read"), store(L1, 0, ABSENT)];

  it("nothing stale is left when a flush was seen complete; before that it may be", () => {
    expect(lasts([...stale, ...submit([pages(0, 1), wait(2)], 2), request("read")])).toEqual(either);
    expect(lasts([...stale, ...flush(pages(0, 1)), request("read")])).toEqual(blocked);
    expect(lasts([...stale, ...flush(invalidateAll), request("read")])).toEqual(blocked);
  });

  it("of a device table entry, or another domain, leaves the I/O TLB as it is", () => {
    for (const command of [devtabEntry(), pages(0, 1, { DomainID: 6 }), pages(1, 1)])
      expect(lasts([...stale, ...flush(command), request("read")])).toEqual(either);
  });

  it("with PDE = 0 leaves the page directory cache", () => {
    const moved = [
      ...ATTACHED,
      store(OTHER_L1, 0, pte(OTHER)),
      request("read"),
      store(L2, 0, pde(1, OTHER_L1)),
    ];
    const flushedBy = (PDE: number) => [...moved, ...flush(pages(0, 1, { PDE })), request("read")];
    expect(lasts(flushedBy(0))).toEqual(new Set([DATA, OTHER]));
    expect(lasts(flushedBy(1))).toEqual(new Set([OTHER]));
  });

  it("of a part of a large page removes all of it", () => {
    const large = [...ATTACHED, store(L2, 0, pte(0x200)), ...flush(pages(0, 512, { PDE: 1 }))];
    const gone = [...large, request("read"), store(L2, 0, ABSENT)];
    expect(lasts([...gone, request("read")])).toEqual(new Set([0x200, Effect.blocked]));
    const part = [...submit([pages(0x100, 1), wait(3)], 4), completed(3)];
    expect(lasts([...gone, ...part, request("read")])).toEqual(blocked);
  });

  it("executes in any order unless a wait with f = 1 is between", () => {
    const detached = [...ATTACHED, request("read"), ...deviceEntry({ TV: 0 })];
    const flushedBy = (...commands: readonly (readonly Word[])[]) => {
      const [last, ...rest] = flush(...commands).reverse();
      const actions = [...detached, ...rest.reverse(), request("read"), last!, request("read")];
      return lasts(actions, "zen1", MANY_SEEDS);
    };
    expect(flushedBy(devtabEntry(), pages(0, 1))).toEqual(either);
    expect(flushedBy(devtabEntry(), wait(1, { f: 1 }), pages(0, 1))).toEqual(blocked);
  });

  it("NpCache: entries that are not present may be kept, else never", () => {
    const mapped = [...ATTACHED, request("read", 0, 1), store(L1, 1, pte(OTHER))];
    const last = [...mapped, request("read", 0, 1)];
    expect(lasts(last, "zen1")).toEqual(new Set([OTHER]));
    expect(lasts(last, "zen1-np-cache")).toEqual(new Set([OTHER, Effect.blocked]));
    const flushed = [...mapped, ...flush(pages(1, 1)), request("read", 0, 1)];
    expect(lasts(flushed, "zen1-np-cache")).toEqual(new Set([OTHER]));
  });
});

describe("units that read 64 bits of a device table entry at once", () => {
  it("may see its words of different moments", () => {
    const [changed, tail] = [deviceEntry({ TV: 0, SA: 1 }), read(Offset.EvtTail)];
    /** TV of the new entry without its SA: the request is blocked with an event. */
    const torn = (profile: string) =>
      MANY_SEEDS.some((timing) => {
        const { seen } = run(
          [...ATTACHED, request("read"), ...changed, request("read"), tail],
          profile,
          timing,
        );
        return seen.at(-2)!.low === Effect.blocked && seen.at(-1)!.low === 16;
      });
    expect([torn("family-15h"), torn("zen1")]).toEqual([true, false]);
  });
});

describe("commands", () => {
  it("COMPLETION_WAIT stores its data and sets ComWaitInt, whatever ComWaitIntEn is", () => {
    for (const timing of SEEDS) {
      const { seen } = run(
        [
          ...submit([wait(7, { i: 1, StoreDataHigh: 8 })]),
          poll(Offset.Status, StatusBit.ComWaitInt),
          load(STATUS, 0),
          write(Offset.Status, StatusBit.ComWaitInt),
          read(Offset.Status),
        ],
        "zen1",
        timing,
      );
      expect(seen.at(-4)!.low).toBe(1);
      expect(seen.at(-3)).toEqual({ low: 7, high: 8 });
      expect(seen.at(-1)!.low).toBe(StatusBit.EventLogRun | StatusBit.CmdBufRun);
    }
  });

  it("an illegal command halts the buffer at it, until CmdBufEn 0 and 1", () => {
    const running = ControlBit.IommuEn | ControlBit.EventLogEn;
    const actions = [
      ...submit([wait(1), ILLEGAL, wait(2)]),
      poll(Offset.Status, StatusBit.CmdBufRun, 0),
      read(Offset.CmdHead),
      load(LOG, 0),
      load(LOG, 1),
      ...wait(3).map((word, at) => store(COMMANDS, 2 + at, word)),
      write(Offset.Control, running),
      write(Offset.Control, running | ControlBit.CmdBufEn),
      completed(2),
    ];
    const event = illegalCommandEvent({ page: COMMANDS, offset: 16 });
    for (const timing of SEEDS) {
      const { seen } = run(actions, "zen1", timing);
      expect(seen.slice(7, 11)).toEqual([{ low: 1, high: 0 }, { low: 16, high: 0 }, ...event]);
      expect(seen.at(-1)!.low).toBe(1);
    }
  });

  it("of features the unit does not have are illegal", () => {
    const halts = (profile: string) =>
      run([...submit([invalidateAll]), poll(Offset.Status, StatusBit.CmdBufRun, 0)], profile).seen.at(-1)!
        .low;
    expect([halts("family-15h"), halts("zen1")]).toEqual([1, 0]);
  });

  it("a buffer that is not memory ends the commands with an event", () => {
    const actions = [
      write(Offset.Control, ControlBit.IommuEn | ControlBit.EventLogEn),
      write(Offset.CmdBase, 0, 0x08000010),
      write(Offset.Control, ControlBit.IommuEn | ControlBit.EventLogEn | ControlBit.CmdBufEn),
      write(Offset.CmdTail, 16),
      poll(Offset.Status, StatusBit.CmdBufRun, 0),
      load(LOG, 0),
    ];
    const { seen } = run(actions);
    expect([seen.at(-2)!.low, seen.at(-1)!.high]).toEqual([1, 0x62000000]);
  });
});

describe("the event log", () => {
  it("takes what blocked a request: tail, status and entry", () => {
    const plain = request("write", 0, 1);
    const actions = [...ATTACHED, plain];
    const tail = [read(Offset.EvtTail), read(Offset.Status), load(LOG, 0), load(LOG, 1)];
    const expected = eventOf(faultRules.notPresent, requestOf(plain), 5);
    const directions = new Set<number>();
    for (const timing of SEEDS) {
      const [at, , first, second] = run([...actions, ...tail], "zen1", timing).seen.slice(-4);
      expect(at).toEqual({ low: 16, high: 0 });
      expect([first!.low, first!.high & ~0x200000]).toEqual([
        expected[0]!.low,
        expected[0]!.high & ~0x200000,
      ]);
      expect(second).toEqual(expected[1]);
      directions.add(first!.high & 0x200000);
    }
    expect(directions).toEqual(new Set([0, 0x200000]));
  });

  it("is full with one entry left: the next event is lost and the log stops until it is started again", () => {
    const control = ControlBit.IommuEn | ControlBit.CmdBufEn;
    const actions = [
      write(Offset.EvtHead, 2 << 4),
      request("read"),
      request("read"),
      request("read"),
      read(Offset.EvtTail),
      read(Offset.Status),
      write(Offset.Control, control),
      write(Offset.Status, StatusBit.EventOverflow | StatusBit.EventLogInt),
      write(Offset.EvtBase, LOG << 12, 8 << 24),
      write(Offset.Control, control | ControlBit.EventLogEn | ControlBit.EventIntEn),
      request("read"),
      read(Offset.EvtTail),
      read(Offset.Status),
    ];
    const { seen } = run(actions);
    expect(seen[4]!.low).toBe(16);
    expect(seen[5]!.low & ~StatusBit.EventLogInt).toBe(StatusBit.EventOverflow | StatusBit.CmdBufRun);
    expect(seen[11]!.low).toBe(16);
    expect(seen[12]!.low).toBe(StatusBit.EventLogInt | StatusBit.EventLogRun | StatusBit.CmdBufRun);
  });

  it("with SE = 1 takes a page fault, and may leave out others until the entry is invalidated", () => {
    const fault = request("read", 0, 1);
    const quiet = [...ATTACHED, ...deviceEntry({ SE: 1 }), ...flush(devtabEntry()), fault];
    const tail = read(Offset.EvtTail);
    expect(lasts([...quiet, tail])).toEqual(new Set([16]));
    expect(lasts([...quiet, fault, tail])).toEqual(new Set([16, 32]));
    const again = [...submit([devtabEntry(), wait(3)], 4), completed(3)];
    expect(lasts([...quiet, ...again, fault, tail])).toEqual(new Set([32]));
  });

  it("with SA = 1 takes no page fault", () => {
    const silent = [...ATTACHED, ...deviceEntry({ SA: 1 }), ...flush(devtabEntry())];
    expect(lasts([...silent, request("read", 0, 1), read(Offset.EvtTail)])).toEqual(new Set([0]));
  });
});

describe("registers", () => {
  it("hold what was written to their fields, and name the structures that a run starts with", () => {
    const first = (offset: number) => run([read(offset)]).seen[0];
    expect(first(Offset.DevTabBase)).toEqual({ low: (DEVICE_TABLE << 12) | 1, high: 0 });
    expect(first(Offset.CmdBase)).toEqual({ low: COMMANDS << 12, high: 0x08000000 });
    expect(first(Offset.EvtBase)).toEqual({ low: LOG << 12, high: 0x08000000 });
    expect(first(Offset.Control)!.low).toBe(ENABLED);
    expect(first(Offset.EFR)).toEqual({ low: 0x22294ada, high: 0x4f77ef });
    expect(run([read(Offset.Control)], "zen1", 1, "reset").seen[0]).toEqual({ low: 0, high: 0 });
    const written = [write(Offset.ExclLimit, 0xffffffff, 0xffffffff), read(Offset.ExclLimit)];
    expect(run(written).seen[1]).toEqual({ low: 0xfffff000, high: 0x000fffff });
  });

  it("the exclusion range lets devices pass that may use it", () => {
    const range = (allow: number) => [
      write(Offset.Control, 0),
      write(Offset.ExclBase, (DATA << 12) | (allow << 1) | 1),
      write(Offset.ExclLimit, OTHER << 12),
      write(Offset.Control, ENABLED),
    ];
    const last = (allow: number, EX: number, page: number) => {
      const attached = [...ATTACHED, ...deviceEntry({ EX }), ...flush(devtabEntry())];
      return lasts([...attached, ...range(allow), request("read", 0, page)]);
    };
    expect(last(1, 0, OTHER)).toEqual(new Set([OTHER]));
    expect(last(0, 1, DATA)).toEqual(new Set([DATA]));
    expect(last(0, 0, DATA)).toEqual(blocked);
    expect(last(1, 1, OTHER + 1)).toEqual(blocked);
  });
});

describe("memory", () => {
  it("posted writes land at last, before a covering invalidation is seen complete at the latest", () => {
    const start = [...ATTACHED, request("write", 3)];
    const content = store(DATA, 1, { low: 0xaaaa, high: 0xbbbb });
    const left = (actions: readonly Action[]) =>
      new Set(SEEDS.map((timing) => run(actions, "zen1", timing).iommu.readData(DATA, 8)));
    expect(left(start)).toEqual(new Set([writeTag(3)]));
    expect(left([...start, content])).toEqual(new Set([writeTag(3), 0xaaaa]));
    for (const command of [pages(0, 1), devtabEntry(), invalidateAll])
      expect(left([...start, ...flush(command), content])).toEqual(new Set([0xaaaa]));
    for (const command of [pages(1, 1), pages(0, 1, { DomainID: 6 }), devtabEntry(0x20)])
      expect(left([...start, ...flush(command), content])).toEqual(new Set([writeTag(3), 0xaaaa]));
  });

  it("non-coherent walks: a store may stay unseen until its line is written back, not longer", () => {
    const lines = TABLES.flatMap((one): Action[] =>
      one.do === "store" ? [one, { do: "flush-line", page: one.page, line: one.word >>> 3 }] : [one],
    );
    const flushed = [...lines, ...submit([devtabEntry(), pages(0, 1, { PDE: 1 }), wait(1)]), completed(1)];
    const other = store(L1, 1, pte(OTHER));
    const profile = "family-15h-non-coherent";
    expect(lasts([...flushed, other, request("read", 0, 1)], profile)).toEqual(
      new Set([OTHER, Effect.blocked]),
    );
    const written: Action[] = [other, { do: "flush-line", page: L1, line: 0 }];
    expect(lasts([...flushed, ...written, request("read", 0, 1)], profile)).toEqual(new Set([OTHER]));
  });

  it("software finds its own stores in memory that the unit writes to", () => {
    const profile = "family-15h-non-coherent";
    for (const timing of SEEDS) {
      const { seen } = run(
        [
          store(STATUS, 0, { low: 5, high: 0 }),
          load(STATUS, 0),
          store(STATUS, 0, ABSENT),
          ...submit([wait(7)]),
          completed(7),
          load(STATUS, 0),
        ],
        profile,
        timing,
      );
      expect([seen[1]!.low, seen.at(-1)!.low]).toEqual([5, 7]);
    }
  });

  it("a reset leaves nothing of the run before", () => {
    const { iommu } = run([...TABLES, request("write"), ...submit([ILLEGAL])]);
    iommu.reset(setup("zen1"));
    expect(iommu.execute([request("read"), read(Offset.CmdHead)])).toEqual([
      { low: Effect.blocked, high: 0 },
      { low: 0, high: 0 },
    ]);
    expect(iommu.readData(DATA, 8)).toBe(pageTag(DATA, 8));
  });
});
