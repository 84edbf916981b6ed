import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OwnershipEvent } from "../../model/isolation/events.js";
import type { Action } from "../../model/trace.js";
import { type ParsedTrace, parseTrace, TraceError } from "./notation.js";

const HEADER = `title a trace
platform skylake-sp
device A 00:04.0
device B 01:00.1
domain d7 id 3
expect holds
because it is
---
`;
const HEADER_LINES = HEADER.split("\n").length - 1;
const ROOT = 0x2000;
/** Tables without a name, in order of first use; those of a name. */
const FIRST_TABLE = 0x2140;
const T1 = 0x2041;
const P1 = 0x1001;

function parse(steps: string, header = HEADER): ParsedTrace {
  return parseTrace(header + steps, "some.trace");
}

function actionsOf(trace: ParsedTrace): Action[] {
  return trace.records.flatMap((record) => ("action" in record ? [record.action] : []));
}

function eventsOf(trace: ParsedTrace): OwnershipEvent[] {
  return trace.records.flatMap((record) => ("event" in record ? [record] : []));
}

/** Stores as `page:word=high_low`, in hexadecimal. */
function storesOf(steps: string, header = HEADER): string[] {
  const hex = (value: number) => value.toString(16);
  return actionsOf(parse(steps, header)).flatMap((one) =>
    one.do === "store" ? [`${hex(one.page)}:${hex(one.word)}=${hex(one.high)}_${hex(one.low)}`] : [],
  );
}

const lastStore = (steps: string) => storesOf(steps).at(-1);

describe("stores", () => {
  it("build the tables above an entry, each declared before it is stored to", () => {
    expect(storesOf("d1[10] = p1 rw")).toEqual([
      "2140:0=0_2141003",
      "2141:0=0_2142003",
      "2142:0=0_2143003",
      "2143:10=0_1001003",
    ]);
    const { records } = parse("d1[10] = p1 rw\nctx A = d1");
    const declared = new Set<number>();
    for (const record of records) {
      if ("event" in record && record.event === "allocate-table") declared.add(record.page);
      if ("action" in record && record.action.do === "store") expect(declared).toContain(record.action.page);
    }
  });

  it("use the tables that are there", () => {
    expect(storesOf("d1[10] = p1 rw\nd1[11] = p2 r").at(-1)).toBe("2143:11=0_1002001");
    expect(lastStore("table t1\nd1[10]/2 = t1\nd1[11] = p2 w")).toBe("2041:11=0_1002002");
  });

  it("encode superpages, links, single bits and no rights", () => {
    expect(lastStore("d1[200]/2 = p200 rw")).toBe("2142:1=0_1200083");
    expect(lastStore("d1[200]/3 = @40000 r")).toBe("2141:0=0_40000081");
    expect(lastStore("table t1\nd1[10]/2 = t1")).toBe("2142:0=0_2041003");
    expect(lastStore("d1[10] = p1 rw +bit9 +bit63 -bit1")).toBe("2143:10=80000000_1001201");
    expect(lastStore("d1[10] = p1 -")).toBe("2143:10=0_1001000");
    expect(lastStore("d1[10] = p1 rw\nd1[10] = none")).toBe("2143:10=0_0");
  });

  it("of ranges are one for each entry", () => {
    expect(storesOf("t1[1fe..1ff] = p0..p1 r")).toEqual(["2041:1fe=0_1000001", "2041:1ff=0_1001001"]);
    expect(storesOf("t1[0..1] = none")).toEqual(["2041:0=0_0", "2041:1=0_0"]);
  });

  it("of context entries set the present bit last and clear it first", () => {
    expect(storesOf("ctx B = d7\nctx B = none")).toEqual([
      `${ROOT.toString(16)}:3=0_0`,
      "2000:2=0_2141001",
      "2141:3=0_302",
      "2141:2=0_2140001",
      "2141:2=0_0",
      "2141:3=0_0",
    ]);
  });

  it("of half a context entry store that half", () => {
    expect(storesOf("ctx A.high = d1\nctx A.low = d1\nctx A.low = none").slice(2)).toEqual([
      "2141:41=0_102",
      "2141:40=0_2140001",
      "2141:40=0_0",
    ]);
  });

  it("of a pass-through entry name no table", () => {
    expect(storesOf("ctx A = pass d1").slice(2)).toEqual(["2140:41=0_102", "2140:40=0_9"]);
  });

  it("are written back line by line", () => {
    const flushes = actionsOf(parse("t1[7..8] = none\nclflush t1[7..8]\nt1[9] = none\nclflush all")).filter(
      (one) => one.do === "flush-line",
    );
    expect(flushes).toEqual([
      { do: "flush-line", page: T1, line: 0 },
      { do: "flush-line", page: T1, line: 1 },
      { do: "flush-line", page: T1, line: 1 },
    ]);
  });
});

describe("invalidations", () => {
  it("are descriptors of the queue", () => {
    const descriptors = (steps: string) => storesOf(steps).map((one) => one.split("=")[1]);
    expect(descriptors("flush iotlb d1 10 mask 2 leaf")).toEqual(["0_100f2", "0_10042"]);
    expect(descriptors("flush iotlb d7 nodrain")).toEqual(["0_30022", "0_0"]);
    expect(descriptors("flush iotlb all")).toEqual(["0_d2", "0_0"]);
    expect(descriptors("flush ctx B d7")).toEqual(["101_30031", "0_0"]);
    expect(descriptors("flush ctx d7")).toEqual(["0_30021", "0_0"]);
    expect(descriptors("flush ctx all")).toEqual(["0_11", "0_0"]);
  });

  it("are waited for when a step says so", () => {
    const kinds = (steps: string) => actionsOf(parse(steps)).map((one) => one.do);
    expect(kinds("wait")).toEqual(["store", "store", "write-register", "poll-memory"]);
    expect(kinds("submit-wait w1 fence")).toEqual(["store", "store", "write-register"]);
    const polls = actionsOf(parse("submit-wait w1\nsubmit-wait\nsee w1")).filter(
      (one) => one.do === "poll-memory",
    );
    expect(polls).toMatchObject([{ value: 1 }]);
  });

  it("go through registers when the header says so", () => {
    const header = HEADER.replace("device A", "through registers\ndevice A");
    const trace = parse("flush iotlb d1 10\nwait", header);
    const own = actionsOf(trace).filter((_, index) => trace.lineOfAction(index) > HEADER_LINES + 1);
    expect(own.filter((one) => one.do === "store")).toEqual([]);
    expect(own.slice(-2)).toMatchObject([
      { do: "poll-register", mask: 0x80000000, value: 0 },
      { do: "poll-register", mask: 0x80000000, value: 0 },
    ]);
  });
});

describe("a parsed trace", () => {
  it("has what software says as events", () => {
    const said = eventsOf(parse("grant d1[10] p1..p2 rw\nprogram A 10 w\nreset B\nupdate begins")).slice(-4);
    expect(said).toEqual([
      { event: "grant", domain: "d1", iova: 0x10, page: P1, pages: 2, access: 3 },
      { event: "program", requester: 0x20, iova: 0x10, access: 2 },
      { event: "reset-device", requester: 0x101 },
      { event: "update", begins: true },
    ]);
  });

  it("frees the top table of a domain by the domain's name", () => {
    const said = eventsOf(parse("ctx A = d1\nfree-table d1\nctx A = d1"));
    expect(said).toContainEqual({ event: "free-table", page: FIRST_TABLE });
    expect(said.at(-1)).toEqual({ event: "allocate-table", page: FIRST_TABLE + 2 });
  });

  it("starts with translation on and the queue enabled, without an action", () => {
    const { setup, records } = parse("");
    expect(setup).toMatchObject({ start: "translating", rootPage: ROOT, requesters: [0x20, 0x101] });
    expect(records.every((record) => "event" in record)).toBe(true);
  });

  it("shows every poll what it waits for", () => {
    const header = HEADER.replace("device A", "start reset\ndevice A");
    for (const record of parse("set-root\ntranslation on\nflush ctx all\nwait", header).records) {
      if ("event" in record) continue;
      expect(record.seen).toEqual({ low: record.action.do.startsWith("poll") ? 1 : 0, high: 0 });
    }
  });

  it("knows the line of every action", () => {
    const trace = parse("ctx A = d1\n\n# a remark\nwait  # and another");
    const lines = actionsOf(trace).map((_, index) => trace.lineOfAction(index) - HEADER_LINES);
    expect(lines).toEqual([1, 1, 1, 1, 4, 4, 4, 4]);
    expect(() => trace.lineOfAction(lines.length)).toThrow(RangeError);
  });
});

describe("a text that is no trace", () => {
  const inSteps: [string, string][] = [
    ["fly", "expected own | share | free"],
    ["d1[10] = p1", "expected rights"],
    ["d1[10] = p1 rx", "expected rights"],
    ["d1[10]/2 = t1", "the page is not a table"],
    ["d1[10] = p400 rw", "there are only pages p0 to p3ff"],
    ["d1[0..3] = p0..p2 rw", "4 entries, but 3 pages"],
    ["d1[0]/4 = p0 rw", "entries of level 4 map no pages"],
    ["d1[10]/5 = none", "the tables of d1 have 4 levels"],
    ["d1[10] = none", "there is no such entry"],
    ["t1[200] = none", "a page has entries 0 to 1ff"],
    ["ctx C = d1", "the header has no device C"],
    ["flush iotlb d1 10 mask x", 'expected an address mask such as 9, found "x"'],
    ["wait w1", 'expected the end of the line, found "w1"'],
    ["see w1", "no wait w1 was submitted"],
    ["grant d1[10] p1", "expected rights: r, w, rw or -, found the end of the line"],
    ["free-table t1", "that is no page of tables"],
    ["pmr low p0..p1fe", "memory is protected in blocks of 512 pages"],
    ["own Guest p1", "expected an owner such as guest"],
  ];
  it.each(inSteps)("is told of %s", (step, message) => {
    expect(() => parse(`wait\n${step}`)).toThrow(`some.trace:${HEADER_LINES + 2}: ${message}`);
  });

  it("does not reach through a superpage", () => {
    expect(() => parse("d1[0]/2 = p0 rw\nd1[1] = p1 rw")).toThrow("a table above it is missing, maps a page");
  });

  const inHeader: [string, string, string][] = [
    ["skylake-sp", "skylark", "some.trace:2: expected qemu-39 | qemu-48"],
    ["00:04.0", "00:24.0", "some.trace:3: expected a requester id such as 00:04.0"],
    ["expect holds", "expect violated stale", "some.trace:6: expected freed-page"],
    ["expect holds\n", "", 'some.trace:7: the header has no "expect"'],
    ["title a trace\n", "", 'some.trace:7: the header has no "title"'],
    ["---", "", "a line --- has to part the header from the steps"],
    [
      "device A",
      "through registers\nplatform sapphire-rapids\ndevice A",
      "sapphire-rapids has no invalidation through registers",
    ],
  ];
  it.each(inHeader)("is told when %j is %j in the header", (from, to, message) => {
    expect(() => parse("", HEADER.replace(from, to))).toThrow(message);
  });
});

describe("the traces of this project", () => {
  const folder = new URL("../../traces/", import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((one) =>
    /\.trace$/.test(one),
  );
  const texts = files.map((file) => readFileSync(new URL(file, folder), "utf8"));
  const isFreeText = (line: string) => /^(title|because|---)/.test(line);

  it("are refused at the line where any word is wrong", () => {
    const mutation = fc.record({ text: fc.constantFrom(...texts), line: fc.nat(), word: fc.nat() });
    fc.assert(
      fc.property(mutation, ({ text, line, word }) => {
        const lines = text.split("\n");
        const used = lines.flatMap((one, index) => (/^[^#\s]/.test(one) && !isFreeText(one) ? [index] : []));
        const at = used[line % used.length]!;
        const words = lines[at]!.replace(/\s#.*$/, "")
          .trim()
          .split(/\s+/);
        words[word % words.length] = "?";
        lines[at] = words.join(" ");
        expect(() => parseTrace(lines.join("\n"), "x")).toThrow(TraceError);
        expect(() => parseTrace(lines.join("\n"), "x")).toThrow(new RegExp(`^x:${at + 1}: `));
      }),
    );
  });
});
