import { describe, expect, it } from "vitest";
import { compileScenario } from "../compile.js";
import { show, shownBySteps } from "../compile.testing.js";
import type { AmdViScenario, AmdViStep } from "./scenario.js";

const ATTACH = {
  do: "attach",
  device: "a",
  domain: "d0",
  type: "translated",
  access: "rw",
  suppress: "none",
  exclusion: false,
  writeBack: true,
} as const satisfies AmdViStep;
const MAP = {
  do: "map",
  mapping: "m0",
  domain: "d0",
  iova: 0x1000,
  page: 0x1001,
  size: "4K",
  access: "rw",
  skip: 0,
  writeBack: true,
} as const satisfies AmdViStep;
const WAIT = { do: "wait", sign: "store", flush: false } as const satisfies AmdViStep;

function scenario(steps: readonly AmdViStep[], part: Partial<AmdViScenario> = {}): AmdViScenario {
  return {
    format: "iommu-spec scenario 1",
    architecture: "amdvi",
    profile: "zen1",
    start: "translating",
    exclusion: null,
    timing: 1,
    devices: [{ name: "a", requester: 0x20 }],
    domains: [{ name: "d0", id: 5, levels: 4 }],
    steps: [...steps],
    ...part,
  };
}

/** The actions of each step; what precedes the first step is left out. */
function compiled(steps: readonly AmdViStep[], part: Partial<AmdViScenario> = {}): string[][] {
  return shownBySteps(compileScenario(scenario(steps, part)), steps.length);
}

const invalidate = (target: Extract<AmdViStep, { do: "invalidate" }>["target"]): AmdViStep => ({
  do: "invalidate",
  target,
});

describe("tables as software builds them", () => {
  it("attach writes the half of the device table entry that decides DMA, its valid bits last", () => {
    expect(compiled([ATTACH])).toEqual([["store 2000.81 0:5", "store 2000.80 60000000:2010803"]]);
  });

  it("Mode 0, V = 0, TV = 0, rights, suppression and the exclusion range", () => {
    const steps: AmdViStep[] = [
      { ...ATTACH, type: "identity", access: "r", suppress: "all" },
      { ...ATTACH, type: "untranslated", suppress: "repeated" },
      { ...ATTACH, type: "blocked", access: "none", exclusion: true },
    ];
    expect(compiled(steps)).toEqual([
      ["store 2000.81 4:5", "store 2000.80 20000000:3"],
      ["store 2000.81 2:5", "store 2000.80 60000000:0"],
      ["store 2000.81 80:5", "store 2000.80 0:1"],
    ]);
  });

  it("detach leaves an entry that lets nothing through", () => {
    const detach: AmdViStep = { do: "detach", device: "a", writeBack: true };
    expect(compiled([detach, ATTACH, detach])).toEqual([
      ["store 2000.80 0:1"],
      ["store 2000.81 0:5", "store 2000.80 60000000:2010803"],
      ["store 2000.80 60000000:2010801"],
    ]);
  });

  it("devices of the second bus have their entries in the fifth page; beyond it there is none", () => {
    const devices = [
      { name: "a", requester: 0x200 },
      { name: "b", requester: 0x280 },
    ];
    const steps: AmdViStep[] = [
      ATTACH,
      { ...ATTACH, device: "b" },
      { do: "detach", device: "b", writeBack: true },
      { do: "corrupt", entry: { structure: "device", device: "b" }, bit: 1, value: 1, writeBack: true },
    ];
    expect(compiled(steps, { devices })).toEqual([
      ["store 2004.1 0:5", "store 2004.0 60000000:2010803"],
      [],
      [],
      [],
    ]);
  });

  it("map builds the tables on the way, and builds them once", () => {
    expect(compiled([MAP, { ...MAP, mapping: "m1", iova: 0x1003, access: "r" }])).toEqual([
      [
        "store 2010.0 60000000:2011601",
        "store 2011.0 60000000:2012401",
        "store 2012.8 60000000:2013201",
        "store 2013.0 60000000:1001001",
      ],
      ["store 2013.3 20000000:1001001"],
    ]);
  });

  it("map leaves levels out as far as the address has index 0 in them", () => {
    expect(compiled([{ ...MAP, skip: 1 }])[0]!.slice(0, 2)).toEqual([
      "store 2010.0 60000000:2011401",
      "store 2011.8 60000000:2012201",
    ]);
    expect(compiled([{ ...MAP, skip: 4 }])[0]![0]).toBe("store 2010.0 60000000:2011401");
    expect(compiled([{ ...MAP, iova: 0x41000, skip: 1 }])[0]![0]).toBe("store 2010.0 60000000:2011601");
  });

  it("a link that leaves a level out is followed where it leads, and replaced where it does not", () => {
    const steps = [
      { ...MAP, skip: 1 },
      { ...MAP, mapping: "m1", iova: 0x1001 },
      { ...MAP, mapping: "m2", iova: 0x41000 },
    ];
    expect(compiled(steps).slice(1)).toEqual([
      ["store 2012.1 60000000:1001001"],
      [
        "store 2010.0 60000000:2013601",
        "store 2013.1 60000000:2014401",
        "store 2014.8 60000000:2015201",
        "store 2015.0 60000000:1001001",
      ],
    ]);
  });

  it("pages of a level's own size take one entry, others as many as they have of it", () => {
    const last = (size: "8K" | "16K" | "2M" | "4M" | "1G", page: number) =>
      compiled([{ ...MAP, size, page }])[0]!.slice(
        size === "1G" ? 1 : size === "2M" || size === "4M" ? 2 : 3,
      );
    expect(last("2M", 0x1000)).toEqual(["store 2012.8 60000000:1000001"]);
    expect(last("1G", 0x40000)).toEqual(["store 2011.0 60000000:40000001"]);
    const four = [0, 1, 2, 3].map((slot) => `store 2013.${slot} 60000000:1001e01`);
    expect(last("16K", 0x1000)).toEqual(four);
    expect(last("8K", 0x1003)).toEqual(["store 2013.0 60000000:1002e01", "store 2013.1 60000000:1002e01"]);
    expect(last("4M", 0x1000)).toEqual(["store 2012.8 60000000:11ffe01", "store 2012.9 60000000:11ffe01"]);
  });

  it("unmap and protect change every entry of a page", () => {
    const steps: AmdViStep[] = [
      { ...MAP, size: "8K", page: 0x1000 },
      { do: "protect", mapping: "m0", access: "w", writeBack: true },
      { do: "unmap", mapping: "m0", writeBack: true },
    ];
    expect(compiled(steps).slice(1)).toEqual([
      ["store 2013.0 40000000:1000e01", "store 2013.1 40000000:1000e01"],
      ["store 2013.0 0:0", "store 2013.1 0:0"],
    ]);
  });

  it("corrupt changes what is there, from the start and in the second word", () => {
    const corrupt = (bit: number): AmdViStep => ({
      do: "corrupt",
      entry: { structure: "device", device: "a" },
      bit,
      value: 1,
      writeBack: true,
    });
    expect(compiled([corrupt(1), corrupt(63), corrupt(100)])).toEqual([
      ["store 2000.80 0:3"],
      ["store 2000.80 80000000:3"],
      ["store 2000.81 10:0"],
    ]);
    expect(compiled([corrupt(1)], { start: "reset" })).toEqual([["store 2000.80 0:2"]]);
  });

  it("where walks do not snoop lines are written back", () => {
    const detach: AmdViStep = { do: "detach", device: "a", writeBack: true };
    expect(compiled([detach], { profile: "family-15h-non-coherent" })[0]!.at(-1)).toBe("flush 2000.16");
  });
});

describe("commands", () => {
  it("command, tail, and a wait with a word and a value of its own", () => {
    const steps = [
      invalidate({ command: "device", device: "a" }),
      invalidate({ command: "pages", domain: "d0", iova: 0x1003, order: 1, tables: true }),
      WAIT,
      { ...WAIT, sign: "none", flush: true },
    ] as const;
    expect(compiled(steps)).toEqual([
      ["store 200a.0 20000000:20", "store 200a.1 0:0", "write 2008 0:10"],
      ["store 200a.2 30000005:0", "store 200a.3 0:1002003", "write 2008 0:20"],
      ["store 200a.4 10000000:200b009", "store 200a.5 0:1", "write 2008 0:30", "poll 200b.1 1"],
      ["store 200a.6 10000000:4", "store 200a.7 0:0", "write 2008 0:40"],
    ]);
  });

  it("a wait by interrupt clears ComWaitInt first", () => {
    const [wait] = compiled([{ ...WAIT, sign: "interrupt" }]);
    expect(wait).toEqual([
      "write 2020 0:4",
      "read 2020",
      "store 200a.0 10000000:2",
      "store 200a.1 0:0",
      "write 2008 0:10",
      "poll 2020 4 4",
    ]);
  });

  it("the buffer is set up anew and goes on where it is told, around the end of the ring", () => {
    const [restart, last, first] = compiled([{ do: "restart-commands", at: 255 }, WAIT, WAIT]);
    expect(restart!.slice(-7)).toEqual([
      "write 18 0:5",
      "write 8 8000000:200a000",
      "read 2000",
      "read 2008",
      "write 2000 0:ff0",
      "write 2008 0:ff0",
      "write 18 0:1005",
    ]);
    expect(last!.slice(0, 3).map((one) => one.split(" ")[1])).toEqual(["200a.1fe", "200a.1ff", "2008"]);
    expect(first![0]).toMatch(/^store 200a\.0 /);
  });

  it("everything is one command where there is one", () => {
    const all = invalidate({ command: "all" });
    expect(compiled([all])).toEqual([["store 200a.0 80000000:0", "store 200a.1 0:0", "write 2008 0:10"]]);
    const older = compiled([all], { profile: "family-15h" })[0]!;
    expect(older.filter((one) => one.startsWith("store"))).toEqual([
      "store 200a.0 20000000:20",
      "store 200a.1 0:0",
      "store 200a.2 30000005:0",
      "store 200a.3 7fffffff:fffff003",
    ]);
  });

  it("prefetching is left out where it is not supported", () => {
    const prefetch = invalidate({ command: "prefetch", device: "a", iova: 0x1000, order: 0 });
    expect(compiled([prefetch])).toEqual([[]]);
    expect(compiled([prefetch], { profile: "family-15h" })[0]![0]).toBe("store 200a.0 60000000:1000020");
  });

  it("an illegal command is seen to stop the buffer, replaced by a wait, and the buffer started again", () => {
    expect(compiled([{ do: "command-error", error: "opcode" }])).toEqual([
      [
        "store 200a.0 f0000000:0",
        "store 200a.1 0:0",
        "write 2008 0:10",
        "poll 2020 10 0",
        "read 2020",
        "read 2000",
        "write 18 0:5",
        "store 200a.0 10000000:200b009",
        "store 200a.1 0:1",
        "write 18 0:1005",
        "poll 200b.1 1",
      ],
    ]);
  });

  it("what is illegal for lack of a feature depends on the platform", () => {
    const error: AmdViStep = { do: "command-error", error: "feature" };
    expect(compiled([error], { profile: "family-15h" })[0]![0]).toBe("store 200a.0 80000000:0");
    expect(compiled([error], { profile: "zen1" })[0]![0]).toBe("store 200a.0 60000000:0");
  });
});

describe("enabling", () => {
  it("from reset: buffers and the exclusion range, then the device table, then translation", () => {
    const steps: AmdViStep[] = [
      invalidate({ command: "all" }),
      WAIT,
      { do: "translation", enable: true },
      { do: "set-device-table", table: "B", pages: 3 },
      { do: "translation", enable: true },
    ];
    const exclusion = { base: 0x1000, limit: 0x1001, allow: true };
    const run = compileScenario(scenario(steps, { start: "reset", exclusion }));
    expect(run.actions.slice(0, run.stepOf.indexOf(3)).map(show)).toEqual([
      "write 8 8000000:200a000",
      "write 10 8000000:200c000",
      "write 28 0:1001000",
      "write 20 0:1000003",
      "write 18 0:1004",
    ]);
    expect(shownBySteps(run, 5)).toEqual([[], [], [], ["write 0 0:2005002"], ["write 18 0:1005"]]);
  });

  it("translation is switched off when every command has been carried out; then no commands are given", () => {
    const steps = [
      { do: "translation", enable: false },
      WAIT,
      { do: "command-error", error: "opcode" },
    ] as const;
    expect(compiled(steps)).toEqual([
      [
        "store 200a.0 10000000:200b009",
        "store 200a.1 0:1",
        "write 2008 0:10",
        "poll 200b.1 1",
        "write 18 0:1004",
      ],
      [],
      [],
    ]);
  });

  it("entries are written to the device table that was set last, if there is memory", () => {
    const table = (table: "B" | "absent"): AmdViStep => ({ do: "set-device-table", table, pages: 5 });
    const steps = compiled([table("B"), ATTACH, table("absent"), ATTACH]);
    expect(steps[1]![1]).toBe("store 2005.80 60000000:2010803");
    expect(steps[2]).toEqual(["write 0 8:4"]);
    expect(steps[3]).toEqual(steps[1]);
  });
});

describe("the event log", () => {
  const dma: AmdViStep = { do: "dma", device: "a", iova: 5, type: "read", length: 8, crossing: false };

  it("as many entries are read as there may be; clearing starts the log anew", () => {
    const steps: AmdViStep[] = [
      dma,
      { do: "read-events", clear: true },
      dma,
      dma,
      { do: "read-events", clear: false },
    ];
    const all = compiled(steps);
    expect(all[1]).toEqual([
      "read 2020",
      "read 2018",
      "read 200c.0",
      "read 200c.1",
      "write 18 0:1001",
      "write 10 8000000:200c000",
      "write 2020 0:3",
      "write 18 0:1005",
    ]);
    expect(all[4]).toEqual([
      "read 2020",
      "read 2018",
      "read 200c.0",
      "read 200c.1",
      "read 200c.2",
      "read 200c.3",
    ]);
  });

  it("illegal commands leave events too", () => {
    const steps: AmdViStep[] = [
      { do: "command-error", error: "reserved" },
      { do: "read-events", clear: false },
    ];
    expect(compiled(steps)[1]!.slice(2)).toEqual(["read 200c.0", "read 200c.1"]);
  });

  it("room for two events: the head is three entries ahead of the tail", () => {
    expect(compiled([{ do: "fill-event-log", free: 2 }])[0]!.at(-1)).toBe("write 2010 0:30");
  });

  it("events are switched off and on", () => {
    const steps: AmdViStep[] = [
      { do: "log-events", enable: false, interrupt: false },
      { do: "log-events", enable: true, interrupt: true },
    ];
    expect(compiled(steps)).toEqual([
      ["write 18 0:1005", "write 18 0:1001"],
      ["write 18 0:1009", "write 18 0:100d"],
    ]);
  });
});
