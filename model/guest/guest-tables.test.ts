import { describe, expect, it } from "vitest";
import { encoderOf, type Layout } from "../words/layout.js";
import { PhysicalMemory } from "../words/memory.js";
import { eptPageLayout, eptTableLayout } from "./ept.js";
import { type GuestPage, guestTablesOf } from "./guest-tables.js";
import { nestedPageLayout, nestedTableLayout } from "./nested.js";

const ROOT = 0x10;
/** Index 1 at level 4, 2 at level 3, 3 at level 2, 4 at level 1. */
const ADDRESS = ((1 * 512 + 2) * 512 + 3) * 512 + 4;
const INDICES = [1, 2, 3, 4];

type Fields = Readonly<Record<string, number>>;

/** A walk through tables at 0x10, 0x11, …; the entry of each level says that besides where it leads. */
function walk(architecture: "vtd" | "amdvi", entries: readonly [Layout, Fields][]): GuestPage | null {
  const memory = new PhysicalMemory(0x1000);
  entries.forEach(([layout, fields], depth) => {
    const encode = encoderOf(
      layout,
      layout.fields.filter((one) => one.kind === "field").map((one) => one.name),
    );
    const all = Object.fromEntries(
      layout.fields.filter((one) => one.kind === "field").map((one) => [one.name, 0]),
    );
    const [word] = encode({ ...all, ADDR: ROOT + depth + 1, ...fields });
    memory.store(ROOT + depth, INDICES[depth]!, word!.low, word!.high, depth + 1);
  });
  return guestTablesOf(architecture).walk(memory, ROOT, ADDRESS);
}

describe("extended page tables", () => {
  const all = { R: 1, W: 1, X: 1 };
  const tables = (): [Layout, Fields][] => [
    [eptTableLayout, all],
    [eptTableLayout, all],
    [eptTableLayout, all],
  ];
  const page = (fields: Fields): [Layout, Fields] => [eptPageLayout, { ...all, MT: 6, ...fields }];

  it("lead through four levels", () => {
    expect(walk("vtd", [...tables(), page({ ADDR: 0x123 })])).toEqual({ page: 0x123, access: 3 });
  });

  it("give what every entry gives", () => {
    const readable = tables().with(1, [eptTableLayout, { R: 1 }]);
    expect(walk("vtd", [...readable, page({ ADDR: 0x123 })])).toEqual({ page: 0x123, access: 1 });
    expect(walk("vtd", [...tables(), page({ R: 1, W: 0, ADDR: 0x123 })])?.access).toBe(1);
  });

  it("map 2 MiB at level 2", () => {
    const entries = [...tables().slice(0, 2), page({ PS: 1, ADDR: 0x400 })];
    expect(walk("vtd", entries)).toEqual({ page: 0x404, access: 3 });
  });

  it.each([
    ["no rights", { R: 0, W: 0, X: 0 }],
    ["writes without reads", { R: 0, W: 1, X: 0 }],
  ])("let nothing through where an entry gives %s", (_, fields) => {
    expect(walk("vtd", [...tables(), page({ ...fields, ADDR: 0x123 })])).toBeNull();
  });

  it("let nothing through a page at level 4", () => {
    expect(
      walk("vtd", [[eptTableLayout, { ...all, PS: 1 }], ...tables().slice(1), page({ ADDR: 1 })]),
    ).toBeNull();
  });
});

describe("nested page tables", () => {
  const all = { P: 1, RW: 1, US: 1 };
  const tables = (): [Layout, Fields][] => [
    [nestedTableLayout, all],
    [nestedTableLayout, all],
    [nestedTableLayout, all],
  ];

  it("lead through four levels", () => {
    expect(walk("amdvi", [...tables(), [nestedPageLayout, { ...all, ADDR: 0x123 }]])).toEqual({
      page: 0x123,
      access: 3,
    });
  });

  it("give writes where every entry does", () => {
    const entries = tables().with(2, [nestedTableLayout, { P: 1, US: 1 }]);
    expect(walk("amdvi", [...entries, [nestedPageLayout, { ...all, ADDR: 0x123 }]])?.access).toBe(1);
  });

  it("map 1 GiB at level 3", () => {
    const entries: [Layout, Fields][] = [tables()[0]!, [nestedPageLayout, { ...all, PS: 1, ADDR: 0x40000 }]];
    expect(walk("amdvi", entries)).toEqual({ page: 0x40000 + 3 * 512 + 4, access: 3 });
  });

  it.each(["P", "US"])("let nothing through where %s is clear", (bit) => {
    const entries = tables().with(1, [nestedTableLayout, { ...all, [bit]: 0 }]);
    expect(walk("amdvi", [...entries, [nestedPageLayout, { ...all, ADDR: 0x123 }]])).toBeNull();
  });
});
