/** Offsets, bits and access types written out from VT-d 11.4 and from driver headers, not from our declarations. */
import { describe, expect, it } from "vitest";
import { encode, fieldMask } from "../words/layout.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import {
  FaultStatusBit,
  GLOBAL_LEVEL_BITS,
  GlobalBit,
  Offset,
  RegisterFile,
  registersOf,
} from "./registers.js";

const skylake = platformOf(profileNamed("skylake-sp"));
const registers = new Map(registersOf(skylake).map((one) => [one.name, one]));

/** `field bits access`, highest field first, fields without meaning left out. */
function fieldsOf(name: string): string[] {
  const { layout, access } = registers.get(name)!;
  const named = layout.fields.filter((one) => one.kind !== "ignored").sort((a, b) => b.low - a.low);
  return named.map(
    ({ name: field, high, low }) => `${field} ${high === low ? low : `${high}:${low}`} ${access[field]}`,
  );
}

describe("11.4 registers", () => {
  it("fixed offsets", () => {
    expect(Offset).toEqual({
      VER: 0x00,
      CAP: 0x08,
      ECAP: 0x10,
      GCMD: 0x18,
      GSTS: 0x1c,
      RTADDR: 0x20,
      CCMD: 0x28,
      FSTS: 0x34,
      FECTL: 0x38,
      FEDATA: 0x3c,
      FEADDR: 0x40,
      FEUADDR: 0x44,
      PMEN: 0x64,
      PLMBASE: 0x68,
      PLMLIMIT: 0x6c,
      PHMBASE: 0x70,
      PHMLIMIT: 0x78,
      IQH: 0x80,
      IQT: 0x88,
      IQA: 0x90,
      ICS: 0x9c,
      IECTL: 0xa0,
      IEDATA: 0xa4,
      IEADDR: 0xa8,
      IEUADDR: 0xac,
      IQERCD: 0xb0,
    });
  });

  it("offsets and widths of all registers, those that CAP.FRO and ECAP.IRO place included", () => {
    const expected: [string, number, number][] = [
      ["VER_REG", 0x00, 32],
      ["CAP_REG", 0x08, 64],
      ["ECAP_REG", 0x10, 64],
      ["GCMD_REG", 0x18, 32],
      ["GSTS_REG", 0x1c, 32],
      ["RTADDR_REG", 0x20, 64],
      ["CCMD_REG", 0x28, 64],
      ["FSTS_REG", 0x34, 32],
      ["FECTL_REG", 0x38, 32],
      ["FEDATA_REG", 0x3c, 32],
      ["FEADDR_REG", 0x40, 32],
      ["FEUADDR_REG", 0x44, 32],
      ["PMEN_REG", 0x64, 32],
      ["PLMBASE_REG", 0x68, 32],
      ["PLMLIMIT_REG", 0x6c, 32],
      ["PHMBASE_REG", 0x70, 64],
      ["PHMLIMIT_REG", 0x78, 64],
      ["IQH_REG", 0x80, 64],
      ["IQT_REG", 0x88, 64],
      ["IQA_REG", 0x90, 64],
      ["ICS_REG", 0x9c, 32],
      ["IECTL_REG", 0xa0, 32],
      ["IEDATA_REG", 0xa4, 32],
      ["IEADDR_REG", 0xa8, 32],
      ["IEUADDR_REG", 0xac, 32],
      ["IQERCD_REG", 0xb0, 64],
      ["IVA_REG", 0x200, 64],
      ["IOTLB_REG", 0x208, 64],
      ...Array.from({ length: 8 }, (_, index): [string, number, number] => [
        `FRCD_REG[${index}]`,
        0x100 + 16 * index,
        128,
      ]),
    ];
    expect([...registers.values()].map(({ name, offset, layout }) => [name, offset, layout.width])).toEqual(
      expected,
    );
  });

  it("11.4.4.1, 11.4.4.2: command and status bits of one thing are the same", () => {
    expect(fieldsOf("GCMD_REG").map((one) => one.split(" ")[0])).toEqual([
      "TE",
      "SRTP",
      "WBF",
      "QIE",
      "IRE",
      "SIRTP",
      "CFI",
    ]);
    expect(fieldsOf("GSTS_REG")).toEqual([
      "TES 31 RO",
      "RTPS 30 RO",
      "WBFS 27 RO",
      "QIES 26 RO",
      "IRES 25 RO",
      "IRTPS 24 RO",
      "CFIS 23 RO",
    ]);
    expect(GlobalBit).toEqual({
      translationEnable: 2 ** 31,
      setRootTablePointer: 2 ** 30,
      writeBufferFlush: 2 ** 27,
      queuedInvalidationEnable: 2 ** 26,
      interruptRemappingEnable: 2 ** 25,
      setInterruptTablePointer: 2 ** 24,
      compatibilityFormat: 2 ** 23,
    });
  });

  it("the levels of GCMD are what is left of 96FFFFFFh, the mask against one-shot commands", () => {
    const named = Object.values(GlobalBit).reduce((all, bit) => (all | bit) >>> 0, 0);
    expect(GLOBAL_LEVEL_BITS).toBe((named & 0x96ffffff) >>> 0);
  });

  it("11.4.5 RTADDR, 11.4.6 CCMD, IOTLB and IVA", () => {
    expect(fieldsOf("RTADDR_REG")).toEqual(["RTA 63:12 RW", "TTM 11:10 RW"]);
    expect(fieldsOf("CCMD_REG")).toEqual([
      "ICC 63 RW",
      "CIRG 62:61 RW",
      "CAIG 60:59 RO",
      "FM 33:32 WO",
      "SID 31:16 WO",
      "DID 15:0 RW",
    ]);
    expect(fieldsOf("IOTLB_REG")).toEqual([
      "IVT 63 RW",
      "IIRG 61:60 RW",
      "IAIG 58:57 RO",
      "DR 49 RW",
      "DW 48 RW",
      "DID 47:32 RW",
    ]);
    expect(fieldsOf("IVA_REG")).toEqual(["ADDR 63:12 WO", "IH 6 WO", "AM 5:0 WO"]);
  });

  it("11.4.7 fault registers", () => {
    expect(fieldsOf("FSTS_REG")).toEqual([
      "FRI 15:8 RO",
      "ITE 6 RW1C",
      "ICE 5 RW1C",
      "IQE 4 RW1C",
      "PPF 1 RO",
      "PFO 0 RW1C",
    ]);
    expect(fieldsOf("FECTL_REG")).toEqual(["IM 31 RW", "IP 30 RO"]);
    expect(FaultStatusBit).toEqual({ overflow: 1, pending: 2, queueError: 16 });
    expect(fieldsOf("FRCD_REG[7]")).toEqual([
      "F 127 RW1C",
      "T1 126 RO",
      "AT 125:124 RO",
      "PV 123:104 RO",
      "FR 103:96 RO",
      "PP 95 RO",
      "EXE 94 RO",
      "PRIV 93 RO",
      "T2 92 RO",
      "SID 79:64 RO",
      "FI 63:12 RO",
    ]);
  });

  it("11.4.8 protected memory, read-only where CAP does not report it", () => {
    expect(fieldsOf("PMEN_REG")).toEqual(["EPM 31 RW", "PRS 0 RO"]);
    expect(fieldsOf("PLMBASE_REG")).toEqual(["PLMB 31:21 RW"]);
    expect(fieldsOf("PLMLIMIT_REG")).toEqual(["PLML 31:21 RW"]);
    expect(fieldsOf("PHMBASE_REG")).toEqual(["PHMB 45:21 RW"]);
    expect(fieldsOf("PHMLIMIT_REG")).toEqual(["PHML 45:21 RW"]);
    const without = registersOf(platformOf(profileNamed("qemu-48"))).filter(({ name }) =>
      /^P(MEN|[LH]M)/.test(name),
    );
    expect(without.flatMap(({ access }) => Object.values(access))).toEqual([
      "RO",
      "RO",
      "RO",
      "RO",
      "RO",
      "RO",
    ]);
  });

  it("11.4.9 queue registers", () => {
    expect(fieldsOf("IQH_REG")).toEqual(["QH 18:4 RO"]);
    expect(fieldsOf("IQT_REG")).toEqual(["QT 18:4 RW"]);
    expect(fieldsOf("IQA_REG")).toEqual(["IQA 63:12 RW", "DW 11 RW", "QS 2:0 RW"]);
    expect(fieldsOf("ICS_REG")).toEqual(["IWC 0 RW1C"]);
    expect(fieldsOf("IQERCD_REG")).toEqual(["ICESID 63:48 RO", "ITESID 47:32 RO", "IQEI 3:0 RO"]);
  });

  it("worked commands: context-cache and IOTLB invalidation by register", () => {
    const ccmd = (values: Record<string, number>) =>
      encode(registers.get("CCMD_REG")!.layout, { ICC: 1, ...values })[0];
    expect(ccmd({ CIRG: 1 })).toEqual({ low: 0, high: 0xa0000000 });
    expect(ccmd({ CIRG: 2, DID: 5 })).toEqual({ low: 5, high: 0xc0000000 });
    expect(ccmd({ CIRG: 3, SID: 0x20, DID: 5 })).toEqual({ low: 0x00200005, high: 0xe0000000 });
    const iotlb = (values: Record<string, number>) =>
      encode(registers.get("IOTLB_REG")!.layout, { IVT: 1, DR: 1, DW: 1, ...values })[0];
    expect(iotlb({ IIRG: 1 })).toEqual({ low: 0, high: 0x90030000 });
    expect(iotlb({ IIRG: 2, DID: 5 })).toEqual({ low: 0, high: 0xa0030005 });
    expect(iotlb({ IIRG: 3, DID: 5 })).toEqual({ low: 0, high: 0xb0030005 });
  });

  it("registers do not overlap", () => {
    for (const profile of ["gm45", "qemu-39", "skylake-sp", "sapphire-rapids"]) {
      const spans = registersOf(platformOf(profileNamed(profile))).map(({ offset, layout }) => [
        offset,
        offset + layout.width / 8,
      ]);
      spans.sort(([a], [b]) => a! - b!);
      for (let index = 1; index < spans.length; index++)
        expect(spans[index]![0]).toBeGreaterThanOrEqual(spans[index - 1]![1]!);
    }
  });

  it("masks of 64-bit fields", () => {
    expect(fieldMask(registers.get("IQT_REG")!.layout, "QT")).toEqual([{ low: 0x7fff0, high: 0 }]);
    expect(fieldMask(registers.get("IQH_REG")!.layout, "QH")).toEqual([{ low: 0x7fff0, high: 0 }]);
  });
});

describe("register file", () => {
  const fresh = (profile: string) => new RegisterFile(platformOf(profileNamed(profile)));

  it("11.4 reset values: version and capabilities, event interrupts masked, the rest zero", () => {
    const file = fresh("sapphire-rapids");
    expect(file.read(0x00)).toBe(0x60);
    expect([file.read(0x08), file.read(0x0c)]).toEqual([0x40780c66, 0x19ed008c]);
    expect([file.read(0x10), file.read(0x14)]).toEqual([0x86f050df, 0x3ee9e]);
    expect([file.read(0x38), file.read(0xa0)]).toEqual([0x80000000, 0x80000000]);
    for (const offset of [0x18, 0x1c, 0x20, 0x24, 0x2c, 0x34, 0x80, 0x88, 0x90, 0x94, 0x9c, 0x508])
      expect(file.read(offset)).toBe(0);
  });

  it("takes what software writes in writable fields only", () => {
    const file = fresh("skylake-sp");
    for (const offset of [0x00, 0x08, 0x0c, 0x1c, 0x34, 0x80, 0x10c]) {
      const before = file.read(offset);
      file.write(offset, 0xffffffff);
      expect(file.read(offset)).toBe(before);
    }
    file.write(0x20, 0xffffffff);
    expect(file.read(0x20)).toBe(0xfffffc00);
    file.write(0x38, 0x7fffffff);
    expect(file.read(0x38)).toBe(0);
    file.write(0x90, 0xffffffff);
    expect(file.read(0x90)).toBe(0xfffff807);
    file.write(0x88, 0xffffffff);
    expect(file.read(0x88)).toBe(0x7fff0);
    file.write(0x20c, 0xffffffff);
    expect(file.read(0x20c)).toBe(0xb003ffff);
  });

  it("changes read-only fields for hardware, and forgets all at a reset", () => {
    const file = fresh("skylake-sp");
    file.set(0x9c, 1);
    file.write(0x20, 0x5000);
    expect([file.read(0x9c), file.read(0x20)]).toEqual([1, 0x5000]);
    file.reset();
    expect([file.read(0x9c), file.read(0x20)]).toEqual([0, 0]);
  });

  it("knows which offsets have a register", () => {
    const file = fresh("skylake-sp");
    expect([0x00, 0x0c, 0x2c, 0x17c, 0x20c].every((offset) => file.has(offset))).toBe(true);
    expect([0x04, 0x30, 0x60, 0xb8, 0x180, 0x210, 0x1000].some((offset) => file.has(offset))).toBe(false);
    expect(file.read(0x1000)).toBe(0);
  });
});
