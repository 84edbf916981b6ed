import { describe, expect, it } from "vitest";
import type { Action } from "../../../model/trace.js";
import { type ParsedTrace, parseTrace } from "../notation.js";

const HEADER = `title a trace
platform zen1
device A 00:04.0
device B 01:00.1
device Far 03:00.0
domain d7 id 3 levels 4
expect holds
because it is
---
`;
const HEADER_LINES = HEADER.split("\n").length - 1;

function parse(steps: string, header = HEADER): ParsedTrace {
  return parseTrace(header + steps, "some.trace");
}

function actionsOf(trace: ParsedTrace): Action[] {
  return trace.records.flatMap((record) => ("action" in record ? [record.action] : []));
}

/** Stores as `page:word=high_low`, in hexadecimal. */
function storesOf(steps: string): string[] {
  const hex = (value: number) => value.toString(16);
  return actionsOf(parse(steps)).flatMap((one) =>
    one.do === "store" ? [`${hex(one.page)}:${hex(one.word)}=${hex(one.high)}_${hex(one.low)}`] : [],
  );
}

const lastStore = (steps: string) => storesOf(steps).at(-1);

describe("AMD-Vi entries in traces", () => {
  it("tables of three levels lead to a page, with NextLevel in every entry", () => {
    expect(storesOf("d1[10] = p1 rw")).toEqual([
      "2140:0=60000000_2141401",
      "2141:0=60000000_2142201",
      "2142:10=60000000_1001001",
    ]);
  });

  it("rights are IR and IW; single bits may be set; none is zero", () => {
    expect(lastStore("d1[10] = p1 r")).toBe("2142:10=20000000_1001001");
    expect(lastStore("d1[10] = p1 w")).toBe("2142:10=40000000_1001001");
    expect(lastStore("d1[10] = p1 - +bit59")).toBe("2142:10=8000000_1001001");
    expect(lastStore("d1[10] = p1 rw\nd1[10] = none")).toBe("2142:10=0_0");
  });

  it("superpages have NextLevel 0 at a higher level", () => {
    expect(lastStore("d1[200]/2 = p200 rw")).toBe("2141:1=60000000_1200001");
  });

  it("pages of other sizes have the same entry in every slot", () => {
    expect(storesOf("d1[10..13] = p4..p7 rw 16K").slice(-4)).toEqual([
      "2142:10=60000000_1005e01",
      "2142:11=60000000_1005e01",
      "2142:12=60000000_1005e01",
      "2142:13=60000000_1005e01",
    ]);
  });

  it("levels may be left out, and are found again", () => {
    const skipped = "table t1\nd1[0]/3 = t1 next 1";
    expect(lastStore(skipped)).toBe("2140:0=60000000_2041201");
    expect(lastStore(`${skipped}\nd1[10] = p1 rw`)).toBe("2041:10=60000000_1001001");
  });

  it("a device table entry in use gets its first word last, any other first", () => {
    expect(storesOf("dte B = d7\ndte B = blocked\ndte B = none")).toEqual([
      "2002:5=0_3",
      "2002:4=60000000_2140803",
      "2002:4=0_1",
      "2002:5=0_0",
      "2002:4=0_0",
      "2002:5=0_0",
    ]);
  });

  it("a device table entry may have fewer rights, Mode 0, more bits, or only half of it stored", () => {
    expect(lastStore("dte A = d7 r")).toBe("2000:80=20000000_2140803");
    expect(storesOf("dte A = pass d7")).toEqual(["2000:81=0_3", "2000:80=60000000_3"]);
    expect(storesOf("dte A = d7 +bit98")[0]).toBe("2000:81=4_3");
    expect(storesOf("dte A.high = d7")).toEqual(["2000:81=0_3"]);
  });

  it.each<[string, string]>([
    ["dte Far = d1", "the device table has no entry for Far"],
    ["dte A = d1 +bit128", "the entry has bits 0 to 127"],
    ["d1[10..12] = p4..p6 rw 16K", "a page of 16K has 4 entries of level 1"],
    ["d1[10..13] = p5..p8 rw 16K", "begins at a multiple of its size"],
    ["table t1\nd1[0]/3 = t1 next 3", 'expected 1 | 2, found "3"'],
    ["table t1\nd1[0]/3 = t1 next 1\nd1[0]/2 = none", "leaves the level out"],
    ["ctx A = d1", "expected own | share"],
    ["flush iotlb d1", "expected dte | pages | all"],
  ])("is told of %j", (steps, message) => {
    expect(() => parse(steps)).toThrow(message);
  });

  it("more levels than the platform has are refused in the header", () => {
    const header = HEADER.replace("levels 4", "levels 7");
    expect(() => parse("", header)).toThrow('some.trace:6: expected 1 | 2 | 3 | 4 | 5 | 6, found "7"');
  });
});

describe("AMD-Vi commands in traces", () => {
  const commands = (steps: string) =>
    storesOf(steps)
      .filter((one) => one.startsWith("200a:"))
      .map((one) => one.split("=")[1]);

  it("are those of the command buffer", () => {
    expect(commands("flush dte B")).toEqual(["20000000_101", "0_0"]);
    expect(commands("flush pages d7 10")).toEqual(["30000003_0", "0_10000"]);
    expect(commands("flush pages d7 10 order 2 pde")).toEqual(["30000003_0", "0_11003"]);
    expect(commands("flush pages d7")).toEqual(["30000003_0", "7fffffff_fffff001"]);
    expect(commands("flush all")).toEqual(["80000000_0", "0_0"]);
  });

  it("INVALIDATE_IOMMU_ALL only where the platform has it", () => {
    const header = HEADER.replace("zen1", "family-15h");
    expect(() => parse("flush all", header)).toThrow("family-15h has no INVALIDATE_IOMMU_ALL");
  });

  it("are waited for when a step says so", () => {
    const kinds = (steps: string) => actionsOf(parse(steps)).map((one) => one.do);
    expect(kinds("wait")).toEqual(["store", "store", "write-register", "poll-memory"]);
    expect(kinds("submit-wait w1 f")).toEqual(["store", "store", "write-register"]);
    expect(kinds("submit-wait w1\nsubmit-wait\nsee w1").at(-1)).toBe("poll-memory");
    expect(commands("wait f")[0]).toBe("10000000_200b00d");
  });
});

describe("an AMD-Vi trace", () => {
  it("starts with the unit enabled, its own pages set apart, and no action", () => {
    const { setup, records } = parse("");
    expect(setup).toMatchObject({ rootPage: 0x2000, rootPages: 5, queuePage: 0x200a, logPage: 0x200c });
    const said = records.flatMap((one) => ("event" in one ? [one] : []));
    expect(said).toHaveLength(records.length);
    expect(said.filter((one) => one.event === "allocate-table")).toHaveLength(5);
    expect(said.filter((one) => one.event === "protect")).toHaveLength(3);
  });

  it("from reset sets its buffers up, and then the device table", () => {
    const trace = parse("set-table\ntranslation on", HEADER.replace("device A", "start reset\ndevice A"));
    const writes = actionsOf(trace).flatMap((one) => (one.do === "write-register" ? [one.offset] : []));
    expect(writes).toEqual([0x8, 0x10, 0x18, 0, 0x18]);
    expect(trace.lineOfAction(actionsOf(trace).length - 1)).toBe(HEADER_LINES + 3);
  });
});
