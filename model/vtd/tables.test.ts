/** The masks and positions here are written out from the architecture's figures, not from our declarations. */
import { describe, expect, it } from "vitest";
import { encode } from "../words/layout.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import {
  contextEntryLayout,
  reservedBitsOf,
  rootEntryLayout,
  secondStageLayout,
  TranslationType,
} from "./tables.js";

const reservedOn = (profile: string) => reservedBitsOf(platformOf(profileNamed(profile)));
const hex = (values: ArrayLike<number>) => Array.from(values, (value) => value.toString(16));

describe("9.1 root entry", () => {
  it("P in bit 0, context-table pointer in 63:12", () => {
    expect(encode(rootEntryLayout, { P: 1, CTP: 0x12345678 })).toEqual([
      { low: 0x45678001, high: 0x123 },
      { low: 0, high: 0 },
    ]);
  });

  it("reserved: 11:1, 127:64 and pointer bits from HAW on", () => {
    expect(hex(reservedOn("gm45").root)).toEqual(["ffe", "fffffff0", "ffffffff", "ffffffff"]); // HAW 36
    expect(hex(reservedOn("qemu-39").root)).toEqual(["ffe", "ffffff80", "ffffffff", "ffffffff"]); // HAW 39
    expect(hex(reservedOn("skylake-sp").root)).toEqual(["ffe", "ffffc000", "ffffffff", "ffffffff"]); // HAW 46
    expect(hex(reservedOn("sapphire-rapids").root)).toEqual(["ffe", "fff00000", "ffffffff", "ffffffff"]); // HAW 52
  });
});

describe("9.3 context entry", () => {
  it("domain id 5 and address width 48 give 502h in the upper half", () => {
    const [low, high] = encode(contextEntryLayout, {
      P: 1,
      TT: TranslationType.untranslatedOnly,
      SSPTPTR: 3,
      AW: 2,
      DID: 5,
    });
    expect(low).toEqual({ low: 0x3001, high: 0 });
    expect(high).toEqual({ low: 0x502, high: 0 });
  });

  it("FPD in bit 1, TT in 3:2: 00b translated, 01b all, 10b pass-through", () => {
    const low = (TT: number, FPD = 0) => encode(contextEntryLayout, { P: 1, FPD, TT })[0]!.low;
    expect(low(TranslationType.untranslatedOnly, 1)).toBe(0b0011);
    expect(low(TranslationType.all)).toBe(0b0101);
    expect(low(TranslationType.passThrough)).toBe(0b1001);
  });

  it("pointer in 63:12, AW in 66:64, DID in 87:72", () => {
    expect(encode(contextEntryLayout, { SSPTPTR: 0xabcdef012 })).toEqual([
      { low: 0xef012000, high: 0xabcd },
      { low: 0, high: 0 },
    ]);
    expect(encode(contextEntryLayout, { AW: 7, DID: 0xffff })[1]).toEqual({ low: 0xffff07, high: 0 });
  });

  it("reserved: 11:4, bit 71, 127:88, pointer bits from HAW on, domain id bits the unit lacks", () => {
    expect(hex(reservedOn("skylake-sp").context)).toEqual(["ff0", "ffffc000", "ff000080", "ffffffff"]); // 16-bit ids
    expect(hex(reservedOn("gm45").context)).toEqual(["ff0", "fffffff0", "ffff0080", "ffffffff"]); // 8-bit ids
    expect(hex(reservedOn("qemu-48").context)).toEqual(["ff0", "ffff0000", "ff000080", "ffffffff"]);
  });
});

describe("9.8 second-stage entries", () => {
  const TABLE = false;
  const PAGE = true;
  const mask = (profile: string, level: number, leaf: boolean) => {
    const { secondStageLow, secondStageHigh } = reservedOn(profile);
    return [secondStageHigh[level * 2 + Number(leaf)]!, secondStageLow[level * 2 + Number(leaf)]!].map(
      (half) => half.toString(16),
    );
  };

  it("R and W in bits 1:0, SNP in 11, PS in 7", () => {
    expect(encode(secondStageLayout(1, PAGE), { R: 1, SNP: 1, ADDR: 0x123456789 })).toEqual([
      { low: 0x56789801, high: 0x1234 },
    ]);
    expect(encode(secondStageLayout(4, TABLE), { R: 1, W: 1, ADDR: 5 })).toEqual([{ low: 0x5003, high: 0 }]);
  });

  it("2 MiB pages are at 51:21, 1 GiB pages at 51:30", () => {
    expect(encode(secondStageLayout(2, PAGE), { W: 1, PS: 1, ADDR: 3 })).toEqual([
      { low: 0x600082, high: 0 },
    ]);
    expect(encode(secondStageLayout(3, PAGE), { R: 1, PS: 1, ADDR: 5 })).toEqual([
      { low: 0x40000081, high: 1 },
    ]);
  });

  it("reserved in entries that point to tables: bits 62, 51:HAW and 11, at levels 4 and 5 also bit 7", () => {
    expect(mask("skylake-sp", 5, TABLE)).toEqual(["400fc000", "880"]);
    expect(mask("skylake-sp", 4, TABLE)).toEqual(["400fc000", "880"]);
    expect(mask("skylake-sp", 3, TABLE)).toEqual(["400fc000", "800"]);
    expect(mask("skylake-sp", 2, TABLE)).toEqual(["400fc000", "800"]);
  });

  it("reserved in pages: bits 62 and 51:HAW, the address below the size, SNP without snoop control", () => {
    expect(mask("skylake-sp", 3, PAGE)).toEqual(["400fc000", "3ffff000"]); // ECAP.SC = 1
    expect(mask("skylake-sp", 2, PAGE)).toEqual(["400fc000", "1ff000"]);
    expect(mask("skylake-sp", 1, PAGE)).toEqual(["400fc000", "0"]);
    expect(mask("qemu-48", 3, PAGE)).toEqual(["400f0000", "3ffff800"]); // ECAP.SC = 0
    expect(mask("qemu-48", 2, PAGE)).toEqual(["400f0000", "1ff800"]);
    expect(mask("qemu-48", 1, PAGE)).toEqual(["400f0000", "800"]);
  });

  it("PS is reserved where CAP.SSLPS lacks the size", () => {
    expect(mask("gm45", 3, PAGE)).toEqual(["400ffff0", "3ffff880"]);
    expect(mask("gm45", 2, PAGE)).toEqual(["400ffff0", "1ff880"]);
  });

  it("52-bit addresses leave only bit 62 reserved above the address", () => {
    expect(mask("sapphire-rapids", 1, PAGE)).toEqual(["40000000", "0"]);
  });

  it("a platform that checks ignored bits takes 63, 61:52, 10:8, 6:2 and bit 7 of a 4 KiB page as well", () => {
    expect(mask("ivy-bridge", 1, PAGE)).toEqual(["ffffff80", "ffc"]);
    expect(mask("ivy-bridge", 2, TABLE)).toEqual(["ffffff80", "f7c"]);
  });

  it("there is no page at level 4 and no table at level 1", () => {
    expect(() => secondStageLayout(4, PAGE)).toThrow(new RangeError("no second-stage page entry at level 4"));
    expect(() => secondStageLayout(1, TABLE)).toThrow(
      new RangeError("no second-stage table entry at level 1"),
    );
  });
});
