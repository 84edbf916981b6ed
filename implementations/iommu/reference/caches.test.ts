import { describe, expect, it } from "vitest";
import { Cache } from "../../../model/windows/invalidation-log.js";
import { Translation } from "../../../model/windows/walk.js";
import { Chance } from "../../../model/words/chance.js";
import { Caches, type Mapping, overlaps } from "./caches.js";

/** Caches that are cleared by invalidations named after them; `some` may take a mapping. */
function fresh(seed = 1): Caches<string> {
  const chance = new Chance();
  chance.seed(seed);
  const rules = {
    device: (target: string) => target === "devices",
    table: (target: string) => target === "tables",
    mapping: (target: string) => target === "mappings",
    mayTake: (target: string) => target === "some",
  };
  return new Caches(chance, rules);
}

/** A walk that ended at `level` for a page, under domain id 5. */
function walked(input: number, level: number, hostPage: number): Translation {
  const walk = new Translation();
  walk.start(input);
  return Object.assign(walk, { domainId: 5, level, page: hostPage, table: 0x77 });
}

function filled(seed = 1): Caches<string> {
  const caches = fresh(seed);
  caches.addDevice({ requester: 0x20, domainId: 5, low: 1, high: 0, low2: 0, high2: 0 });
  caches.addTable(walked(0x205, 1, 0), 2);
  caches.addMapping(0x20, walked(0x205, 1, 0x1005), { pages: 1 });
  return caches;
}

const counts = ({ devices, tables, mappings }: Caches<string>) => [
  devices.length,
  tables.length,
  mappings.length,
];

describe("caches of the reference IOMMU", () => {
  it("keep a large page whole or as the piece that was asked for, and answer alike", () => {
    const shapes = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      const caches = fresh(seed);
      caches.addMapping(0x20, walked(0x205, 2, 0x1005), { pages: 512 });
      const [entry] = caches.mappings;
      shapes.add(entry!.pageCount);
      expect(entry!.page + (0x205 - entry!.firstPage)).toBe(0x1005);
      expect(entry!.firstPage).toBe(entry!.pageCount === 1 ? 0x205 : 0x200);
      expect(entry!.mappedPages).toBe(512);
    }
    expect(shapes).toEqual(new Set([1, 512]));
  });

  it("keep a result without page size for the page that was asked for", () => {
    const caches = fresh();
    caches.addMapping(0x20, walked(0x205, 0, 0x205), { pages: 0 });
    expect(caches.mappings).toMatchObject([{ firstPage: 0x205, pageCount: 1, page: 0x205, mappedPages: 0 }]);
  });

  it("keep what is an answer for fewer pages than were mapped", () => {
    const caches = fresh();
    caches.addMapping(0x20, walked(0x205, 1, 0x1005), { pages: 16, kept: 1, cache: Cache.table });
    expect(caches.mappings).toMatchObject([
      { cache: Cache.table, firstPage: 0x205, pageCount: 1, mappedPages: 16 },
    ]);
  });

  it("keep a table with the region it maps, and the one of the entry that led to it", () => {
    const caches = fresh();
    caches.addTable(walked(0x123456, 1, 0), 3);
    expect(caches.tables).toMatchObject([
      { domainId: 5, level: 1, firstPage: 0x123400, pages: 0x40000, table: 0x77 },
    ]);
  });

  it("drop what the rules name, and what may go sometimes", () => {
    const left = (target: string, seed = 1) => {
      const caches = filled(seed);
      caches.invalidate(target);
      return counts(caches).join();
    };
    expect([left("devices"), left("tables"), left("mappings"), left("nothing")]).toEqual([
      "0,1,1",
      "1,0,1",
      "1,1,0",
      "1,1,1",
    ]);
    const sometimes = new Set(Array.from({ length: 20 }, (_, seed) => left("some", seed)));
    expect(sometimes).toEqual(new Set(["1,1,0", "1,1,1"]));
  });

  it("are finite: the newest entry is always kept; and any may be dropped", () => {
    const caches = fresh();
    for (let index = 0; index < 100; index++) {
      caches.addMapping(0x20, walked(index, 1, index), { pages: 1 });
      expect(caches.mappings.some((one) => one.firstPage === index)).toBe(true);
    }
    expect(caches.mappings.length).toBeLessThan(10);
    for (let index = 0; index < 100; index++) caches.evictOne();
    expect(counts(caches)).toEqual([0, 0, 0]);
  });

  it("overlap ranges that share a page", () => {
    const entry = { firstPage: 0x200, pageCount: 0x200 } as Mapping;
    expect([0x1ff, 0x200, 0x3ff, 0x400].map((page) => overlaps(entry, page, 1))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(overlaps(entry, 0x100, 0x101)).toBe(true);
  });
});
