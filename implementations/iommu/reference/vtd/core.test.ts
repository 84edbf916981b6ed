import { describe, expect, it } from "vitest";
import { compileScenario } from "../../../../generators/compile.js";
import { defaultOptions, generateScenario } from "../../../../generators/generate.js";
import type { StartState } from "../../../../model/run-start.js";
import {
  type Action,
  Effect,
  type Observation,
  pageTag,
  type RequestType,
  writeTag,
} from "../../../../model/trace.js";
import { profileNamed } from "../../../../model/vtd/profiles.js";
import type { RunSetup } from "../../interface.js";
import { ReferenceIommu } from "../reference.js";

const [ROOT, CONTEXT, L4, L3, L2, L1, QUEUE, STATUS] = [1, 2, 3, 4, 5, 6, 8, 9];
const [DATA, OTHER] = [0x10, 0x11];
const SID = 0x20;
const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);

function setup(profile: string, timing = 1, start: StartState = "translating"): RunSetup {
  return {
    profile: profileNamed(profile),
    start,
    requesters: [SID],
    dataPages: [DATA, OTHER],
    tablePages: [ROOT, CONTEXT, L4, L3, L2, L1, QUEUE, STATUS],
    timing,
    rootPage: ROOT,
    rootPages: 1,
    queuePage: QUEUE,
    logPage: null,
  };
}

const store = (page: number, word: number, low: number, high = 0): Action => ({
  do: "store",
  page,
  word,
  low,
  high,
});
const write = (offset: number, low: number, high?: number): Action => ({
  do: "write-register",
  offset,
  width: high === undefined ? 4 : 8,
  low,
  high: high ?? 0,
});
const poll = (offset: number, mask: number, value: number): Action => ({
  do: "poll-register",
  offset,
  mask,
  value,
});
const request = (type: RequestType, slot = 0, page = 0): Action => ({
  do: "request",
  request: { requester: SID, page, offset: 8, length: 8, type },
  slot,
});
/** Page 0 mapped read-write to DATA by four levels. */
const TABLES = [
  store(ROOT, 0, 0x2001),
  store(CONTEXT, 0x40, 0x3001),
  store(CONTEXT, 0x41, 0x502),
  store(L4, 0, 0x4003),
  store(L3, 0, 0x5003),
  store(L2, 0, 0x6003),
  store(L1, 0, 0x10003),
];
/** A draining flush of domain 5 and a wait with status 7, seen. */
const FLUSH: Action[] = [
  store(QUEUE, 0, 0x0005_00e2),
  store(QUEUE, 2, 0x25, 7),
  store(QUEUE, 3, STATUS << 12),
  write(0x88, 0x20, 0),
  { do: "poll-memory", page: STATUS, word: 0, value: 7 },
];

function run(
  actions: readonly Action[],
  profile = "skylake-sp",
  timing = 1,
  start: StartState = "translating",
) {
  const iommu = new ReferenceIommu();
  iommu.reset(setup(profile, timing, start));
  return { iommu, seen: iommu.execute(actions) };
}
const read = (offset: number, profile = "skylake-sp", start: StartState = "translating"): Observation =>
  run([{ do: "read-register", offset, width: 8 }], profile, 1, start).seen[0]!;

describe("determinism", () => {
  it("equal setups and actions give equal observations, whatever ran before", () => {
    const iommu = new ReferenceIommu();
    for (const seed of SEEDS.slice(0, 15)) {
      const compiled = compileScenario(generateScenario(seed, defaultOptions("vtd")));
      const observe = (one: ReferenceIommu) => {
        one.reset(compiled.setup);
        return one.execute(compiled.actions);
      };
      expect(observe(iommu)).toEqual(observe(new ReferenceIommu()));
    }
  });

  it("another seed of timing gives other observations where there is a choice", () => {
    const stale = [...TABLES, request("read"), store(L1, 0, 0), request("read")];
    const effects = new Set(SEEDS.map((timing) => run(stale, "skylake-sp", timing).seen.at(-1)!.low));
    expect(effects).toEqual(new Set([DATA, Effect.blocked]));
  });
});

describe("translation", () => {
  it("serves what the tables say and blocks the rest", () => {
    for (const timing of SEEDS) {
      const { seen } = run([...TABLES, request("read"), request("write", 1, 1)], "skylake-sp", timing);
      expect(seen.slice(-2).map((one) => one.low)).toEqual([DATA, Effect.blocked]);
    }
  });

  it("after a flush was seen complete nothing stale is left", () => {
    const actions = [...TABLES, request("read"), store(L1, 0, 0), ...FLUSH, request("read")];
    for (const timing of SEEDS) {
      const { seen } = run(actions, "skylake-sp", timing);
      expect(seen.slice(-2)).toEqual([
        { low: 1, high: 0 },
        { low: Effect.blocked, high: 0 },
      ]);
    }
  });

  it("keeps requests out of protected memory from PRS on, without a record (11.4.8)", () => {
    const protect = [write(0x68, 0), write(0x6c, 0), write(0x70, 0x200000, 0), write(0x64, 0x80000000)];
    const actions = [...TABLES, ...protect, poll(0x64, 1, 1), request("read"), poll(0x34, 2, 0)];
    for (const timing of SEEDS) {
      const { seen } = run(actions, "skylake-sp", timing);
      expect(seen.slice(-3).map((one) => one.low)).toEqual([1, Effect.blocked, 1]);
    }
    const early = [...TABLES, ...protect, request("read")];
    const effects = new Set(SEEDS.map((timing) => run(early, "skylake-sp", timing).seen.at(-1)!.low));
    expect(effects).toEqual(new Set([DATA, Effect.blocked]));
  });

  it("lets requests through tables pass on older units, now and then, and pass-through ones never", () => {
    const protect = [write(0x68, 0), write(0x6c, 0), write(0x70, 0x200000, 0), write(0x64, 0x80000000)];
    const answers = (translationType: number, page: number) => {
      const entry = store(CONTEXT, 0x40, 0x3001 | (translationType << 2));
      const actions = [...TABLES, entry, ...protect, poll(0x64, 1, 1), request("read", 0, page)];
      const profile = "broadwell-ep-audio";
      return new Set(SEEDS.map((timing) => run(actions, profile, timing).seen.at(-1)!.low));
    };
    expect(answers(0, 0)).toEqual(new Set([DATA, Effect.blocked]));
    expect(answers(2, DATA)).toEqual(new Set([Effect.blocked]));
  });

  it("records faults as 11.4.7.6 lays them out", () => {
    const actions: Action[] = [
      ...TABLES,
      request("atomic", 0, 0x12345),
      { do: "read-register", offset: 0x34, width: 4 },
      { do: "read-register", offset: 0x100, width: 8 },
      { do: "read-register", offset: 0x108, width: 8 },
    ];
    const [status, low, high] = run(actions).seen.slice(-3);
    expect(status).toEqual({ low: 2, high: 0 });
    expect(low).toEqual({ low: 0x12345000, high: 0 });
    expect(high!.low).toBe(0x10000020);
    expect([0xc0000005, 0xc0000006]).toContain(high!.high);
  });
});

describe("registers", () => {
  it("read what the platform is", () => {
    expect(read(0x00).low).toBe(0x10);
    expect(read(0x08)).toEqual({ low: 0x106f0466, high: 0x08d2078c });
    expect(read(0x10)).toEqual({ low: 0xf020df, high: 0 });
    expect(read(0x08, "sapphire-rapids")).toEqual({ low: 0x40780c66, high: 0x19ed008c });
  });

  it("start translating with root table and queue, or after a reset with nothing", () => {
    expect(read(0x1c).low).toBe(0xc4000000);
    expect(read(0x1c, "gm45").low).toBe(0xc0000000);
    expect([read(0x20), read(0x90)]).toEqual([
      { low: ROOT << 12, high: 0 },
      { low: QUEUE << 12, high: 0 },
    ]);
    expect(read(0x1c, "skylake-sp", "reset").low).toBe(0);
    expect([read(0x20, "skylake-sp", "reset"), read(0x38, "skylake-sp", "reset")]).toEqual([
      { low: 0, high: 0 },
      { low: 0x80000000, high: 0 },
    ]);
  });

  it("commands take effect some time after they are given, and are then shown", () => {
    const boot = [
      ...TABLES,
      write(0x20, ROOT << 12, 0),
      write(0x18, 0x40000000),
      poll(0x1c, 0x40000000, 0x40000000),
      write(0x18, 0x80000000),
      request("read", 0, 1),
      poll(0x1c, 0x80000000, 0x80000000),
      request("read", 1, 1),
    ];
    const effects = SEEDS.map((timing) =>
      run(boot, "skylake-sp", timing, "reset").seen.map((one) => one.low),
    );
    expect(new Set(effects.map((one) => one.at(-3)))).toEqual(new Set([1, Effect.blocked]));
    expect(new Set(effects.map((one) => one.at(-1)))).toEqual(new Set([Effect.blocked]));
    expect(effects.every((one) => one.at(-2) === 1)).toBe(true);
  });

  it("invalidations by register report the granularity they were asked for; version 6 reports none", () => {
    const global = [write(0x28, 0, 0xa0000000), poll(0x2c, 0x80000000, 0)];
    const report: Action = { do: "read-register", offset: 0x2c, width: 4 };
    expect(run([...global, report], "skylake-sp", 1, "reset").seen.at(-1)!.low).toBe(0x28000000);
    expect(run([...global, report], "sapphire-rapids", 1, "reset").seen.at(-1)!.low).toBe(0x20000000);
  });

  it("a wait for what never comes ends", () => {
    expect(run([poll(0x34, 0x10, 0x10)]).seen).toEqual([{ low: 0, high: 0 }]);
  });

  it("a bad descriptor stops the queue until IQE is cleared", () => {
    const actions: Action[] = [
      store(QUEUE, 0, 0xf),
      store(QUEUE, 2, 0x25, 7),
      store(QUEUE, 3, STATUS << 12),
      write(0x88, 0x20, 0),
      poll(0x34, 0x10, 0x10),
      { do: "read-register", offset: 0x80, width: 8 },
      { do: "read-register", offset: 0xb0, width: 8 },
      store(QUEUE, 0, 0x11),
      write(0x34, 0x10),
      { do: "poll-memory", page: STATUS, word: 0, value: 7 },
    ];
    const { seen } = run(actions);
    expect(seen.slice(4, 7).map((one) => one.low)).toEqual([1, 0, 3]);
    expect(seen.at(-1)!.low).toBe(1);
  });
});

describe("memory", () => {
  it("data pages hold their pattern; stores and table pages do not disturb it", () => {
    const { iommu } = run([store(OTHER, 0, 0xaaaa, 0xbbbb)]);
    expect([iommu.readData(DATA, 0), iommu.readData(DATA, 0xffc)]).toEqual([
      pageTag(DATA, 0),
      pageTag(DATA, 0xffc),
    ]);
    expect([iommu.readData(OTHER, 0), iommu.readData(OTHER, 4), iommu.readData(OTHER, 8)]).toEqual([
      0xaaaa,
      0xbbbb,
      pageTag(OTHER, 8),
    ]);
  });

  it("6.5.4: posted writes land at last, before a draining flush was seen complete at the latest", () => {
    const late = [...TABLES, request("write", 3), store(DATA, 1, 0xaaaa, 0xbbbb)];
    const drained = [...TABLES, request("write", 3), ...FLUSH, store(DATA, 1, 0xaaaa, 0xbbbb)];
    const left = (actions: readonly Action[]) =>
      new Set(SEEDS.map((timing) => run(actions, "skylake-sp", timing).iommu.readData(DATA, 8)));
    expect(left(TABLES.concat(request("write", 3)))).toEqual(new Set([writeTag(3)]));
    expect(left(late)).toEqual(new Set([writeTag(3), 0xaaaa]));
    expect(left(drained)).toEqual(new Set([0xaaaa]));
  });

  it("a blocked write, and a read, change nothing", () => {
    const { iommu } = run([...TABLES, request("write", 0, 1), request("read", 1)]);
    expect([iommu.readData(DATA, 8), iommu.readData(OTHER, 8)]).toEqual([
      pageTag(DATA, 8),
      pageTag(OTHER, 8),
    ]);
  });

  it("ECAP.C = 0: a store may stay unseen until its line is written back, not longer", () => {
    const tables = TABLES.flatMap((one): Action[] =>
      one.do === "store" ? [one, { do: "flush-line", page: one.page, line: one.word >>> 3 }] : [one],
    );
    const last = tables.length - 1;
    const effects = (actions: readonly Action[]) =>
      new Set(SEEDS.map((timing) => run(actions, "qemu-48", timing).seen.at(-1)!.low));
    expect(effects([...tables.slice(0, last), request("read")])).toEqual(new Set([DATA, Effect.blocked]));
    expect(effects([...tables, request("read")])).toEqual(new Set([DATA]));
  });

  it("a reset leaves nothing of the run before", () => {
    const { iommu } = run([...TABLES, request("write"), ...FLUSH]);
    iommu.reset(setup("skylake-sp"));
    expect(iommu.execute([request("read")])).toEqual([{ low: Effect.blocked, high: 0 }]);
    expect(iommu.readData(DATA, 8)).toBe(pageTag(DATA, 8));
    iommu.close();
    iommu.close();
  });
});
