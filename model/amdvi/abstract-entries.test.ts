/** What the entries of the abstract unit say and which commands remove them, case by case (AMD-Vi 2.2.3, 2.4). */
import { describe, expect, it } from "vitest";
import {
  type DeviceEntry,
  type DirectoryEntry,
  deviceOf,
  type Entry,
  identity,
  isFaulty,
  nameOf,
  removes,
  type TlbEntry,
  tableEntryOf,
} from "./abstract-entries.js";
import type { InvalidationTarget } from "./invalidations.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";

const platform = platformOf(profileNamed("zen1"));
const ALL_PAGES = 2 ** 52;

const device: DeviceEntry = { cache: "device", deviceId: 0x21, page: 1, part: 0, value: [1, 2] };
const found = { end: "table", rule: null, page: 7, level: 1, readable: 1, writable: 1, span: 0x200 } as const;
const directory: DirectoryEntry = { ...found, cache: "directory", domainId: 5, input: 0x412 };
const tlb: TlbEntry = {
  ...found,
  end: "page",
  cache: "tlb",
  deviceId: 0x21,
  domainId: 5,
  input: 0x412,
  access: 3,
  suppresses: false,
};
/** Of a device entry with Mode 0. */
const sizeless: TlbEntry = { ...tlb, span: 0 };
const entries: readonly Entry[] = [device, directory, tlb, sizeless];

const removed = (target: InvalidationTarget) => entries.map((entry) => removes(target, entry));
const pages = (
  firstPage: number,
  pageCount: number,
  directories = true,
  domainId = 5,
): InvalidationTarget => ({
  command: "invalidate-iommu-pages",
  domainId,
  firstPage,
  pageCount,
  directories,
});

describe("what a command removes: device, directory, TLB entries, and one without a size", () => {
  it("INVALIDATE_IOMMU_ALL: all of them", () => {
    expect(removed({ command: "invalidate-iommu-all" })).toEqual([true, true, true, true]);
  });

  it("INVALIDATE_DEVTAB_ENTRY: what was read of that device", () => {
    expect(removed({ command: "invalidate-devtab-entry", deviceId: 0x21 })).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(removed({ command: "invalidate-devtab-entry", deviceId: 0x22 })).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it("INVALIDATE_IOMMU_PAGES: what has a page in the range, of that domain", () => {
    const touched = [false, true, true, false];
    const missed = [false, false, false, false];
    expect(removed(pages(0x400, 1))).toEqual(touched);
    expect(removed(pages(0x5ff, 1))).toEqual(touched);
    expect(removed(pages(0, 0x800))).toEqual(touched);
    expect(removed(pages(0x3ff, 2))).toEqual(touched);
    expect(removed(pages(0x3ff, 1))).toEqual(missed);
    expect(removed(pages(0x600, 1))).toEqual(missed);
    expect(removed(pages(0x400, 1, true, 6))).toEqual(missed);
  });

  it("INVALIDATE_IOMMU_PAGES without PDE: no directory entry", () => {
    expect(removed(pages(0x400, 1, false))).toEqual([false, false, true, false]);
  });

  it("INVALIDATE_IOMMU_PAGES of all pages: what has no size too", () => {
    expect(removed(pages(0, ALL_PAGES))).toEqual([false, true, true, true]);
    expect(removed(pages(0, ALL_PAGES / 2))).toEqual([false, true, true, false]);
    expect(removed(pages(1, ALL_PAGES))).toEqual([false, true, true, false]);
  });
});

describe("table entries", () => {
  const [IR, IW] = [0x20000000, 0x40000000];
  const at = (level: number, next: number, page: number, high = IR | IW, input = 0) =>
    tableEntryOf(platform, { table: 3, level, readable: 1, writable: 1 }, input, [
      ((page << 12) | (next << 9) | 1) >>> 0,
      high,
    ]);

  it("lead to the next table", () => {
    expect(at(3, 2, 5)).toEqual({
      end: "table",
      rule: null,
      page: 5,
      level: 2,
      readable: 1,
      writable: 1,
      span: 0x40000,
    });
  });

  it("map a page of the level, or of the size that the address codes", () => {
    expect(at(1, 0, 5)).toMatchObject({ end: "page", page: 5, span: 1 });
    expect(at(2, 0, 0x200, IR | IW, 0x1234)).toMatchObject({ end: "page", page: 0x234, span: 0x200 });
    // 8 KiB and 32 KiB: address bits 12, and 12 to 14, up to the lowest 0.
    expect(at(1, 7, 0x10, IR | IW, 1)).toMatchObject({ end: "page", page: 0x11, span: 2 });
    expect(at(1, 7, 0x13, IR | IW, 5)).toMatchObject({ end: "page", page: 0x15, span: 8 });
  });

  it("take rights away, one by one", () => {
    expect(at(1, 0, 5, IR)).toMatchObject({ readable: 1, writable: 0 });
    expect(at(1, 0, 5, IW)).toMatchObject({ readable: 0, writable: 1 });
    const none = { table: 3, level: 1, readable: 0, writable: 0 };
    expect(tableEntryOf(platform, none, 0, [0x5001, IR | IW])).toMatchObject({ readable: 0, writable: 0 });
  });

  it("are not present, with the rights of the entries above", () => {
    const above = { table: 3, level: 2, readable: 1, writable: 0 };
    expect(tableEntryOf(platform, above, 0, [0x5000, IR | IW])).toMatchObject({
      end: "not present",
      rule: { id: "amdvi.page-table.present" },
      readable: 1,
      writable: 0,
    });
  });

  it("fault: level, skipped bits, size of a page, reserved bits", () => {
    const rule = (one: ReturnType<typeof at>) => `${one.end} ${one.rule?.id}`;
    expect(rule(at(2, 2, 5))).toBe("fault amdvi.page-table.level-illegal");
    expect(rule(at(2, 3, 5))).toBe("fault amdvi.page-table.level-illegal");
    expect(rule(at(3, 1, 5, IR | IW, 0x1ff))).toBe("table undefined");
    expect(rule(at(3, 1, 5, IR | IW, 0x200))).toBe("fault amdvi.page-table.skipped-bits");
    expect(rule(at(6, 0, 5))).toBe("fault amdvi.page-table.page-size");
    expect(rule(at(2, 7, 0x10))).toBe("fault amdvi.page-table.page-size");
    expect(rule(at(1, 0, 5, IR | IW | 0x100000))).toBe("fault amdvi.page-table.reserved-bits");
  });
});

describe("device table entries", () => {
  it("give domain, levels, table and rights", () => {
    // V, TV, Mode 3, table 3, IR and IW; domain 5.
    const value = [0x3603, 0x60000000, 5, 0];
    expect(deviceOf(platform, 0x21, 0, value)).toMatchObject({
      deviceId: 0x21,
      fault: null,
      domainId: 5,
      levels: 3,
      table: 3,
      access: 3,
      passThrough: false,
      suppresses: false,
    });
  });

  it("fault", () => {
    expect(deviceOf(platform, 0x21, 0, [1, 0, 5, 0]).fault?.id).toBe("amdvi.dte.translation-valid");
    expect(deviceOf(platform, 0x21, 0, [0x3e03, 0x60000000, 5, 0]).fault?.id).toBe("amdvi.dte.mode-illegal");
  });
});

describe("entries in the caches", () => {
  it("fault, or do not", () => {
    expect([directory, tlb].map(isFaulty)).toEqual([false, false]);
    for (const end of ["fault", "not present"] as const) {
      expect(isFaulty({ ...directory, end })).toBe(true);
      expect(isFaulty({ ...tlb, end })).toBe(true);
    }
  });

  it("of Mode 0 are for the page itself, with every right", () => {
    expect(identity(0x77)).toEqual({
      end: "page",
      rule: null,
      page: 0x77,
      level: 0,
      readable: 1,
      writable: 1,
      span: 0,
    });
  });

  it("have names that tell all of them apart", () => {
    const shared = { domainId: 1, input: 1, page: 1, level: 2, readable: 0, writable: 0, span: 1 };
    const variants: Entry[] = [
      ...entries,
      ...Object.entries({ deviceId: 1, page: 2, part: 1, value: [1, 3] }).map(
        ([key, value]) => ({ ...device, [key]: value }) as DeviceEntry,
      ),
      ...Object.entries(shared).map(([key, value]) => ({ ...directory, [key]: value })),
      ...Object.entries({ ...shared, deviceId: 1, access: 1, suppresses: true }).map(
        ([key, value]) => ({ ...tlb, [key]: value }) as TlbEntry,
      ),
    ];
    expect(new Set(variants.map(nameOf)).size).toBe(variants.length);
  });
});
