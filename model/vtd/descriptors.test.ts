/** Descriptors as drivers write them: raw words from VT-d 6.5.2, never from our own encoder. */
import { describe, expect, it } from "vitest";
import {
  contextDescriptor,
  contextTarget,
  type Descriptor,
  DescriptorDecoder,
  deviceTlbDescriptor,
  encodeDescriptor,
  interruptEntryDescriptor,
  iotlbDescriptor,
  pageSelective,
  waitDescriptor,
} from "./descriptors.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";

type Words = readonly [low: number, high: number, low2: number, high2: number];

function decodeOn(profile: string, ...words: Words): Descriptor {
  return new DescriptorDecoder(platformOf(profileNamed(profile))).decode(...words);
}

/** Decoded on a platform with 46-bit addresses, device TLBs and interrupt remapping. */
const decode = (low: number, high = 0, low2 = 0, high2 = 0) => decodeOn("skylake-sp", low, high, low2, high2);

function codes(descriptor: Descriptor): readonly number[] | string {
  return descriptor.kind === "error" ? descriptor.codes : descriptor.kind;
}

const BAD_TYPE = [3];
const RESERVED_BITS = [4];
const EITHER = [3, 4];

describe("6.5.2.1 context-cache invalidate", () => {
  it("global 11h, domain 5 21h, function 20h of domain 5 31h", () => {
    expect(decode(0x11)).toMatchObject({ target: { cache: "context", granularity: "global" } });
    expect(decode(0x0005_0021)).toMatchObject({
      target: { cache: "context", granularity: "domain", domainId: 5 },
    });
    expect(decode(0x0005_0031, 0x20)).toEqual({
      kind: "invalidate",
      drainsWrites: false,
      target: { cache: "context", granularity: "device", domainId: 5, sourceId: 0x20, ignoredSourceBits: 0 },
    });
  });

  it("FM leaves out bit 2, bits 2:1, bits 2:0 of the function", () => {
    const ignored = (mask: number) => contextTarget(3, 5, 0x20, mask);
    expect([0, 1, 2, 3].map(ignored)).toMatchObject(
      [0b000, 0b100, 0b110, 0b111].map((bits) => ({ ignoredSourceBits: bits })),
    );
    expect(decode(0x0005_0031, 0x0002_0020)).toMatchObject({ target: { ignoredSourceBits: 0b110 } });
  });

  it("reserved bits 8:6, 15:12, 63:50 and 127:64", () => {
    for (const bit of [6, 7, 8, 12, 15]) expect(codes(decode(0x11 | (1 << bit)))).toEqual(RESERVED_BITS);
    expect(codes(decode(0x11, 1 << 18))).toEqual(RESERVED_BITS);
    expect(codes(decode(0x11, 0, 1))).toEqual(RESERVED_BITS);
    expect(codes(decode(0x11, 0, 0, 0x80000000))).toEqual(RESERVED_BITS);
  });

  it("granularity 00b is an invalid descriptor; the text names no code", () => {
    expect(codes(decode(0x0005_0001))).toEqual(EITHER);
    expect(contextTarget(0, 5, 0x20, 0)).toBeNull();
  });
});

describe("6.5.2.3 IOTLB invalidate", () => {
  it("global D2h, domain 5 E2h, with drain of reads and writes", () => {
    expect(decode(0xd2)).toEqual({
      kind: "invalidate",
      drainsWrites: true,
      target: { cache: "iotlb", granularity: "global" },
    });
    expect(decode(0x0005_00e2)).toMatchObject({
      target: { cache: "iotlb", granularity: "domain", domainId: 5 },
    });
  });

  it("page F2h: address, hint in bit 6, mask in bits 5:0 of the second word", () => {
    expect(decode(0x0005_00f2, 0, 0x1234_5042, 0x7)).toMatchObject({
      target: {
        cache: "iotlb",
        granularity: "page",
        domainId: 5,
        firstPage: 0x712344,
        pageCount: 4,
        leafOnly: true,
      },
    });
    expect(decode(0x0005_00f2, 0, 0x1234_5000, 0)).toMatchObject({
      target: { firstPage: 0x12345, pageCount: 1, leafOnly: false },
    });
  });

  it("the address is aligned to the mask", () => {
    expect(pageSelective(5, 0x3ff, 9, false)).toMatchObject({ firstPage: 0x200, pageCount: 512 });
    expect(pageSelective(5, 2 ** 44 + 1, 0, true)).toMatchObject({
      firstPage: 2 ** 44 + 1,
      pageCount: 1,
      leafOnly: true,
    });
  });

  it("DW asks for a drain of writes; from major version 2 on all drain (6.5.4)", () => {
    expect(decode(0x92)).toMatchObject({ drainsWrites: false });
    expect(decode(0x52)).toMatchObject({ drainsWrites: true });
    expect(decodeOn("sapphire-rapids", 0x12, 0, 0, 0)).toMatchObject({ drainsWrites: true });
  });

  it("a mask above CAP.MAMV is left open by the text", () => {
    expect(codes(decode(0x0005_00f2, 0, 18, 0))).toBe("invalidate");
    expect(codes(decode(0x0005_00f2, 0, 19, 0))).toBe("unspecified");
    expect(codes(decodeOn("ivy-bridge", 0x0005_00f2, 0, 10, 0))).toBe("unspecified");
    expect(codes(decodeOn("sapphire-rapids", 0x0005_00f2, 0, 45, 0))).toBe("invalidate");
  });

  it("page granularity without CAP.PSI and granularity 00b are invalid", () => {
    const capability = { low: 0x106f0466, high: 0x08d2070c };
    const withoutPsi = new DescriptorDecoder(platformOf({ ...profileNamed("skylake-sp"), capability }));
    expect(codes(withoutPsi.decode(0x0005_00f2, 0, 0x1000, 0))).toEqual(EITHER);
    expect(codes(decode(0x0005_00c2))).toEqual(EITHER);
  });

  it("reserved bits 8, 15:12, 63:32 and 75:71", () => {
    expect(codes(decode(0x1d2))).toEqual(RESERVED_BITS);
    expect(codes(decode(0x10d2))).toEqual(RESERVED_BITS);
    expect(codes(decode(0xd2, 1))).toEqual(RESERVED_BITS);
    for (const bit of [7, 11]) expect(codes(decode(0x0005_00f2, 0, 1 << bit))).toEqual(RESERVED_BITS);
  });
});

describe("6.5.2.9 invalidation wait", () => {
  it("25h writes a status DWORD, 15h interrupts, 45h is a fence", () => {
    expect(decode(0x25, 0xcafe, 0x0123_4ffc, 0x1)).toEqual({
      kind: "wait",
      status: { page: 0x101234, dword: 1023, data: 0xcafe },
      interrupt: false,
      fence: false,
    });
    expect(decode(0x15)).toEqual({ kind: "wait", status: null, interrupt: true, fence: false });
    expect(decode(0x45)).toEqual({ kind: "wait", status: null, interrupt: false, fence: true });
    expect(decode(0x05)).toEqual({ kind: "wait", status: null, interrupt: false, fence: false });
  });

  it("address bits from HAW on are ignored", () => {
    expect(decode(0x25, 1, 0x5000, 0xffffc000)).toMatchObject({ status: { page: 5, dword: 0 } });
    expect(decode(0x25, 1, 0x5000, 0x2000)).toMatchObject({ status: { page: 2 ** 33 + 5 } });
  });

  it("reserved bits 8, 31:12, 65:64, and PD where page requests are not drained", () => {
    for (const bit of [8, 12, 31]) expect(codes(decode((0x25 | (1 << bit)) >>> 0))).toEqual(RESERVED_BITS);
    for (const bit of [0, 1]) expect(codes(decode(0x25, 0, 1 << bit))).toEqual(RESERVED_BITS);
    expect(codes(decode(0xa5))).toEqual(RESERVED_BITS);
    expect(codes(decodeOn("sapphire-rapids", 0xa5, 0, 0, 0))).toBe("wait");
  });
});

describe("6.5.2.5 and 6.5.2.8 device-TLB and interrupt entry invalidations", () => {
  it("are descriptors like others where the unit supports them", () => {
    expect(decode(0x3, 0x20, 0x1000)).toEqual({ kind: "other" });
    expect(decode(0x3, 0x20, 0xfffff001, 0x7fffffff)).toEqual({ kind: "other" });
    expect(decode(0x14, 3)).toEqual({ kind: "other" });
    expect(decode(0x4)).toEqual({ kind: "other" });
  });

  it("are of an invalid type where it does not", () => {
    expect(codes(decodeOn("qemu-48", 0x3, 0x20, 0x1000, 0))).toEqual(BAD_TYPE);
    expect(codes(decodeOn("gm45", 0x4, 0, 0, 0))).toEqual(BAD_TYPE);
  });

  it("reserved bits: PFSID without throttling, 8:4, 31:21, 51:48, 75:65; 8:5, 26:12, 63:48, 127:64", () => {
    expect(codes(decode(0x1003, 0x20))).toEqual(RESERVED_BITS);
    expect(codes(decode(0x3, 0x0010_0020))).toEqual(RESERVED_BITS);
    expect(codes(decodeOn("sapphire-rapids", 0x1003, 0x0010_0020, 0, 0))).toBe("other");
    for (const bit of [4, 8, 21, 31])
      expect(codes(decode((0x3 | (1 << bit)) >>> 0, 0x20))).toEqual(RESERVED_BITS);
    expect(codes(decode(0x3, 0x0001_0020))).toEqual(RESERVED_BITS);
    expect(codes(decode(0x3, 0x20, 2))).toEqual(RESERVED_BITS);
    for (const bit of [5, 8, 12, 26]) expect(codes(decode(0x4 | (1 << bit)))).toEqual(RESERVED_BITS);
    expect(codes(decode(0x14, 0x10000))).toEqual(RESERVED_BITS);
    expect(codes(decode(0x4, 0, 1))).toEqual(RESERVED_BITS);
  });
});

describe("6.5.2 descriptor types", () => {
  it("table 26: legacy mode knows types 1 to 5; bits 11:9 are the upper part of the type", () => {
    for (const type of [0, 6, 7, 8, 9, 0xa, 0xf]) expect(codes(decode(type))).toEqual(BAD_TYPE);
    for (const bit of [9, 10, 11]) expect(codes(decode(0x11 | (1 << bit)))).toEqual(BAD_TYPE);
  });
});

describe("encoded descriptors", () => {
  it("equal the worked encodings", () => {
    const device = encodeDescriptor(contextDescriptor, { Type: 1, G: 3, DID: 5, SID: 0x20 });
    expect(device).toEqual([
      { low: 0x0005_0031, high: 0x20 },
      { low: 0, high: 0 },
    ]);
    const page = encodeDescriptor(iotlbDescriptor, {
      Type: 2,
      G: 3,
      DW: 1,
      DR: 1,
      DID: 5,
      AM: 9,
      IH: 1,
      ADDR: 0x712345,
    });
    expect(page).toEqual([
      { low: 0x0005_00f2, high: 0 },
      { low: 0x1234_5049, high: 7 },
    ]);
    const wait = encodeDescriptor(waitDescriptor, { Type: 5, SW: 1, Data: 0xcafe, Address: 0x5008 / 4 });
    expect(wait).toEqual([
      { low: 0x25, high: 0xcafe },
      { low: 0x5008, high: 0 },
    ]);
    const everything = encodeDescriptor(deviceTlbDescriptor, { Type: 3, SID: 0x20, S: 1, ADDR: 2 ** 51 - 1 });
    expect(everything).toEqual([
      { low: 3, high: 0x20 },
      { low: 0xfffff001, high: 0x7fffffff },
    ]);
    const index = encodeDescriptor(interruptEntryDescriptor, { Type: 4, G: 1, IIDX: 3 });
    expect(index).toEqual([
      { low: 0x14, high: 3 },
      { low: 0, high: 0 },
    ]);
  });
});
