/** Offsets, bits and access types written out from AMD's register figures and from driver headers. */
import { describe, expect, it } from "vitest";
import { encode, fieldMask } from "../words/layout.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import {
  ControlBit,
  DEVICE_TABLE_SEGMENT_ENABLE_HIGH,
  Offset,
  REGISTER_BYTES,
  registerFileOf,
  registersOf,
  resetRegisters,
  StatusBit,
} from "./registers.js";

const zen1 = platformOf(profileNamed("zen1"));
/** Zen 1 with hardware error registers. */
const { extendedFeatures } = zen1.profile;
const reporting = platformOf({
  ...zen1.profile,
  extendedFeatures: { ...extendedFeatures, low: extendedFeatures.low | 0x100 },
});
const registers = new Map(registersOf(reporting).map((one) => [one.name, one]));

/** `field bits access`, highest field first, fields without meaning left out. */
function fieldsOf(name: string): string[] {
  const { layout, access } = registers.get(name)!;
  const named = layout.fields.filter((one) => one.kind !== "ignored").sort((a, b) => b.low - a.low);
  return named.map(
    ({ name: field, high, low }) => `${field} ${high === low ? low : `${high}:${low}`} ${access[field]}`,
  );
}

/** Bits of all fields with this access type, as a 64-bit number in hex. */
function bitsOf(name: string, kind: string): string {
  const { layout, access } = registers.get(name)!;
  let bits = 0n;
  for (const [field, one] of Object.entries(access)) {
    if (one !== kind) continue;
    const [word] = fieldMask(layout, field);
    bits |= (BigInt(word!.high) << 32n) | BigInt(word!.low);
  }
  return bits.toString(16);
}

describe("MMIO registers", () => {
  it("offsets", () => {
    expect(
      [...registers.values()].slice(0, 13).map((one) => `${one.name} ${one.offset.toString(16)}`),
    ).toEqual([
      "DevTabBase 0",
      "CmdBase 8",
      "EvtBase 10",
      "Control 18",
      "ExclBase 20",
      "ExclLimit 28",
      "EFR 30",
      "EFR2 1a0",
      "CmdHead 2000",
      "CmdTail 2008",
      "EvtHead 2010",
      "EvtTail 2018",
      "Status 2020",
    ]);
    const at = (name: string) => registers.get(name)?.offset.toString(16);
    expect(
      ["PPRLogBase", "HwErrUpper", "HwErrLower", "HwErrStatus", "GALogBase", "GALogTailAddr"].map(at),
    ).toEqual(["38", "40", "48", "50", "e0", "e8"]);
    expect(["PPRHead", "PPRTail", "GAHead", "GATail"].map(at)).toEqual(["2030", "2038", "2040", "2048"]);
    expect(["DevTabSegBase[1]", "DevTabSegBase[7]", "MarcBase[0]", "MarcLen[3]"].map(at)).toEqual([
      "100",
      "130",
      "200",
      "258",
    ]);
  });

  it("do not overlap, and lie within the unit's pages", () => {
    for (const id of ["amd-qemu", "family-15h", "matisse", "cezanne", "genoa"]) {
      const taken = new Set<number>();
      for (const { offset, layout } of registersOf(platformOf(profileNamed(id)))) {
        for (let at = offset; at < offset + layout.width / 8; at += 4) {
          expect(taken.has(at)).toBe(false);
          taken.add(at);
        }
      }
      expect(Math.max(...taken)).toBeLessThan(REGISTER_BYTES);
    }
  });

  it("come with their features", () => {
    const names = (id: string) => registersOf(platformOf(profileNamed(id))).map((one) => one.name);
    expect(names("zen1")).not.toContain("XtIntControl[0]");
    expect(names("zen1")).not.toContain("HwErrStatus");
    expect(names("cezanne")).toContain("XtIntControl[2]");
    expect(names("cezanne")).not.toContain("MarcBase[0]");
    expect(names("amd-qemu")).not.toContain("DevTabSegBase[1]");
    expect(names("milan")).not.toContain("GALogBase");
    expect(names("zen1")).toContain("PPRAutoRsp");
    expect(names("amd-qemu")).not.toContain("PPROvrflwEarly");
  });

  it("DevTabBase, buffers and pointers", () => {
    expect(fieldsOf("DevTabBase")).toEqual(["Base 51:12 RW", "Size 8:0 RW"]);
    expect(fieldsOf("CmdBase")).toEqual(["ComLen 59:56 RW", "Base 51:12 RW"]);
    expect(fieldsOf("EvtBase")).toEqual(["EventLen 59:56 RW", "Base 51:12 RW"]);
    expect(fieldsOf("ExclBase")).toEqual(["Base 51:12 RW", "Allow 1 RW", "ExEn 0 RW"]);
    expect(fieldsOf("ExclLimit")).toEqual(["Limit 51:12 RW"]);
    for (const name of ["CmdHead", "CmdTail", "EvtHead", "EvtTail"])
      expect(fieldsOf(name)).toEqual(["Ptr 18:4 RW"]);
    expect(fieldsOf("GATail")).toEqual(["Ptr 15:3 RW"]);
    expect(fieldsOf("HwErrStatus")).toEqual(["HEO 1 RW1C", "HEV 0 RW1C"]);
  });

  it("Control: reserved are 21:18, 49 and 57", () => {
    expect(bitsOf("Control", "RW")).toBe("fdfdffffffc3ffff");
  });

  it("Control as a kernel was seen to write it", () => {
    const [word] = encode(registers.get("Control")!.layout, {
      IommuEn: 1,
      EventLogEn: 1,
      EventIntEn: 1,
      InvTimeOut: 4,
      Coherent: 1,
      CmdBufEn: 1,
      PPRLogEn: 1,
      PPRIntEn: 1,
      PPREn: 1,
      GTEn: 1,
      GAEn: 1,
      BlkStopMrkEn: 1,
      EPHEn: 1,
      XTEn: 1,
      IntCapXTEn: 1,
    });
    expect(word).toEqual({ low: 0x0003f48d, high: 0x000c2200 });
  });

  it("Status: what can be cleared and what can only be read", () => {
    expect(bitsOf("Status", "RW1C")).toBe("68e67");
    expect(bitsOf("Status", "RO")).toBe((0x79fff & ~0x68e67).toString(16));
  });

  it("masks of Control and Status are those of the fields", () => {
    const mask = (name: string, field: string) => fieldMask(registers.get(name)!.layout, field)[0]!;
    for (const [field, bit] of Object.entries(ControlBit))
      expect(mask("Control", field)).toEqual({ low: bit, high: 0 });
    for (const [field, bit] of Object.entries(StatusBit))
      expect(mask("Status", field)).toEqual({ low: bit, high: 0 });
    expect(mask("Control", "DevTblSegEn")).toEqual({ low: 0, high: DEVICE_TABLE_SEGMENT_ENABLE_HIGH });
  });

  it("lock bits of SMI filters stay set", () => {
    const milan = platformOf(profileNamed("milan"));
    expect(milan.smiFilters).toBeGreaterThan(0);
    const file = registerFileOf(milan);
    file.write(Offset.SmiFilter, 0x2ffff);
    file.write(Offset.SmiFilter, 0);
    expect(file.read(Offset.SmiFilter)).toBe(0x20000);
  });
});

describe("reset values", () => {
  it("features, and zero otherwise", () => {
    const file = registerFileOf(zen1);
    const values = () => {
      const seen: string[] = [];
      for (let offset = 0; offset < REGISTER_BYTES; offset += 4)
        if (file.read(offset) !== 0) seen.push(`${offset.toString(16)} ${file.read(offset).toString(16)}`);
      return seen;
    };
    expect(values()).toEqual(["30 22294ada", "34 4f77ef"]);
    file.write(Offset.Control, ControlBit.IommuEn);
    file.write(Offset.EFR, 0);
    expect(values()).toEqual(["18 1", "30 22294ada", "34 4f77ef"]);
    resetRegisters(zen1, file);
    expect(values()).toEqual(["30 22294ada", "34 4f77ef"]);
  });

  it("EFR2 where there is one", () => {
    const profile = { ...profileNamed("genoa"), extendedFeatures2: { low: 0x1d, high: 0 } };
    expect(registerFileOf(platformOf(profile)).read(Offset.EFR2)).toBe(0x1d);
  });
});
