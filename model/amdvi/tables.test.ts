/** The masks, positions and examples here are written out from the architecture's figures, not from our declarations. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Word } from "../trace.js";
import { decode, encode } from "../words/layout.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import {
  BLOCKING_ENTRY,
  codedPages,
  defaultPages,
  deviceTableEntryLayout,
  largePageAddress,
  pageTableEntryLayout,
  pdeLayout,
  pteLayout,
} from "./tables.js";

const hex = ({ low, high }: Word) => ((BigInt(high) << 32n) | BigInt(low)).toString(16).padStart(16, "0");

/** Pairs of 32-bit halves as 64-bit words. */
function words(halves: Uint32Array): string[] {
  const result: string[] = [];
  for (let at = 0; at < halves.length; at += 2) result.push(hex({ low: halves[at]!, high: halves[at + 1]! }));
  return result;
}

const reservedOn = (profile: string) => platformOf(profileNamed(profile)).reserved;

describe("2.2.2 device table entry", () => {
  it("an entry as a kernel was seen to write it", () => {
    const entry = encode(deviceTableEntryLayout, {
      V: 1,
      TV: 1,
      Mode: 3,
      HostPTRoot: 0x114d7b,
      IR: 1,
      IW: 1,
      DomainID: 0x38,
      IV: 1,
      IntTabLen: 9,
      IntTabRoot: 0x1373b8000 / 64,
      IntCtl: 2,
    });
    expect(entry.map(hex)).toEqual([
      "6000000114d7b603",
      "0000000000000038",
      "20000001373b8013",
      "0000000000000000",
    ]);
  });

  it.each([
    ["HAD", 3, "0000000000000180", 0],
    ["Mode", 7, "0000000000000e00", 0],
    ["HostPTRoot", 2 ** 40 - 1, "000ffffffffff000", 0],
    ["PPR", 1, "0010000000000000", 0],
    ["GPRP", 1, "0020000000000000", 0],
    ["GIoV", 1, "0040000000000000", 0],
    ["GV", 1, "0080000000000000", 0],
    ["GLX", 3, "0300000000000000", 0],
    ["GCR3TRP14:12", 7, "1c00000000000000", 0],
    ["IR", 1, "2000000000000000", 0],
    ["IW", 1, "4000000000000000", 0],
    ["GCR3TRP30:15", 0xffff, "00000000ffff0000", 1],
    ["I", 1, "0000000100000000", 1],
    ["SE", 1, "0000000200000000", 1],
    ["SA", 1, "0000000400000000", 1],
    ["IoCtl", 3, "0000001800000000", 1],
    ["Cache", 1, "0000002000000000", 1],
    ["SD", 1, "0000004000000000", 1],
    ["EX", 1, "0000008000000000", 1],
    ["SysMgt", 3, "0000030000000000", 1],
    ["SATS", 1, "0000040000000000", 1],
    ["GCR3TRP51:31", 0x1fffff, "fffff80000000000", 1],
    ["IG", 1, "0000000000000020", 2],
    ["GuestPagingMode", 3, "00c0000000000000", 2],
    ["InitPass", 1, "0100000000000000", 2],
    ["EIntPass", 1, "0200000000000000", 2],
    ["NMIPass", 1, "0400000000000000", 2],
    ["IntCtl", 3, "3000000000000000", 2],
    ["Lint0Pass", 1, "4000000000000000", 2],
    ["Lint1Pass", 1, "8000000000000000", 2],
    ["vImuEn", 1, "0000000000008000", 3],
    ["GDeviceID", 0xffff, "00000000ffff0000", 3],
    ["GuestID", 0xffff, "0000ffff00000000", 3],
    ["AttrV", 1, "0040000000000000", 3],
    ["Mode0FC", 1, "0080000000000000", 3],
    ["SnoopAttribute", 0xff, "ff00000000000000", 3],
  ])("%s at its place", (name, value, expected, word) => {
    expect(hex(encode(deviceTableEntryLayout, { [name]: value })[word]!)).toBe(expected);
  });

  it("reserved bits of a unit with every feature of the device table but virtual IOMMUs", () => {
    expect(words(reservedOn("raphael").device)).toEqual([
      "800000000000007c",
      "0000000000000000",
      "0030000000000000",
      "ffdfffffffffffff",
    ]);
  });

  it("SATS is reserved without secure ATS; virtual IOMMUs open the last word", () => {
    expect(words(reservedOn("matisse").device)).toEqual([
      "800000000000007c",
      "0000040000000000",
      "0030000000000000",
      "001f000000007fff",
    ]);
  });

  it("PPR, GPRP and GIoV are reserved without their features", () => {
    expect(words(reservedOn("amd-qemu").device).slice(0, 2)).toEqual([
      "807000000000007c",
      "0000040000000000",
    ]);
  });

  it("GV, GLX and GCR3TRP are reserved without guest translation", () => {
    expect(words(reservedOn("milan").device).slice(0, 2)).toEqual(["9f8000000000007c", "fffffc00ffff0000"]);
  });

  it("the blocking entry is V = 1, TV = 0", () => {
    expect(BLOCKING_ENTRY).toEqual({ low: 1, high: 0 });
  });
});

describe("2.2.3 host page table entries", () => {
  it.each([
    ["table of level 2", "pde", { NextLevel: 2, Address: 0x12345 }, "6000000012345401"],
    ["4 KiB page, FC", "pte", { Address: 0xabcde, FC: 1 }, "70000000abcde001"],
    ["2 MiB page", "pte", { Address: 0x40000 }, "6000000040000001"],
    ["accessed and dirty, U", "pte", { A: 1, D: 1, U: 1 }, "6800000000000061"],
    ["page migration", "pte", { PMC: 3 }, "6600000000000001"],
  ] as const)("%s", (_, kind, values, expected) => {
    const [entry] = encode(pageTableEntryLayout(kind), { PR: 1, IR: 1, IW: 1, ...values });
    expect(hex(entry!)).toBe(expected);
  });

  it("reserved: 60:52 of a PDE, 58:52 of a PTE", () => {
    expect(words(reservedOn("zen1").pde)).toEqual(["1ff0000000000000"]);
    expect(words(reservedOn("zen1").pte)).toEqual(["07f0000000000000"]);
  });

  it("PMC is no reserved field where pages may migrate", () => {
    const migrating = { ...profileNamed("genoa"), extendedFeatures2: { low: 4, high: 0 } };
    expect(words(platformOf(migrating).reserved.pte)).toEqual(["01f0000000000000"]);
  });

  it("address bits beyond the physical address width are not reserved", () => {
    expect(profileNamed("amd-qemu").hostAddressWidth).toBe(40);
    expect(words(reservedOn("amd-qemu").pde)).toEqual(["1ff0000000000000"]);
  });
});

describe("2.2.3 pages of coded sizes", () => {
  const [K, M, G] = [2 ** 10, 2 ** 20, 2 ** 30];

  it.each([
    ["8 KiB", 8 * K, 0x80000, "6000000000080e01"],
    ["16 KiB", 16 * K, 0x80000, "6000000000081e01"],
    ["32 KiB", 32 * K, 0x168000, "600000000016be01"],
    ["1 MiB", M, 0x700000, "600000000077fe01"],
    ["4 MiB", 4 * M, 0x800000, "60000000009ffe01"],
    ["16 MiB", 16 * M, 0x3000000, "60000000037ffe01"],
    ["2 GiB", 2 * G, 0x80000000, "60000000bffffe01"],
  ])("%s", (_, size, address, expected) => {
    const Address = largePageAddress(address / 4096, size / 4096);
    const [entry] = encode(pteLayout, { PR: 1, NextLevel: 7, IR: 1, IW: 1, Address });
    expect(hex(entry!)).toBe(expected);
    expect(codedPages(Address)).toBe(size / 4096);
  });

  it("the size and the page come back from the address, whatever they are", () => {
    const ranges = fc.integer({ min: 1, max: 39 }).chain((log) =>
      fc.record({
        pages: fc.constant(2 ** log),
        slot: fc.integer({ min: 0, max: 2 ** Math.min(40 - log, 31) - 1 }),
      }),
    );
    fc.assert(
      fc.property(ranges, ({ pages, slot }) => {
        const Address = largePageAddress(slot * pages, pages);
        const [entry] = encode(pteLayout, { PR: 1, NextLevel: 7, Address });
        const { Address: read } = decode(pdeLayout, [entry!]);
        expect(codedPages(read!)).toBe(pages);
        expect(read! - (read! % pages)).toBe(slot * pages);
      }),
    );
  });

  it("levels map 4 KiB, 2 MiB, 1 GiB, 512 GiB and 256 TiB by default", () => {
    expect([1, 2, 3, 4, 5].map((level) => defaultPages(level) * 4096)).toEqual([
      4 * K,
      2 * M,
      G,
      512 * G,
      2 ** 48,
    ]);
  });
});
