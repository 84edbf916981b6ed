import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { platformOf } from "../../../model/amdvi/profile.js";
import { profileNamed } from "../../../model/amdvi/profiles.js";
import type { AmdViFaultRule } from "../../../model/amdvi/rules.js";
import { lookUpDevice, translate } from "../../../model/amdvi/walk.js";
import { type Structure, type TableReader, Translation } from "../../../model/windows/walk.js";
import type { Access, DriverMapping } from "../interface.js";
import { amdViDriver } from "./index.js";

const DEVICE = { name: "a", requesters: [0x20] };
const profile = profileNamed("zen1");
const platform = platformOf(profile);
const ROOT = 1;
const FIRST_TABLE = 16;

/** Memory that the driver stores to, and that a walk without caches reads. */
class Memory implements TableReader {
  low = 0;
  high = 0;
  low2 = 0;
  high2 = 0;
  private readonly words = new Map<number, { low: number; high: number }>();
  readonly tables = new Set<number>();
  private next = FIRST_TABLE;
  private readonly driver = amdViDriver({
    profile,
    invalidation: "queue",
    flushing: "strict",
    start: "reset",
    rootPage: ROOT,
    rootPages: 1,
    queuePage: 2,
    statusPage: 3,
    logPage: 4,
  });

  constructor(private readonly afterStore: () => void) {
    this.run(this.driver.start());
    this.run(this.driver.attach(DEVICE, "d", 1));
  }

  map(mapping: DriverMapping): void {
    this.run(this.driver.map("d", mapping, 2));
  }

  protect(mapping: DriverMapping): void {
    this.run(this.driver.protect("d", mapping, 2));
  }

  unmap(mapping: DriverMapping): void {
    this.run(this.driver.unmap("d", mapping, 2));
  }

  merge(mapping: DriverMapping): void {
    this.run(this.driver.merge("d", mapping, 2));
  }

  destroy(): void {
    this.run(this.driver.detach(DEVICE, 2));
    this.run(this.driver.destroy("d", 2));
  }

  /** Where a page leads, and the rights there; null when nowhere. */
  mappingOf(iova: number): { page: number; access: number } | null {
    const out = new Translation<AmdViFaultRule>();
    if (lookUpDevice(platform, this, DEVICE.requesters[0]!, iova, out)) translate(platform, this, out);
    if (out.fault || out.notPresent) return null;
    return { page: out.page, access: out.readable | (out.writable << 1) };
  }

  translationEnabled(): boolean {
    return true;
  }

  tablePointer(): number {
    return ROOT * 512;
  }

  startLevel(): void {}

  tableReached(): void {}

  read(_: Structure, page: number, word: number): boolean {
    const [first, second] = [this.wordAt(page, word), this.wordAt(page, word + 1)];
    Object.assign(this, first);
    this.low2 = second.low;
    this.high2 = second.high;
    return true;
  }

  private wordAt(page: number, word: number) {
    return this.words.get(page * 512 + word) ?? { low: 0, high: 0 };
  }

  private run(routine: Iterator<Access, void, { low: number; high: number }>): void {
    let answer = { low: 0, high: 0 };
    for (let next = routine.next(answer); !next.done; next = routine.next(answer))
      answer = this.answerTo(next.value);
  }

  private answerTo(access: Access): { low: number; high: number } {
    switch (access.do) {
      case "store":
        this.words.set(access.page * 512 + access.word, { low: access.low, high: access.high });
        if (access.page >= FIRST_TABLE) this.afterStore();
        break;
      case "allocate-table":
        this.tables.add(this.next);
        return { low: this.next++, high: 0 };
      case "free-table":
        expect(this.tables.delete(access.page)).toBe(true);
        break;
      case "poll-memory":
        return { low: 1, high: 0 };
    }
    return { low: 0, high: 0 };
  }
}

const GIGABYTE = 0x40000;
/** Pages that a size-coded leaf, one of 2 MiB, its neighbours, or a further level is about. */
const STARTS = [0, 0, 1, 6, 8, 500, 512, GIGABYTE - 8, GIGABYTE + 512];
const LENGTHS = [1, 2, 3, 8, 16, 31, 512, 512, 1024];
const DELTAS = [0, 8, 512];

const operation = fc.record({
  kind: fc.constantFrom("map", "map", "unmap", "protect", "protect", "merge", "merge"),
  start: fc.constantFrom(...STARTS),
  length: fc.constantFrom(...LENGTHS),
  delta: fc.constantFrom(...DELTAS),
  access: fc.constantFrom(1, 2, 3),
});

describe("page tables", () => {
  it("say what was asked for after every intent, and what does not change is said at every moment", () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 5, maxLength: 40 }), (operations) => {
        const shadow = new Map<number, { page: number; access: number }>();
        /** Pages with entries that stay as they are. */
        let steady: number[] = [];
        let stores = 0;
        const memory = new Memory(() => {
          const at = steady[stores++ % Math.max(1, steady.length)];
          if (at !== undefined) expect(memory.mappingOf(at)).toEqual(shadow.get(at));
        });
        for (const { kind, start, length, delta, access } of operations) {
          const pages = Array.from({ length }, (_, index) => start + index);
          const mapping = { iova: start, page: start + delta, pages: length, access };
          const mapped = pages.filter((one) => shadow.has(one));
          const first = shadow.get(start);
          const isRun = pages.every((one) => shadow.get(one)?.page === (first?.page ?? 0) + one - start);
          steady = [...shadow.keys()].filter(
            (one) => kind === "merge" || one < start || one >= start + length,
          );
          if (kind === "map" && mapped.length === 0) {
            memory.map(mapping);
            for (const one of pages) shadow.set(one, { page: one + delta, access });
          } else if (!first || !isRun) continue;
          else if (kind === "unmap") {
            memory.unmap({ ...mapping, page: first.page });
            for (const one of pages) shadow.delete(one);
          } else if (kind === "protect") {
            memory.protect({ ...mapping, page: first.page });
            for (const one of pages) shadow.set(one, { page: shadow.get(one)!.page, access });
          } else if (pages.every((one) => shadow.get(one)!.access === first.access))
            memory.merge({ ...mapping, page: first.page, access: first.access });
          const middle = start + (length >>> 1);
          for (const one of [start - 1, start, start + 1, middle, start + length - 1, start + length])
            if (one >= 0) expect(memory.mappingOf(one)).toEqual(shadow.get(one) ?? null);
        }
        for (const [one, expected] of shadow) expect(memory.mappingOf(one)).toEqual(expected);
        steady = [];
        for (const [one, { page }] of shadow) memory.unmap({ iova: one, page, pages: 1, access: 0 });
        memory.destroy();
        expect(memory.tables.size).toBe(0);
      }),
      { numRuns: 40 },
    );
  });
});
