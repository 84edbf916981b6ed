import { describe, expect, it } from "vitest";
import { SteeringRegisters } from "../windows/steering.js";
import { TableGraph } from "../windows/table-graph.js";
import { PhysicalMemory } from "../words/memory.js";
import { profileNamed } from "./profiles.js";
import { VtdUnit } from "./unit.js";
import { walkPlatformOf } from "./walk.js";

const [ROOT, CONTEXT, TOP, MIDDLE, LOWEST] = [1, 2, 3, 4, 5] as const;
const FUNCTION = 0x20;
const DOMAIN = 7;

/** Three levels of tables of one function, with an entry for the page at 0x40201. */
class Tables {
  readonly memory = new PhysicalMemory(64);
  readonly graph: TableGraph;
  private step = 0;

  constructor() {
    const steering = new SteeringRegisters();
    steering.reset(true, ROOT);
    this.graph = new TableGraph(
      new VtdUnit(walkPlatformOf(profileNamed("qemu-39"))),
      this.memory,
      steering,
      [FUNCTION],
      () => false,
      () => false,
    );
    this.store(ROOT, 0, (CONTEXT << 12) | 1);
    this.store(CONTEXT, FUNCTION * 2 + 1, (DOMAIN << 8) | 1);
    this.store(CONTEXT, FUNCTION * 2, (TOP << 12) | 1);
    this.store(TOP, 1, (MIDDLE << 12) | 3);
    this.store(MIDDLE, 1, (LOWEST << 12) | 3);
    this.store(LOWEST, 1, (20 << 12) | 3);
  }

  store(page: number, word: number, low: number): void {
    this.memory.store(page, word, low, 0, ++this.step);
    this.graph.pointers.stored(page, word, low, 0);
    this.graph.steered();
  }

  rolesOf(page: number): [level: number, iova: number][] {
    return this.graph.rolesOf(page).map(({ level, iova }) => [level, iova]);
  }

  leaves(): [iova: number, page: number, pages: number, access: number][] {
    const found: [number, number, number, number][] = [];
    for (const top of this.graph.tops.of(DOMAIN))
      this.graph.leavesUnder(
        top,
        ({ iova, page, pages, access }) => found.push([iova, page, pages, access]) < 0,
      );
    return found;
  }
}

describe("the way from a table to the requesters it serves", () => {
  it("gives level and address by the entries that lead to it", () => {
    const tables = new Tables();
    expect([TOP, MIDDLE, LOWEST, 20].map((page) => tables.rolesOf(page))).toEqual([
      [[3, 0]],
      [[2, 0x40000]],
      [[1, 0x40200]],
      [],
    ]);
    expect([ROOT, CONTEXT, TOP].map((page) => tables.graph.tops.isUpper(page))).toEqual([true, true, false]);
    expect(tables.graph.tops.sharing(DOMAIN)).toEqual([FUNCTION]);
  });

  it("stays while an old value may be cached, and says since when it is old", () => {
    const tables = new Tables();
    tables.store(MIDDLE, 1, 0);
    expect(tables.graph.rolesOf(LOWEST).map(({ until }) => until)).toEqual([7]);
  });

  it("is no way where an entry above came later than the one below was gone", () => {
    const tables = new Tables();
    tables.store(MIDDLE, 1, 0);
    tables.store(TOP, 2, (MIDDLE << 12) | 3);
    expect(tables.rolesOf(LOWEST)).toEqual([[1, 0x40200]]);
    expect(tables.rolesOf(MIDDLE)).toEqual([
      [2, 0x40000],
      [2, 0x80000],
    ]);
  });

  it("does not lead through an entry that maps a large page", () => {
    const tables = new Tables();
    tables.store(MIDDLE, 3, (LOWEST << 12) | 0x83);
    expect(tables.rolesOf(LOWEST)).toEqual([[1, 0x40200]]);
  });
});

describe("the entries that map pages", () => {
  it("are found in every value they have held since the entries above were there", () => {
    const tables = new Tables();
    tables.store(LOWEST, 1, (21 << 12) | 1);
    tables.store(MIDDLE, 0, 0x83);
    expect(tables.leaves()).toEqual([
      [0x40201, 21, 1, 1],
      [0x40201, 20, 1, 3],
      [0x40000, 0, 512, 3],
    ]);
    tables.store(LOWEST, 1, 0);
    tables.store(MIDDLE, 2, (LOWEST << 12) | 3);
    expect(tables.leaves().filter(([iova]) => iova >= 0x40400)).toEqual([]);
  });

  it("are forgotten with their last value", () => {
    const tables = new Tables();
    tables.store(LOWEST, 1, 0);
    expect(tables.leaves().length).toBe(1);
    tables.memory.forget(
      () => Number.MAX_SAFE_INTEGER,
      (page, word, low, high) => tables.graph.forgot(page, word, low, high),
    );
    expect([tables.leaves(), [...tables.graph.pointers.toPage(20)]]).toEqual([[], []]);
  });
});
