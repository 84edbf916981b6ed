/** The C client by itself: how it compiles, what it says on the wire, and that nothing it reads makes it crash. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { accessCodecs, helloAnswerCodec } from "../../protocol/messages.js";
import { client, noCompiler, noCppCompiler, removeFolder, run, temporaryFolder } from "./programs.testing.js";

const STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];
const folder = temporaryFolder();
const skipped = noCompiler === null ? "" : `: skipped, ${noCompiler}`;

/** Compiles one of the programs in `tests`, with the client. */
function compile(name: string, ...options: string[]): string {
  const sources = [join(client, "tests", `${name}.c`), join(client, "iommu_spec.c")];
  const { stderr } = run(folder, "gcc", ["-std=c11", ...options, "-I", client, "-o", name, ...sources]);
  expect(stderr).toBe("");
  return `./${name}`;
}

/** Talks to a program: each message gets the next number as its id. Returns its lines, parsed. */
function talk(program: string, messages: readonly object[]) {
  const input = messages.map((one, id) => `${JSON.stringify({ id, ...one })}\n`).join("");
  const { stdout, stderr, status } = run(folder, program, [], input);
  const lines = stdout.split("\n").slice(0, -1);
  return { lines: lines.map((one) => JSON.parse(one)), stderr, status };
}

const hello = (role: string) => ({ do: "hello", protocol: 1, role, suite: "iommu-spec 0.1.0" });

const profile = {
  architecture: "amdvi",
  id: "amd-qemu",
  description: 'a "profile" with \\ and \u{1f600}',
  extendedFeatures: { low: 0x29d3, high: 7 },
  hostAddressWidth: 40,
  npCache: true,
  memoryPages: 0x20000,
};

const start = { start: "translating", rootPage: 0x2000, rootPages: 2, queuePage: 0x2010, logPage: 0x2011 };
const pages = { requesters: [32], dataPages: [0x1000, 0x1001], tablePages: [0x2000, 0x2001, 0x2010, 0x2011] };
const request = { do: "request", requester: 32, page: 0x1001, offset: 12, slot: 1 };
const AS_AN_IOMMU: readonly (readonly [message: object, answer: object])[] = [
  [
    hello("iommu"),
    {
      protocol: 1,
      role: "iommu",
      name: "identity",
      version: "2",
      architectures: ["vtd", "amdvi"],
      requests: ["read", "write", "zero-length-read"],
    },
  ],
  [{ do: "reset", setup: { profile, ...start, ...pages, timing: 5, more: [{}] } }, {}],
  // 2.2.2.1 of the AMD-Vi specification: V of an entry of 32 bytes.
  [
    { do: "read-memory", page: 0x2001, word: 508 },
    { low: 1, high: 0 },
  ],
  [
    { do: "read-memory", page: 0x2001, word: 509 },
    { low: 0, high: 0 },
  ],
  [{ do: "store", page: 0x2010, word: 3, low: 0xfffffffe, high: 0x80000001 }, {}],
  [
    { do: "read-memory", page: 0x2010, word: 3 },
    { low: 0xfffffffe, high: 0x80000001 },
  ],
  [{ do: "poll-memory", page: 0x2010, word: 3, value: 0xfffffffe }, { seen: true }],
  [{ do: "poll-memory", page: 0x2010, word: 3, value: 1 }, { seen: false }],
  [{ do: "flush-line", page: 0x2010, line: 63 }, {}],
  [
    { do: "read-register", offset: 40, width: 8 },
    { low: 40, high: 0x29d3 },
  ],
  [{ do: "write-register", offset: 24, width: 4, low: 100, high: 0 }, {}],
  [
    { do: "read-register", offset: 40, width: 8 },
    { low: 40, high: 128 },
  ],
  [
    { do: "read-register", offset: 40, width: 4 },
    { low: 40, high: 0 },
  ],
  [{ do: "poll-register", offset: 28, mask: 0xf, value: 12 }, { seen: true }],
  [{ do: "poll-register", offset: 28, mask: 0xf, value: 13 }, { seen: false }],
  [{ ...request, length: 8, type: "write", value: 0xd0000002 }, { page: 0x1001 }],
  [{ ...request, length: 4, type: "read", value: 0xd0000003 }, { page: 0x1001 }],
  [{ ...request, length: 0, type: "zero-length-read", value: 0xd0000004 }, { effect: "done" }],
  [
    { do: "read-data", offset: 12, pages: [0x1000, 0x1001] },
    { values: [0x40000000 | (0x1000 << 10) | 3, 0xd0000002] },
  ],
  [
    { do: "read-data", offset: 16, pages: [0x1001, 0x1000] },
    { values: [0xd0000002, 0x40000000 | (0x1000 << 10) | 4] },
  ],
  [{ do: "read-data", offset: 20, pages: [0x1001] }, { values: [0x40000000 | (0x1001 << 10) | 5] }],
  [{ do: "reset", setup: { profile, ...start, start: "reset", logPage: null, ...pages, timing: 5 } }, {}],
  [
    { do: "read-memory", page: 0x2001, word: 508 },
    { low: 0, high: 0 },
  ],
  [{ do: "read-data", offset: 12, pages: [0x1001] }, { values: [0x40000000 | (0x1001 << 10) | 3] }],
];

/** What it does in `start`, and the answers of those accesses that tell something. */
const ACCESSES: readonly (readonly [access: object, answer?: object])[] = [
  [{ do: "store", page: 0x2000, word: 2, low: 3, high: 0x80000001 }],
  [{ do: "flush-line", page: 0x2000, line: 1 }],
  [{ do: "flush-page", page: 0x2000 }],
  [{ do: "clear-page", page: 0x2000 }],
  [{ do: "allocate-table" }, { low: 0x123456789, high: 0 }],
  [
    { do: "load", page: 0x123456789, word: 1 },
    { low: 0xffffffff, high: 0xfffffffe },
  ],
  [{ do: "store", page: 0x123456789, word: 0, low: 0xffffffff, high: 0xfffffffe }],
  [{ do: "free-table", page: 0x123456789 }],
  [
    { do: "read-register", offset: 28, width: 4 },
    { low: 0xc0000000, high: 0 },
  ],
  [{ do: "write-register", offset: 24, width: 4, low: 0xc0000000, high: 0 }],
  [
    { do: "read-register", offset: 40, width: 8 },
    { low: 1, high: 2 },
  ],
  [{ do: "write-register", offset: 32, width: 8, low: 1, high: 2 }],
  [
    { do: "poll-register", offset: 28, mask: 0x80000000, value: 0 },
    { low: 1, high: 0 },
  ],
  [
    { do: "poll-memory", page: 0x2012, word: 1, value: 7 },
    { low: 0, high: 0 },
  ],
  [{ do: "reset-device", requester: 32 }],
  [
    { do: "read-memory", page: 0x2011, word: 0 },
    { low: 5, high: 0 },
  ],
];
const NOTHING = { low: 0, high: 0 };

/** The suite's side up to the end of `start`, every answer at hand: ids are those of the messages they belong to. */
function asADriver(log: number): string {
  const answers = ACCESSES.map(([, answer]) => answer ?? NOTHING);
  answers[answers.length - 1] = { low: log, high: 0 };
  const messages = [
    { id: 0, ...hello("driver") },
    {
      id: 1,
      do: "setup",
      setup: { profile, ...start, start: "reset", statusPage: 0x2012, flushing: "strict" },
    },
    { id: 2, do: "start" },
    ...answers.map((answer) => ({ id: 2, ...answer })),
    { id: 3, do: "attach", device: { name: "a", requesters: [32, 33] }, domain: 'd\\"0', ticket: 9 },
    { id: 3, ...NOTHING },
  ];
  return messages.map((one) => `${JSON.stringify(one)}\n`).join("");
}

describe.skipIf(noCompiler !== null)(`the C client${skipped}`, () => {
  afterAll(() => removeFolder(folder));

  it("compiles without warnings, examples and template too", () => {
    const files = ["iommu_spec.c", "examples/driver.c", "examples/iommu.c", "template/driver.c"];
    const sources = files.map((one) => join(client, one));
    const { stderr } = run(folder, "gcc", ["-std=c11", "-O2", ...STRICT, "-I", client, "-S", ...sources]);
    expect(stderr).toBe("");
  });

  it.skipIf(noCppCompiler !== null)(
    `is usable from C++${noCppCompiler ? `: skipped, ${noCppCompiler}` : ""}`,
    () => {
      writeFileSync(
        join(folder, "unit.cpp"),
        `#include "iommu_spec.h"
       int main() {
         iommu_spec_iommu unit{};
         return iommu_spec_serve_iommu(&unit);
       }`,
      );
      expect(
        run(folder, "gcc", ["-std=c11", "-c", "-o", "client.o", join(client, "iommu_spec.c")]).stderr,
      ).toBe("");
      const options = ["-std=c++11", ...STRICT, "-I", client, "-o", "cpp"];
      expect(run(folder, "g++", [...options, "unit.cpp", "client.o"]).stderr).toBe("");
      const { status, stderr } = run(folder, "./cpp", []);
      expect(status).toBe(1);
      expect(stderr).toContain("needs reset, read_register, write_register and request");
    },
  );

  it.each([
    ["of the client", []],
    ["of its own", ["-DOWN_MEMORY"]],
  ])("speaks as an IOMMU, with memory %s", (_, options) => {
    const program = compile("identity", ...options);
    const { lines, stderr, status } = talk(
      program,
      AS_AN_IOMMU.map(([message]) => message),
    );
    expect(lines).toEqual(AS_AN_IOMMU.map(([, answer], id) => ({ id, ...answer })));
    expect(helloAnswerCodec.is(lines[0])).toBe(true);
    expect([stderr, status]).toEqual(["", 0]);
  });

  it("speaks as a driver, and keeps what it prints apart", () => {
    const { stdout, stderr, status } = run(folder, compile("every-access"), [], asADriver(5));
    const lines = stdout
      .split("\n")
      .slice(0, -1)
      .map((one) => JSON.parse(one));
    const [greeting, ready, ...rest] = lines;
    expect(helloAnswerCodec.is(greeting)).toBe(true);
    expect(greeting).toMatchObject({
      starts: ["reset"],
      invalidation: ["registers"],
      flushing: ["strict"],
      intents: ["merge"],
      aliases: false,
    });
    expect(ready).toEqual({ id: 1 });
    const said = ACCESSES.map(([access]) => ({ id: 2, ...access }));
    const attached = [
      { id: 3, do: "settled", ticket: 9 },
      { id: 3, done: true },
    ];
    expect(rest).toEqual([...said, { id: 2, done: true }, ...attached]);
    for (const one of rest)
      if ("do" in one) expect(accessCodecs[one.do as keyof typeof accessCodecs].is(one)).toBe(true);
    expect(stderr).toBe('width 40, queue 0x2010000\na has 2, goes to d\\\\\\"0\n');
    expect(status).toBe(0);
  });

  it("ends with the words of iommu_spec_fail", () => {
    const { stdout, status } = run(folder, compile("every-access"), [], asADriver(6));
    expect(stdout).toMatch(/\n\{"id":2,"error":"the log is \\"wrong\\""\}\n$/);
    expect(status).toBe(1);
  });

  describe("reading nonsense", () => {
    beforeAll(() => {
      const sanitized = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", "fuzz"];
      const { stderr } = run(folder, "gcc", ["-std=c11", ...sanitized, join(client, "tests/fuzz.c")]);
      expect(stderr).toBe("");
    });

    it("answers or refuses, and never crashes", () => {
      // Leaks do not matter to a process that ends.
      const options = ["ASAN_OPTIONS=detect_leaks=0:exitcode=99", "UBSAN_OPTIONS=exitcode=99"];
      const { stdout } = run(folder, "env", [...options, "./fuzz", "1", "400"]);
      const [, answered, refused] = /^(\d+) answered, (\d+) refused\n$/.exec(stdout) ?? [stdout, 0, 0];
      expect(Number(answered) + Number(refused)).toBe(400);
      expect(Number(answered)).toBeGreaterThan(50);
      expect(Number(refused)).toBeGreaterThan(50);
    });
  });
});
