/** Which words point where: kept as stores and forgetting change them. Entries of VT-d stand for any. */
import { beforeEach, describe, expect, it } from "vitest";
import { type Pointer, Pointers } from "../windows/pointers.js";
import { pagesWithin } from "../windows/unit.js";
import { OPEN, PhysicalMemory } from "../words/memory.js";
import { profileNamed } from "./profiles.js";
import { VtdUnit } from "./unit.js";
import { walkPlatformOf } from "./walk.js";

const platform = walkPlatformOf(profileNamed("skylake-sp"));
const [TABLE, DATA, OTHER] = [5, 0x100, 0x101];
const WORD = 7;
const KEY = TABLE * 512 + WORD;
const entry = (page: number, access = 3) => page * 4096 + access;

let memory: PhysicalMemory;
let pointers: Pointers;

beforeEach(() => {
  memory = new PhysicalMemory(0x1000);
  pointers = new Pointers(memory, new VtdUnit(platform).entries);
});

/** Stores an entry at a step, with history. */
function store(step: number, low: number): void {
  memory.storeSnooped(TABLE, WORD, low, 0, step);
  pointers.stored(TABLE, WORD, low, 0);
}

const leaf = (page: number, from = 0): Pointer | null => {
  const into = { since: 0, until: 0, access: 0 };
  return pointers.findLeaf(KEY, page, 1, 1, from, into) ? into : null;
};

describe("the words that point to a page", () => {
  it("are those that have done so, and are told by page too", () => {
    store(3, entry(DATA));
    store(5, entry(OTHER));
    expect([...pointers.toPage(DATA)]).toEqual([KEY]);
    expect([...pointers.toPage(OTHER)]).toEqual([KEY]);
    expect([...pointers.inPage(TABLE)]).toEqual([WORD]);
    expect([...pointers.toPage(0x102), ...pointers.inPage(6)]).toEqual([]);
    store(7, 0);
    expect([...pointers.toPage(OTHER)]).toEqual([KEY]);
  });

  it("are none when the entry is not present, or after a reset", () => {
    store(3, DATA * 4096);
    expect([...pointers.toPage(DATA), ...pointers.inPage(TABLE)]).toEqual([]);
    store(4, entry(DATA));
    pointers.reset();
    expect([...pointers.toPage(DATA), ...pointers.inPage(TABLE)]).toEqual([]);
  });

  it("are no more where memory has no history of them", () => {
    for (const page of [DATA, OTHER]) {
      memory.fill(TABLE, WORD, entry(page), 0);
      pointers.stored(TABLE, WORD, entry(page), 0);
    }
    expect([...pointers.toPage(DATA)]).toEqual([]);
    expect([...pointers.toPage(OTHER)]).toEqual([KEY]);
    memory.fill(TABLE, WORD, 0, 0);
    pointers.stored(TABLE, WORD, 0, 0);
    expect([...pointers.toPage(OTHER), ...pointers.inPage(TABLE)]).toEqual([]);
  });
});

describe("the values that map a page", () => {
  it("have the window of all of them, and the rights of any", () => {
    store(3, entry(DATA, 1));
    store(5, entry(OTHER));
    store(7, entry(DATA, 2));
    expect(leaf(DATA)).toEqual({ since: 3, until: OPEN, access: 3 });
    expect(leaf(OTHER)).toEqual({ since: 5, until: 7, access: 3 });
    expect(leaf(0x102)).toBeNull();
  });

  it("are not those that ended before", () => {
    store(3, entry(DATA, 1));
    store(5, entry(OTHER));
    expect([leaf(DATA, 4), leaf(DATA, 5)]).toEqual([{ since: 3, until: 5, access: 1 }, null]);
    expect(pointers.sizesFrom(KEY, DATA, 1, 4)).toEqual([1]);
    expect(pointers.sizesFrom(KEY, DATA, 1, 5)).toEqual([]);
    expect(pointers.sizesFrom(KEY, 0x102, 1, 0)).toEqual([]);
  });
});

describe("the values that point to a table", () => {
  it("are one, with the window of all of them", () => {
    store(3, entry(6, 1));
    store(5, entry(DATA));
    store(7, entry(6, 2));
    const found = pointers.tablePointers(KEY, 6);
    expect(found.map(({ since, until, access }) => ({ since, until, access }))).toEqual([
      { since: 3, until: OPEN, access: 3 },
    ]);
    expect(pointers.tablePointers(KEY, 8)).toEqual([]);
  });
});

describe("runs of pages", () => {
  it("tell how many pages are left in the run of a page", () => {
    const runs = [
      { first: 4, last: 7 },
      { first: 9, last: 9 },
    ];
    expect([3, 4, 7, 8, 9, 10].map((page) => pagesWithin(runs, page))).toEqual([0, 4, 1, 0, 1, 0]);
  });
});
