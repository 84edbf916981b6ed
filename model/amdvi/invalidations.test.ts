/** What the invalidation commands must remove and drain (AMD-Vi 2.4.2, 2.4.3, 2.4.8). */
import { describe, expect, it } from "vitest";
import { ANY_REQUESTER, Cache, type CacheTags } from "../windows/invalidation-log.js";
import { NO_DOMAIN } from "../windows/walk.js";
import { encodeCommand, Opcode, parseCommand, rangeAddress } from "./commands.js";
import { type InvalidationTarget, invalidations, targetOf } from "./invalidations.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";

const platform = platformOf(profileNamed("zen1"));
const tags = (given: Partial<CacheTags> = {}): CacheTags => ({
  requester: 8,
  domainId: 5,
  page: 0x10,
  pages: 1,
  ...given,
});

function target(opcode: number, values: Readonly<Record<string, number>> = {}): InvalidationTarget | null {
  const parsed = parseCommand(platform, encodeCommand(opcode, values));
  if ("illegal" in parsed) throw new Error(parsed.illegal.id);
  return targetOf(parsed);
}
const pages = (first: number, count: number, values: Readonly<Record<string, number>> = {}) =>
  target(Opcode.invalidateIommuPages, { DomainID: 5, ...rangeAddress(first, count), ...values })!;
const entry = target(Opcode.invalidateDevtabEntry, { DeviceID: 8 })!;
const all = target(Opcode.invalidateIommuAll)!;
const { device, table, iotlb } = Cache;
const { covers, drains, domainOf, rangeOf, sparesTables } = invalidations;

describe("removal", () => {
  it("INVALIDATE_DEVTAB_ENTRY: the device table entry of that device, nothing else", () => {
    expect(covers(entry, device, tags())).toBe(true);
    expect(covers(entry, device, tags({ requester: 9 }))).toBe(false);
    for (const cache of [table, iotlb]) expect(covers(entry, cache, tags())).toBe(false);
  });

  it("INVALIDATE_IOMMU_PAGES: what overlaps the range, of that domain", () => {
    const range = pages(0x10, 4);
    for (const page of [0x10, 0x13]) expect(covers(range, iotlb, tags({ page }))).toBe(true);
    for (const page of [0xf, 0x14]) expect(covers(range, iotlb, tags({ page }))).toBe(false);
    expect(covers(range, iotlb, tags({ page: 0x1ff, pages: 0x200 }))).toBe(true);
    expect(covers(range, iotlb, tags({ page: 0x200, pages: 0x200 }))).toBe(false);
    expect(covers(range, iotlb, tags({ domainId: 6 }))).toBe(false);
    expect(covers(range, device, tags())).toBe(false);
  });

  it("page directory entries go with PDE = 1 only", () => {
    const reach = tags({ page: 0, pages: 0x200 });
    expect([covers(pages(0x10, 1), table, reach), sparesTables(pages(0x10, 1))]).toEqual([false, true]);
    const both = pages(0x10, 1, { PDE: 1 });
    expect([covers(both, table, reach), covers(both, iotlb, tags()), sparesTables(both)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("a Mode 0 result goes with all pages of its domain, or with everything", () => {
    const result = tags({ pages: 0 });
    expect(covers(pages(0x10, 1), iotlb, result)).toBe(false);
    expect(covers(pages(0, 2 ** 51), iotlb, result)).toBe(false);
    expect(covers(pages(0, 2 ** 52), iotlb, result)).toBe(true);
    expect(covers(all, iotlb, result)).toBe(true);
  });

  it("INVALIDATE_IOMMU_ALL: everything", () => {
    for (const cache of [device, table, iotlb]) expect(covers(all, cache, tags())).toBe(true);
    expect([domainOf(all), rangeOf(all), sparesTables(all)]).toEqual([null, null, false]);
  });

  it("with GN = 1, and by other commands, nothing that the model has", () => {
    expect(target(Opcode.invalidateIommuPages, { DomainID: 5, GN: 1 })).toBeNull();
    expect(target(Opcode.invalidateInterruptTable)).toBeNull();
    expect(target(Opcode.invalidateIotlbPages)).toBeNull();
  });
});

describe("draining", () => {
  it("pages: writes of that domain with every page in the range", () => {
    const range = pages(0x10, 4);
    expect(drains(range, tags({ page: 0x12, pages: 2 }))).toBe(true);
    expect(drains(range, tags({ page: 0x12, pages: 4 }))).toBe(false);
    expect(drains(range, tags({ domainId: NO_DOMAIN, page: 0x12 }))).toBe(false);
    expect([domainOf(range), rangeOf(range)]).toEqual([
      5,
      expect.objectContaining({ firstPage: 0x10, pageCount: 4 }),
    ]);
  });

  it("a device table entry: writes of that device, translated or not", () => {
    expect(drains(entry, tags({ domainId: NO_DOMAIN, page: 0x77 }))).toBe(true);
    expect(drains(entry, tags({ requester: ANY_REQUESTER }))).toBe(false);
    expect([domainOf(entry), rangeOf(entry)]).toEqual([null, null]);
  });

  it("everything: every write", () => {
    expect(drains(all, tags({ requester: ANY_REQUESTER, domainId: NO_DOMAIN }))).toBe(true);
  });
});
