import { describe, expect, it } from "vitest";
import { compileScenario } from "../compile.js";
import { hex, show, shownBySteps } from "../compile.testing.js";
import type { VtdStep as Step, VtdScenario } from "./scenario.js";

const ATTACH: Step = {
  do: "attach",
  device: "a",
  domain: "d0",
  type: "translated",
  faultProcessingDisable: false,
  writeBack: true,
};
const MAP: Step = {
  do: "map",
  mapping: "m0",
  domain: "d0",
  iova: 0x1000,
  page: 0x1001,
  size: "4K",
  access: "rw",
  writeBack: true,
};
const dma = (iova: number, part: Partial<Extract<Step, { do: "dma" }>> = {}): Step => ({
  do: "dma",
  device: "a",
  iova,
  type: "write",
  length: 8,
  crossing: false,
  ...part,
});

function scenario(steps: readonly Step[], part: Partial<VtdScenario> = {}): VtdScenario {
  return {
    format: "iommu-spec scenario 1",
    architecture: "vtd",
    profile: "skylake-sp",
    start: "translating",
    invalidation: "queue",
    timing: 1,
    devices: [{ name: "a", requester: 0x20 }],
    domains: [{ name: "d0", id: 5, levels: 4 }],
    steps: [...steps],
    ...part,
  };
}

/** The actions of each step; what precedes the first step is left out. */
function compiled(steps: readonly Step[], part: Partial<VtdScenario> = {}): string[][] {
  return shownBySteps(compileScenario(scenario(steps, part)), steps.length);
}

describe("tables as software builds them", () => {
  it("attach writes root and context entry, each with its present bit last", () => {
    expect(compiled([ATTACH])).toEqual([
      ["store 2000.1 0:0", "store 2000.0 0:2007001", "store 2007.41 0:502", "store 2007.40 0:2008001"],
    ]);
  });

  it("map builds the tables on the way, and builds them once", () => {
    const second: Step = { ...MAP, mapping: "m1", iova: 0x1003, access: "r" };
    expect(compiled([MAP, second])).toEqual([
      [
        "store 2007.0 0:2008003",
        "store 2008.0 0:2009003",
        "store 2009.8 0:200a003",
        "store 200a.0 0:1001003",
      ],
      ["store 200a.3 0:1001001"],
    ]);
  });

  it("superpages end at their level", () => {
    const large = (size: "2M" | "1G", page: number): Step => ({ ...MAP, size, page, iova: 0x1000 });
    expect(compiled([large("2M", 0x1000)])[0]!.at(-1)).toBe("store 2009.8 0:1000083");
    expect(compiled([large("1G", 0x40000)])[0]!.at(-1)).toBe("store 2008.0 0:40000083");
  });

  it("unmap, protect and detach change the entries that were written", () => {
    const steps: Step[] = [
      ATTACH,
      MAP,
      { do: "protect", mapping: "m0", access: "w", writeBack: true },
      { do: "unmap", mapping: "m0", writeBack: true },
      { do: "detach", device: "a", writeBack: true },
    ];
    expect(compiled(steps).slice(2)).toEqual([
      ["store 200b.0 0:1001002"],
      ["store 200b.0 0:0"],
      ["store 2007.40 0:2008000"],
    ]);
  });

  it("corrupt sets one bit of what software last stored", () => {
    const entry = { structure: "table", domain: "d0", iova: 0x1000, level: 1 } as const;
    const corrupt = (bit: number, value: number): Step => ({
      do: "corrupt",
      entry,
      bit,
      value,
      writeBack: true,
    });
    expect(compiled([MAP, corrupt(62, 1), corrupt(0, 0)]).slice(1)).toEqual([
      ["store 200a.0 40000000:1001003"],
      ["store 200a.0 40000000:1001002"],
    ]);
  });

  it("where walks do not snoop lines are written back, now or later; RWBF asks for a flush as well", () => {
    const lazy: Step = { ...MAP, writeBack: false };
    const qemu = compiled([lazy, { do: "write-back" }], { profile: "qemu-48" });
    expect(qemu[0]!.some((one) => one.startsWith("flush"))).toBe(false);
    expect(qemu[1]).toEqual(["flush 2007.0", "flush 2008.0", "flush 2009.1", "flush 200a.0"]);
    const domains = [{ name: "d0", id: 5, levels: 3 }];
    expect(compiled([lazy, { do: "write-back" }], { profile: "gm45", domains })[1]).toEqual([
      "flush 2007.0",
      "flush 2008.1",
      "flush 2009.0",
      "write 18 0:88000000",
      "poll 1c 8000000 0",
    ]);
    expect(compiled([lazy, { do: "write-back" }])[1]).toEqual([]);
  });
});

describe("commands", () => {
  const page: Step = {
    do: "invalidate",
    target: {
      cache: "iotlb",
      granularity: "page",
      domain: "d0",
      iova: 0x1000,
      mask: 2,
      leafOnly: true,
      drain: true,
    },
    complete: true,
  };
  const device: Step = {
    do: "invalidate",
    target: { cache: "context", granularity: "device", domain: "d0", device: "a", functionMask: 1 },
    complete: true,
  };

  it("through the queue: descriptors, tail, and a wait with a status of its own", () => {
    expect(compiled([page, device, { do: "wait", sign: "status", fence: true }])).toEqual([
      ["store 2002.0 0:500f2", "store 2002.1 0:1000042", "write 88 0:10"],
      ["store 2002.2 10020:50031", "store 2002.3 0:0", "write 88 0:20"],
      ["store 2002.4 1:65", "store 2002.5 0:2003008", "write 88 0:30", "poll 2003.1 1"],
    ]);
  });

  it("through registers: the last command is done before the next is given (6.9)", () => {
    expect(compiled([page, device], { invalidation: "registers" })).toEqual([
      [
        "poll 2c 80000000 0",
        "poll 20c 80000000 0",
        "write 200 0:1000042",
        "write 208 b0030005:0",
        "poll 20c 80000000 0",
        "read 208",
      ],
      ["poll 2c 80000000 0", "write 28 e0000001:200005", "poll 2c 80000000 0", "read 28"],
    ]);
  });

  it("from reset: the queue first, then the root table, then translation", () => {
    const steps: Step[] = [
      { do: "translation", enable: true, complete: true },
      { do: "set-root", root: 1, complete: true },
      { do: "translation", enable: true, complete: true },
    ];
    const run = compileScenario(scenario(steps, { start: "reset" }));
    expect(run.stepOf.filter((step) => step === -1)).toHaveLength(3);
    expect(run.actions.slice(0, 3).map(show)).toEqual([
      "write 90 0:2002000",
      "read 90",
      "write 18 0:4000000",
    ]);
    expect(compiled(steps, { start: "reset" })).toEqual([
      [],
      ["poll 1c 84000000 4000000", "write 20 0:2001000", "write 18 0:44000000", "poll 1c 40000000 40000000"],
      ["poll 1c c4000000 44000000", "write 18 0:84000000", "poll 1c 80000000 80000000"],
    ]);
  });

  it("protected memory: base and limit first, then EPM, and PRS before the next change (11.4.8)", () => {
    const protect = (part: object = {}): Step => ({
      do: "protect-memory",
      region: "low",
      page: 0x1001,
      blocks: 2,
      complete: true,
      ...part,
    });
    const reads = ["read 64", "read 68", "read 6c", "read 70", "read 78"];
    const release: Step = { do: "release-memory", complete: false };
    expect(compiled([protect(), protect({ region: "high" }), release, protect({ blocks: 0 })])).toEqual([
      [
        "poll 64 1 0",
        "write 68 0:1000000",
        "write 6c 0:13fffff",
        "write 70 0:200000",
        "write 78 0:fff",
        "write 64 0:80000000",
        "poll 64 1 1",
        ...reads,
      ],
      reads,
      ["poll 64 1 1", "write 64 0:0"],
      [
        "poll 64 1 0",
        "write 68 0:200000",
        "write 6c 0:fff",
        "write 70 0:200000",
        "write 78 0:fff",
        "write 64 0:80000000",
        "poll 64 1 1",
        ...reads,
      ],
    ]);
    expect(compiled([protect(), release], { profile: "qemu-48" })).toEqual([reads, []]);
  });

  it("reads every fault record, and frees each before PFO (7.2.1)", () => {
    const [faults] = compiled([{ do: "read-faults", clear: true }], { profile: "qemu-48" });
    expect(faults).toEqual([
      "read 34",
      "read 220",
      "read 228",
      "write 22c 0:80000000",
      "read 38",
      "write 34 0:1",
    ]);
    expect(compiled([{ do: "read-faults", clear: false }])[0]).toHaveLength(17);
  });
});

describe("requests", () => {
  it("write at places of their own, and are split where they cross a page (3.13)", () => {
    expect(compiled([dma(0x1000), dma(0x1000, { length: 4 }), dma(0x1000, { crossing: true })])).toEqual([
      ["write 1000+8*8"],
      ["write 1000+10*4"],
      ["write 1000+ffc*4", "write 1001+0*4"],
    ]);
    expect(compiled([dma(5, { type: "zero-length-read", crossing: true })])).toEqual([
      ["zero-length-read 5+0*0"],
    ]);
  });

  it("reuse writes where requests have written, in data pages only", () => {
    const reuse = (page: number): Step => ({ do: "reuse", page });
    const steps = compiled([
      dma(0x1000),
      dma(0x1000, { type: "read" }),
      reuse(0x1001),
      reuse(0x2000),
      reuse(2 ** 40),
    ]);
    expect(steps[2]).toEqual([`store 1001.1 ${hex(0xe0000003)}:${hex(0xe0000003)}`]);
    expect(steps.slice(3)).toEqual([[], []]);
  });
});

describe("steps whose referent is missing", () => {
  it.each<Step>([
    { ...ATTACH, device: "z" },
    { ...ATTACH, domain: "z" },
    { do: "detach", device: "z", writeBack: true },
    { ...MAP, domain: "z" },
    { do: "unmap", mapping: "m0", writeBack: true },
    { do: "protect", mapping: "m0", access: "r", writeBack: true },
    { do: "retable", domain: "z", iova: 0, level: 2, spare: 0, writeBack: true },
    { do: "retable", domain: "d0", iova: 0, level: 5, spare: 0, writeBack: true },
    { do: "corrupt", entry: { structure: "root", device: "z" }, bit: 0, value: 1, writeBack: true },
    {
      do: "corrupt",
      entry: { structure: "table", domain: "z", iova: 0, level: 1 },
      bit: 0,
      value: 1,
      writeBack: true,
    },
    {
      do: "invalidate",
      target: { cache: "iotlb", granularity: "domain", domain: "z", drain: true },
      complete: true,
    },
    {
      do: "invalidate",
      target: { cache: "context", granularity: "device", domain: "d0", device: "z", functionMask: 0 },
      complete: true,
    },
    dma(0x1000, { device: "z" }),
  ])("are skipped: $do", (step) => {
    expect(compiled([step, dma(0x1000)])).toEqual([[], ["write 1000+8*8"]]);
  });

  it("waits and queue errors are for the queue", () => {
    const steps: Step[] = [
      { do: "wait", sign: "status", fence: false },
      { do: "queue-error", error: "type", rewriteTail: true },
    ];
    expect(compiled(steps, { invalidation: "registers" })).toEqual([[], []]);
  });
});
