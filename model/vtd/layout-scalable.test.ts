/** Entries that Linux printed on machines (its debugfs documentation and mailing lists), read by hand from the specification's figures. */
import { describe, expect, it } from "vitest";
import { decode, type Layout, readField } from "../words/layout.js";
import { wordsOf } from "../words/shown-fields.js";
import {
  pageRequestLayout,
  pageResponseDescriptor,
  pasidCacheDescriptor,
  pasidDeviceTlbDescriptor,
  pasidIotlbDescriptor,
  permissionCacheDescriptor,
} from "./layout-descriptors-256.js";
import {
  postedDescriptorLayout,
  postedInterruptLayout,
  remappedInterruptLayout,
} from "./layout-interrupts.js";
import { permissionLayouts } from "./layout-permissions.js";
import {
  firstStageLayouts,
  pasidDirectoryLayout,
  pasidEntryLayout,
  scalableContextLayout,
  scalableRootLayout,
} from "./layout-scalable.js";
import type { Platform } from "./profile.js";

/** The fields that are not zero; words from the lowest on. */
function set(of: Layout<Platform>, ...words: bigint[]): Record<string, number> {
  const number = words.reduceRight((sum, one) => (sum << 64n) | one, 0n);
  return Object.fromEntries(
    Object.entries(decode(of, wordsOf(number, of.width))).filter(([, value]) => value !== 0),
  );
}

describe("9.2 scalable-mode root entry", () => {
  it("of a machine with devices below 16 only", () => {
    expect(set(scalableRootLayout, 0x44dd3f001n, 0n)).toEqual({ LP: 1, LCTP: 0x44dd3f });
  });

  it("has the upper half like the lower", () => {
    expect(set(scalableRootLayout, 0n, 0x12345001n)).toEqual({ UP: 1, UCTP: 0x12345 });
  });
});

describe("9.4 scalable-mode context entry", () => {
  it("of a data streaming accelerator: Device-TLB, PASIDs, page requests, 2^14 directory entries, privileged", () => {
    expect(set(scalableContextLayout, 0x435460e1dn, 0x100000n)).toEqual({
      ...{ P: 1, DTE: 1, PASIDE: 1, PRE: 1, PDTS: 7, PASIDDIRPTR: 0x435460 },
      RID_PRIV: 1,
    });
  });

  it("of graphics without page requests", () => {
    expect(set(scalableContextLayout, 0x105a84405n, 0n)).toEqual({
      ...{ P: 1, DTE: 1, PDTS: 2, PASIDDIRPTR: 0x105a84 },
    });
  });
});

describe("9.5, 9.6 PASID entries", () => {
  it("a directory entry has its pointer in 63:12", () => {
    expect(set(pasidDirectoryLayout, 0x105a87003n)).toEqual({ P: 1, FPD: 1, SMPTBLPTR: 0x105a87 });
  });

  it("second stage of 48 bits, domain 3, supervisor requests", () => {
    expect(set(pasidEntryLayout, 0x44d6e1089n, 3n, 1n)).toEqual({
      ...{ P: 1, AW: 2, PGTT: 2, SSPTPTR: 0x44d6e1, DID: 3, SRE: 1 },
    });
  });

  it("first stage, domain 2, 4 levels", () => {
    expect(set(pasidEntryLayout, 0x49n, 2n, 0x105a86000n)).toEqual({
      ...{ P: 1, AW: 2, PGTT: 1, DID: 2, FSPTPTR: 0x105a86 },
    });
  });

  it("walks that snoop are bit 87", () => {
    expect(set(pasidEntryLayout, 0x1038a5089n, 0x800002n)).toMatchObject({ PWSNP: 1, DID: 2 });
  });

  it("paging mode, write protection and the extended accessed flag are in 135:130", () => {
    expect(set(pasidEntryLayout, 0n, 0n, 0b1001_0100n)).toEqual({ FSPM: 1, WPE: 1, EAFE: 1 });
  });
});

describe("9.7 first-stage entries", () => {
  const of = (level: number, leaf: boolean) =>
    firstStageLayouts.find((one) => one.level === level && one.leaf === leaf)!.layout;

  it("are those of the processor: an accessed and dirty 4 KiB page, writable by users", () => {
    expect(set(of(1, true), 0x8000000012345067n)).toEqual({
      ...{ P: 1, "R/W": 1, "U/S": 1, A: 1, D: 1, ADDR: 0x12345 },
    });
  });

  it("large pages have PS in bit 7, PAT in bit 12", () => {
    expect(set(of(2, true), 0x402010e7n)).toMatchObject({ PS: 1, PAT: 1, ADDR: 0x201 });
    expect(set(of(3, true), 0xc00000e7n)).toMatchObject({ PS: 1, ADDR: 3 });
  });

  it("tables have their address in 51:12", () => {
    for (const level of [2, 3, 4, 5])
      expect(set(of(level, false), 0xabcdef012027n)).toMatchObject({ P: 1, ADDR: 0xabcdef012 });
  });
});

describe("9.9, 9.10 interrupt remapping entries", () => {
  it("of an accelerator: logical destination, redirection hint, vector 24h, source 00:0a.0", () => {
    expect(set(remappedInterruptLayout, 0x800024000dn, 0x40050n)).toEqual({
      ...{ P: 1, DM: 1, RH: 1, V: 0x24, DST: 0x80, SID: 0x50, SVT: 1 },
    });
  });

  it("posted ones have the descriptor's address in 63:38 and 127:96", () => {
    const values = set(postedInterruptLayout, 0x8000_0000_0041_c001n, 0x1_0004_0050n);
    expect(values).toEqual({
      ...{ P: 1, URG: 1, IM: 1, VV: 0x41, "PDA31:6": 0x2000000, "PDA63:32": 1, SID: 0x50, SVT: 1 },
    });
  });

  it("the posted-interrupt descriptor has ON, SN, NV and NDST behind 256 request bits", () => {
    const values = set(postedDescriptorLayout, 1n, 0n, 0n, 1n << 63n, 0x0000_0005_00f2_0001n);
    expect(values).toEqual({ "PIR31:0": 1, "PIR255:224": 0x80000000, ON: 1, NV: 0xf2, NDST: 5 });
  });
});

describe("9.12 host permission table entries", () => {
  it("have R and W of each page in four bits, and the pointer in the upper half", () => {
    expect(set(permissionLayouts[0]!, 0x3n, 1n << 60n)).toEqual({ PP0: 3, PP31: 1 });
    expect(set(permissionLayouts[1]!, 0x2000000000000000n, 0x12345001n)).toEqual({
      ...{ PP15: 2, AV: 1, ADDR: 0x12345 },
    });
    expect(set(permissionLayouts[2]!, 0x10000000n, 0n)).toEqual({ PP7: 1 });
    expect(set(permissionLayouts[3]!, 0n, 0x12345001n)).toEqual({ AV: 1, ADDR: 0x12345 });
  });
});

describe("6.5.2, 7.6.1, 7.4.1.1 descriptors of 256 bits", () => {
  it("PASID-based IOTLB invalidations of domain 5, PASID 9", () => {
    expect(set(pasidIotlbDescriptor, 0x9_0005_0026n)).toEqual({ Type: 6, G: 2, DID: 5, PASID: 9 });
    expect(set(pasidIotlbDescriptor, 0x9_0005_0036n, 0x7049n)).toEqual({
      ...{ Type: 6, G: 3, DID: 5, PASID: 9, AM: 9, IH: 1, ADDR: 7 },
    });
  });

  it("PASID-cache invalidations: global, domain, PASID", () => {
    expect(set(pasidCacheDescriptor, 0x37n)).toEqual({ Type: 7, G: 3 });
    expect(set(pasidCacheDescriptor, 0x50007n)).toEqual({ Type: 7, DID: 5 });
    expect(set(pasidCacheDescriptor, 0x9_0005_0017n)).toEqual({ Type: 7, G: 1, DID: 5, PASID: 9 });
  });

  it("a Device-TLB invalidation of everything of PASID 9 at 00:04.0", () => {
    expect(set(pasidDeviceTlbDescriptor, 0x9_0020_0008n, 0x7fff_ffff_ffff_f800n)).toEqual({
      ...{ Type: 8, SID: 0x20, PASID: 9, S: 1, ADDR: 0x7ffffffffffff },
    });
  });

  it("a response: success for 00:04.0, PASID 9, group 3", () => {
    expect(set(pageResponseDescriptor, 0x9_0020_0019n, 0x18n)).toEqual({
      ...{ Type: 9, PP: 1, RID: 0x20, PASID: 9, PRGI: 3 },
    });
  });

  it("an HPT cache invalidation names domain, mask, levels and address", () => {
    expect(set(permissionCacheDescriptor, 0x5003an, 0x10c9n)).toEqual({
      ...{ Type: 10, G: 3, HPTDID: 5, AM: 9, IH: 3, ADDR: 1 },
    });
  });

  it("a page request to write, the last of group 3", () => {
    expect(set(pageRequestLayout, 0x9_0020_0101n, 0x1234_501en)).toEqual({
      ...{ Type: 1, PP: 1, RID: 0x20, PASID: 9, WRR: 1, LPIG: 1, PRGI: 3, ADDR: 0x12345 },
    });
    expect(readField(pageRequestLayout, "RDR", wordsOf(1n << 64n, 256))).toBe(1);
  });
});
