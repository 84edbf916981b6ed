/** Entries written out by hand from the figures that kernels' headers and emulators agree on. */
import { describe, expect, it } from "vitest";
import { decode, type Layout } from "../words/layout.js";
import { wordsOf } from "../words/shown-fields.js";
import {
  gcr3EntryLayout,
  guestApicLogLayout,
  guestInterruptLayout,
  guestLayouts,
  interruptEntry32Layout,
  interruptEntry128Layout,
  pageRequestLayout,
  rmpHardwareErrorLayout,
  rmpPageFaultLayout,
} from "./layout-guest.js";
import type { AmdViFeatures } from "./profile.js";

function set(of: Layout<AmdViFeatures>, ...words: bigint[]): Record<string, number> {
  const number = words.reduceRight((sum, one) => (sum << 64n) | one, 0n);
  return Object.fromEntries(
    Object.entries(decode(of, wordsOf(number, of.width))).filter(([, value]) => value !== 0),
  );
}

describe("2.2.6 guest tables", () => {
  const of = (level: number, leaf: boolean) =>
    guestLayouts.find((one) => one.level === level && one.leaf === leaf)!.layout;

  it("a GCR3 entry has V in bit 0 and the pointer in 51:12", () => {
    expect(set(gcr3EntryLayout, 0x101fe7001n)).toEqual({ V: 1, Address: 0x101fe7 });
  });

  it("pages are those of the processor", () => {
    expect(set(of(1, true), 0x8000000012345167n)).toEqual({
      ...{ P: 1, "R/W": 1, "U/S": 1, A: 1, D: 1, G: 1, Address: 0x12345, NX: 1 },
    });
    expect(set(of(2, true), 0x402010e7n)).toMatchObject({ PS: 1, PAT: 1, Address: 0x201 });
    expect(set(of(3, true), 0xc00000e7n)).toMatchObject({ PS: 1, Address: 3 });
  });

  it("tables have their address in 51:12", () => {
    for (const level of [2, 3, 4, 5])
      expect(set(of(level, false), 0xabcdef012027n)).toMatchObject({ P: 1, A: 1, Address: 0xabcdef012 });
  });
});

describe("2.2.5 interrupt table entries", () => {
  it("of 32 bits: destination in 15:8, vector in 23:16", () => {
    expect(set(interruptEntry32Layout, 0x00310245n)).toEqual({
      ...{ RemapEn: 1, IntType: 1, DM: 1, Destination: 2, Vector: 0x31 },
    });
  });

  it("of 128 bits: the vector begins the second word, the destination is in 31:8 and 127:120", () => {
    expect(set(interruptEntry128Layout, 0x0000_0201n, 0x0100_0000_0000_0031n)).toEqual({
      ...{ RemapEn: 1, DestLow: 2, Vector: 0x31, DestHigh: 1 },
    });
  });

  it("in guest mode: tag in 63:32, backing page in 115:76", () => {
    expect(set(guestInterruptLayout, 0xabcd_0000_02c5n, 0x0000_0001_2345_6041n)).toEqual({
      ...{ RemapEn: 1, GALogIntr: 1, IsRun: 1, GuestMode: 1, DestLow: 2, GATag: 0xabcd },
      ...{ Vector: 0x41, vAPIC: 0x123456 },
    });
  });
});

describe("2.6, 2.7 logs", () => {
  it("a page request to write by a user of PASID 1234Ah, group 155h", () => {
    const first = 0x1160_0555_234a_0300n;
    expect(set(pageRequestLayout, first, 0x7f0000001000n)).toEqual({
      ...{ DeviceID: 0x300, "PASID15:0": 0x234a, Tag: 0x155, "PASID19:16": 1 },
      ...{ W: 1, US: 1, GN: 1, PPRCode: 1, Address: 0x7f0000001 },
    });
  });

  it("a virtual interrupt that was not delivered", () => {
    expect(set(guestApicLogLayout, 0x1000_0300_0000_abcdn)).toEqual({
      ...{ GATag: 0xabcd, DeviceID: 0x300, GACode: 1 },
    });
  });

  it("reverse map events are codes Dh and Eh", () => {
    expect(set(rmpPageFaultLayout, 0xd020_0007_0004_0300n, 0x12345000n)).toEqual({
      ...{ DeviceID: 0x300, FlagsRMP: 4, VMGTag: 7, Flags: 0x20, EventCode: 13, AddressLow: 0x12345000 },
    });
    expect(set(rmpHardwareErrorLayout, 0xe000_0007_0000_0300n, 0x40n)).toEqual({
      ...{ DeviceID: 0x300, VMGTag: 7, EventCode: 14, AddressLow: 8 },
    });
  });
});
