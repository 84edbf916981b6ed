/** `trace` and `expose` on good and bad files: verdicts, tables, exit codes, and messages that say which line. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recordLine } from "../generators/trace/format.js";
import { headerLine } from "../generators/trace/format-header.js";
import { run } from "./run.js";
import { openTrace } from "./trace-file.js";

const TRACES = join(import.meta.dirname, "../traces");

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iommu-spec-trace-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function commandLine(...args: string[]): Promise<{ code: number; out: string; errors: string[] }> {
  const lines: string[] = [];
  const errors: string[] = [];
  const code = await run(
    args,
    (line) => lines.push(line),
    (line) => errors.push(line),
  );
  return { code, out: lines.join("\n"), errors };
}

/** Context page, tables from the top, and a page of memory: one mapping of address 0 for 00:04.0. */
const HEADER = `{"format":"iommu-spec trace 1","architecture":"vtd","profile":"skylake-sp","start":"translating","requesters":["0x20","0x28"],"rootPage":"0x2000","queuePage":"0x2001","protected":[{"page":"0x300","pages":4}]}`;
const SETUP = [
  `{"event":"allocate-table","page":"0x2000"}`,
  `{"event":"allocate","page":"0x1000","pages":2,"owner":"d1"}`,
  `{"event":"assign","requester":"0x20","domain":"d1"}`,
  `{"event":"grant","domain":"d1","iova":0,"page":"0x1000","pages":1,"access":3}`,
  `{"do":"store","page":"0x2000","word":0,"value":"0x2003001"}`,
  `{"do":"store","page":"0x2003","word":65,"value":"0x102"}`,
  `{"do":"store","page":"0x2004","word":0,"value":"0x2005003"}`,
  `{"do":"store","page":"0x2005","word":0,"value":"0x2006003"}`,
  `{"do":"store","page":"0x2006","word":0,"value":"0x2007003"}`,
  `{"do":"store","page":"0x2007","word":0,"value":"0x1000003"}`,
  `{"do":"store","page":"0x2003","word":64,"value":"0x2004001"}`,
  `{"event":"attached","requester":"0x20","domain":"d1"}`,
  `{"event":"usable","domain":"d1","iova":0,"page":"0x1000","pages":1,"access":3}`,
];
const UNMAP = `{"do":"store","page":"0x2007","word":0,"value":0}`;
const RETIRE = `{"event":"retire","domain":"d1","iova":0,"page":"0x1000","pages":1,"access":3}`;
const WITHDRAW = `{"event":"withdraw","domain":"d1","iova":0,"page":"0x1000","pages":1,"access":3}`;
/** A domain-selective invalidation with draining, and a wait that was seen. */
const FLUSH = [
  `{"do":"store","page":"0x2001","word":0,"value":"0x10062"}`,
  `{"do":"store","page":"0x2001","word":2,"value":"0x100000025"}`,
  `{"do":"store","page":"0x2001","word":3,"value":"0x2002000"}`,
  `{"do":"write-register","offset":"0x88","width":8,"value":"0x20"}`,
  `{"do":"poll-memory","page":"0x2002","word":0,"value":1,"seen":[1,0]}`,
];

function file(...lines: string[]): string {
  const path = join(folder, "some.jsonl");
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  return path;
}

describe("trace", () => {
  it("holds: exit code 0, what was judged, and what that means", async () => {
    const { code, out } = await commandLine(
      "trace",
      file(HEADER, ...SETUP, RETIRE, UNMAP, ...FLUSH, WITHDRAW),
    );
    expect(code).toBe(0);
    expect(out).toMatch(
      /some.jsonl, all of it: 21 records \(13 actions, 8 events\) on skylake-sp, judged in/,
    );
    expect(out).toContain("holds: after every record");
    expect(out).toContain("for this run only");
  });

  it("violated: exit code 1, the line, the invariant and the chain, in lines of the file", async () => {
    const path = file(HEADER, ...SETUP, RETIRE, "", UNMAP, WITHDRAW, ...FLUSH);
    const { code, out } = await commandLine("trace", path);
    expect(code).toBe(1);
    expect(out).toContain(`violated: freed-page at ${path}:18, breaks I1`);
    expect(out).toContain("00:04.0 can read page 0x1000000 through 0x0");
    expect(out).toContain(
      "level-1 entry at 0x2007000: 0x00000000_01000003, stored by line 11, replaced by line 17",
    );
    expect(out).not.toMatch(/action \d/);
  });

  it("what no conforming unit may show is told from what software does wrong", async () => {
    const read = { requester: 32, page: 7, offset: 0, length: 4, type: "read" };
    const request = JSON.stringify({ do: "request", request: read, slot: 1, seen: [0x1000, 0] });
    const { code, out } = await commandLine("trace", file(HEADER, ...SETUP, request));
    expect(code).toBe(1);
    expect(out).toContain("breaks conformance");
    expect(out).toContain("no conforming unit may show it");
  });

  it("where the specification is silent: exit code 3, why, and the line", async () => {
    const outside = `{"do":"write-register","offset":"0x88","width":8,"value":"0x7ff0"}`;
    const { code, out } = await commandLine("trace", file(HEADER, ...SETUP, outside));
    expect(code).toBe(3);
    expect(out).toMatch(
      /unknown: at .*some.jsonl:15 the specification does not say what follows: a queue tail/,
    );
  });

  it("--json", async () => {
    const { out } = await commandLine("trace", file(HEADER, ...SETUP, RETIRE, UNMAP, WITHDRAW), "--json");
    expect(JSON.parse(out)).toMatchObject({
      format: "iommu-spec trace result 1",
      verdict: "violated",
      line: 17,
      actions: 8,
      events: 8,
      invariants: ["I1"],
      finding: { kind: "freed-page" },
    });
  });

  it("a trace in the notation is judged as well, and so is the same one as JSON lines", async () => {
    const names = readdirSync(TRACES).filter((one) => /^0/.test(one));
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) {
      const path = join(TRACES, name);
      const { code } = await commandLine("trace", path);
      expect(code, name).toBe(/^expect\s+holds/m.test(readFileSync(path, "utf8")) ? 0 : 1);
      const { profile, setup, records } = openTrace(path);
      const lines = [...records()].map(({ record }) => recordLine(record));
      const again = await commandLine(
        "trace",
        file(headerLine({ profile, setup, protectedRuns: [] }), ...lines),
      );
      expect(again.code, name).toBe(code);
    }
  });

  it.each([
    ["a header that is missing", [], /some.jsonl: empty; a trace begins with a header/],
    [
      "a header of another format",
      ['{"format":"x"}'],
      /some.jsonl:1: at format: expected "iommu-spec trace 1"/,
    ],
    ["a line that is no JSON", [HEADER, "", "{fly}"], /some.jsonl:3: not JSON/],
    ["an unknown action", [HEADER, '{"do":"fly"}'], /some.jsonl:2: at do: unknown "fly"; known: store/],
    [
      "memory that does not exist",
      [HEADER, '{"do":"store","page":"0x20000","word":0,"value":1}'],
      /some.jsonl:2: no memory at 0x20000000: the platform has 0x20000 pages/,
    ],
  ])("%s: exit code 2, and the message says where", async (_, lines, message) => {
    const { code, errors } = await commandLine("trace", file(...lines));
    expect(code).toBe(2);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(message);
  });

  it("a file that is cut short in the middle of a line: exit code 2, and the message says so", async () => {
    const path = file(HEADER, ...SETUP);
    writeFileSync(path, readFileSync(path, "utf8").slice(0, -20));
    const { code, errors } = await commandLine("trace", path);
    expect(code).toBe(2);
    expect(errors[0]).toMatch(/some.jsonl:14: cut short in the middle of a line/);
    writeFileSync(path, `${HEADER}\n${UNMAP}`);
    expect((await commandLine("trace", path)).code).toBe(0);
  });

  it.each([
    [["trace"], /trace takes one file: iommu-spec trace FILE/],
    [["trace", "one", "two"], /trace takes one file/],
    [["trace", "/nowhere/some.jsonl"], /ENOENT.*\/nowhere\/some.jsonl/],
    [["trace", "/nowhere/some.trace"], /ENOENT.*\/nowhere\/some.trace/],
    [["expose"], /expose takes one file: iommu-spec expose FILE \[--at N\]/],
    [["expose", "one", "--at", "end"], /--at takes a whole number from 1 on, not "end"/],
  ])("%j: exit code 2 and one message", async (args, message) => {
    const { code, errors } = await commandLine(...args);
    expect(code).toBe(2);
    expect(errors[0]).toMatch(message);
  });
});

describe("expose", () => {
  const all = [HEADER, ...SETUP, RETIRE, UNMAP, WITHDRAW, ...FLUSH];

  it("at the end: who reaches nothing", async () => {
    const { code, out } = await commandLine("expose", file(...all));
    expect(code).toBe(0);
    expect(out).toMatch(/some.jsonl:22: 0 runs of pages can be reached, 0 without a grant/);
    expect(out).toContain("00:04.0 reaches nothing");
    expect(out).toContain("00:05.0 reaches nothing");
  });

  it("--at: what was granted and what was not, and what it rests on", async () => {
    const path = file(...all);
    const granted = await commandLine("expose", path, "--at", "14");
    expect(granted.code).toBe(0);
    expect(granted.out).toMatch(/00:04.0 +0x0-0xfff +0x1000000-0x1000fff +rw +now +d1 +present entries/);
    const stale = await commandLine("expose", path, "--at", "17");
    expect(stale.code).toBe(1);
    expect(stale.out).toMatch(/! +00:04.0 .* rw +now +not granted \(nobody\) +stale entries/);
    expect(stale.out).toContain("00:05.0 reaches nothing");
  });

  it("adjacent pages are one run; --json", async () => {
    const grant = `{"event":"grant","domain":"d1","iova":1,"page":"0x1001","pages":1,"access":3}`;
    const next = `{"do":"store","page":"0x2007","word":1,"value":"0x1001003"}`;
    const { out } = await commandLine("expose", file(HEADER, ...SETUP, grant, next), "--json");
    const { rows } = JSON.parse(out);
    expect(rows).toMatchObject([{ iova: 0, page: 0x1000, pages: 2, access: 3, granted: true, stale: false }]);
  });
});
