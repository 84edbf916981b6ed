/** Commands as kernels write them, and sizes of ranges, written out from the specification's figures. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Word } from "../trace.js";
import { encode } from "../words/layout.js";
import {
  ALL_PAGES,
  commandTypes,
  encodeCommand,
  invalidateIommuPagesLayout,
  Opcode,
  parseCommand,
  rangeAddress,
  rangeOf,
} from "./commands.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";

/** Zen 1 with prefetch: every feature that has a command but virtual IOMMUs. */
const { extendedFeatures, ...zen1 } = profileNamed("zen1");
const platform = platformOf({
  ...zen1,
  extendedFeatures: { ...extendedFeatures, low: extendedFeatures.low | 1 },
});

const word = (hex: string): Word => {
  const value = BigInt(`0x${hex}`);
  return { low: Number(value & 0xffffffffn), high: Number(value >> 32n) };
};
const hex = ({ low, high }: Word) => ((BigInt(high) << 32n) | BigInt(low)).toString(16);
const parsed = (first: string, second = "0", on = platform) => parseCommand(on, [word(first), word(second)]);

/** Pages of the whole address space, from the first. */
const EVERYTHING = { firstPage: 0, pageCount: 2 ** 52 };

describe("2.4 commands", () => {
  it.each([
    [
      "COMPLETION_WAIT, store",
      "1000000100835001",
      "3c00",
      {
        command: "completion-wait",
        store: { page: 0x100835, word: 0, data: { low: 0x3c00, high: 0 } },
        interrupt: false,
        flush: false,
      },
    ],
    [
      "COMPLETION_WAIT, interrupt and flush",
      "1000000000000006",
      "0",
      { command: "completion-wait", store: null, interrupt: true, flush: true },
    ],
    [
      "COMPLETION_WAIT, last word of a page",
      "1000000000200ff9",
      "123456789abcdef0",
      {
        command: "completion-wait",
        store: { page: 0x200, word: 511, data: { low: 0x9abcdef0, high: 0x12345678 } },
        interrupt: false,
        flush: false,
      },
    ],
    [
      "INVALIDATE_DEVTAB_ENTRY 00:14.0",
      "20000000000000a0",
      "0",
      { command: "invalidate-devtab-entry", deviceId: 0xa0 },
    ],
    [
      "INVALIDATE_IOMMU_PAGES, domain 5, all, PDE",
      "3000000500000000",
      "7ffffffffffff003",
      {
        command: "invalidate-iommu-pages",
        domainId: 5,
        directories: true,
        guest: false,
        pasid: 0,
        ...EVERYTHING,
      },
    ],
    [
      "INVALIDATE_IOMMU_PAGES, guest",
      "3000ffff000fffff",
      "1004",
      {
        command: "invalidate-iommu-pages",
        domainId: 0xffff,
        directories: false,
        guest: true,
        pasid: 0xfffff,
        firstPage: 1,
        pageCount: 1,
      },
    ],
    [
      "INVALIDATE_IOTLB_PAGES 03:00.0",
      "4000030020000300",
      "5000",
      {
        command: "invalidate-iotlb-pages",
        deviceId: 0x300,
        queueId: 0x300,
        type: 0,
        guest: false,
        pasid: 0,
        firstPage: 5,
        pageCount: 1,
      },
    ],
    [
      "the same with PASID 1234Ah",
      "414a030020230300",
      "5004",
      {
        command: "invalidate-iotlb-pages",
        deviceId: 0x300,
        queueId: 0x300,
        type: 0,
        guest: true,
        pasid: 0x1234a,
        firstPage: 5,
        pageCount: 1,
      },
    ],
    [
      "INVALIDATE_INTERRUPT_TABLE 00:14.0",
      "50000000000000a0",
      "0",
      { command: "invalidate-interrupt-table", deviceId: 0xa0 },
    ],
    [
      "PREFETCH_IOMMU_PAGES",
      "6000000704000300",
      "2011",
      {
        command: "prefetch-iommu-pages",
        deviceId: 0x300,
        count: 4,
        guest: false,
        pasid: 7,
        firstPage: 2,
        pageCount: 2,
      },
    ],
    [
      "COMPLETE_PPR_REQUEST, success",
      "7000000700000300",
      "5500000004",
      { command: "complete-ppr-request", deviceId: 0x300, tag: 0x55 },
    ],
    ["INVALIDATE_IOMMU_ALL", "8000000000000000", "0", { command: "invalidate-iommu-all" }],
  ])("%s", (_, first, second, expected) => {
    expect(parsed(first, second)).toEqual(expected);
  });

  it("commands of virtual IOMMUs", () => {
    const matisse = platformOf(profileNamed("matisse"));
    expect(parsed("9000000300000000", "0", matisse)).toEqual({ command: "insert-guest-event", guestId: 3 });
    expect(parsed("a000000088000003", "0", matisse)).toEqual({ command: "reset-vmmio", guestId: 3 });
  });

  it("what is encoded has its opcode", () => {
    expect(
      encodeCommand(Opcode.completionWait, { s: 1, StoreAddress: 0x100835000 / 8, StoreDataLow: 0x3c00 }).map(
        hex,
      ),
    ).toEqual(["1000000100835001", "3c00"]);
    expect(encodeCommand(Opcode.invalidateIommuAll).map(hex)).toEqual(["8000000000000000", "0"]);
  });
});

describe("2.5.6 illegal commands", () => {
  const illegal = (first: string, second?: string, on = platform) => {
    const result = parsed(first, second, on);
    return "illegal" in result ? result.illegal.id : "legal";
  };

  it.each(["0", "b", "c", "d", "e", "f"])("opcode %s", (opcode) => {
    expect(illegal(`${opcode}000000000000000`)).toBe("amdvi.commands.opcode");
  });

  it("commands of features that the unit lacks", () => {
    const bare = platformOf({
      ...profileNamed("zen1"),
      extendedFeatures: { low: 0, high: 0 },
      remoteIotlbs: false,
    });
    const lacking = ["4", "6", "7", "8", "9", "a"];
    for (const opcode of ["1", "2", "3", "5"])
      expect(illegal(`${opcode}000000000000000`, "0", bare)).toBe("legal");
    for (const opcode of lacking)
      expect(illegal(`${opcode}000000000000000`, "0", bare)).toBe("amdvi.commands.unsupported");
    expect(illegal("8000000000000000", "0", platformOf(profileNamed("family-15h")))).toBe(
      "amdvi.commands.unsupported",
    );
  });

  // Bits that each command leaves free, first and second word.
  it.each([
    ["1", "0ff0000000000000", "0"],
    ["2", "0fffffffffff0000", "ffffffffffffffff"],
    ["3", "0fff0000fff00000", "0000000000000ff8"],
    ["4", "0", "0000000000000fca"],
    ["5", "0fffffffffff0000", "ffffffffffffffff"],
    ["6", "0ff0000000ff0000", "0000000000000fea"],
    ["7", "0ff00000ffff0000", "ffff0000fffffffb"],
    ["8", "0fffffffffffffff", "ffffffffffffffff"],
  ])("reserved bits of opcode %s", (opcode, first, second) => {
    const base = BigInt(`0x${opcode}`) << 60n;
    for (let bit = 0n; bit < 60n; bit++) {
      const reserved = ((BigInt(`0x${first}`) >> bit) & 1n) === 1n;
      expect(illegal((base | (1n << bit)).toString(16))).toBe(
        reserved ? "amdvi.commands.reserved-bits" : "legal",
      );
    }
    for (let bit = 0n; bit < 64n; bit++) {
      const reserved = ((BigInt(`0x${second}`) >> bit) & 1n) === 1n;
      expect(illegal(base.toString(16), (1n << bit).toString(16))).toBe(
        reserved ? "amdvi.commands.reserved-bits" : "legal",
      );
    }
  });

  it("Type of INVALIDATE_IOTLB_PAGES is reserved where there are no types", () => {
    expect(illegal("4000000000000000", "30")).toBe("legal");
    expect(illegal("4000000000000000", "30", platformOf(profileNamed("amd-qemu")))).toBe(
      "amdvi.commands.reserved-bits",
    );
  });

  it("every opcode of the table has a layout of 128 bits with the opcode on top", () => {
    expect(Object.keys(commandTypes).map(Number)).toEqual(Object.values(Opcode));
    for (const opcode of Object.values(Opcode)) expect(encodeCommand(opcode)[0]!.high >>> 28).toBe(opcode);
  });
});

describe("2.4.3 ranges", () => {
  const second = (firstPage: number, pageCount: number) =>
    hex(encode(invalidateIommuPagesLayout, rangeAddress(firstPage, pageCount))[1]!);

  it.each([
    ["one page", 1, 1, "1000", { firstPage: 1, pageCount: 1 }],
    ["8 KiB", 2, 2, "2001", { firstPage: 2, pageCount: 2 }],
    ["two pages across 8 KiB: 16 KiB", 1, 2, "1001", { firstPage: 0, pageCount: 4 }],
    ["2 MiB", 0x200, 0x200, "2ff001", { firstPage: 0x200, pageCount: 0x200 }],
    ["1 GiB", 0x40000, 0x40000, "5ffff001", { firstPage: 0x40000, pageCount: 0x40000 }],
    ["2^51 bytes", 0, 2 ** 39, "3fffffffff001", { firstPage: 0, pageCount: 2 ** 39 }],
    ["2^52 bytes", 0, 2 ** 40, "7fffffffff001", { firstPage: 0, pageCount: 2 ** 40 }],
    ["everything", 0, ALL_PAGES, "7ffffffffffff001", EVERYTHING],
  ])("%s", (_, firstPage, pageCount, expected, covered) => {
    expect(second(firstPage, pageCount)).toBe(expected);
    const { Address, S } = rangeAddress(firstPage, pageCount);
    expect(rangeOf(Address, S)).toEqual(covered);
  });

  it("ones only are everything", () => {
    expect(rangeOf(2 ** 52 - 1, 1)).toEqual(EVERYTHING);
  });

  it("a range is covered by the smallest aligned power of two", () => {
    const pages = fc.record({
      firstPage: fc.integer({ min: 0, max: 2 ** 36 }),
      pageCount: fc.integer({ min: 1, max: 2 ** 20 }),
    });
    fc.assert(
      fc.property(pages, ({ firstPage, pageCount }) => {
        const { Address, S } = rangeAddress(firstPage, pageCount);
        const range = rangeOf(Address, S);
        const last = firstPage + pageCount - 1;
        expect(range.firstPage).toBeLessThanOrEqual(firstPage);
        expect(range.firstPage + range.pageCount - 1).toBeGreaterThanOrEqual(last);
        expect(range.firstPage % range.pageCount).toBe(0);
        const half = range.pageCount / 2;
        if (half >= 1) expect(Math.floor(firstPage / half)).not.toBe(Math.floor(last / half));
      }),
    );
  });
});
