/** Fields of the registers that come with a feature, and the names of all fields, written out from AMD's register figures. */
import { describe, expect, it } from "vitest";
import { fieldMask } from "../words/layout.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { Offset, registerFileOf, registersOf } from "./registers.js";

/** Features (EFR 31:0 and 63:32) of a unit with everything that has registers. */
const EVERYTHING = { low: 0xffffffff, high: 0xffffffff };
const zen1 = profileNamed("zen1");
const all = platformOf({ ...zen1, extendedFeatures: EVERYTHING });
const registers = new Map(registersOf(all).map((one) => [one.name, one]));

/** `field bits access`, lowest field first, fields without meaning left out. */
function fieldsOf(name: string): string[] {
  const { layout, access } = registers.get(name)!;
  const named = layout.fields.filter((one) => one.kind !== "ignored").sort((a, b) => a.low - b.low);
  return named.map(
    ({ name: field, high, low }) => `${field} ${high === low ? low : `${high}:${low}`} ${access[field]}`,
  );
}

function placeOf(name: string): string {
  const { offset, layout } = registers.get(name)!;
  return `${offset.toString(16)} ${layout.width}`;
}

describe("registers of features", () => {
  it("page requests: log, pointers, automatic response, early overflow", () => {
    expect(placeOf("PPRLogBase")).toBe("38 64");
    expect(fieldsOf("PPRLogBase")).toEqual(["Base 51:12 RW", "PPRLogLen 59:56 RW"]);
    expect(fieldsOf("PPRHead")).toEqual(["Ptr 18:4 RW"]);
    expect(fieldsOf("PPRTail")).toEqual(["Ptr 18:4 RW"]);
    expect(placeOf("PPRAutoRsp")).toBe("2080 64");
    expect(fieldsOf("PPRAutoRsp")).toEqual(["Code 3:0 RW", "MaskGn 4 RW"]);
    expect(placeOf("PPROvrflwEarly")).toBe("2088 64");
    expect(fieldsOf("PPROvrflwEarly")).toEqual(["Threshold 14:0 RW", "IntEn 30 RW", "En 31 RW"]);
  });

  it("hardware errors: both words of the first event, and its status", () => {
    expect(["HwErrUpper", "HwErrLower", "HwErrStatus"].map(placeOf)).toEqual(["40 64", "48 64", "50 64"]);
    expect(fieldsOf("HwErrUpper")).toEqual(["Event 63:0 RO"]);
    expect(fieldsOf("HwErrLower")).toEqual(["Event 63:0 RO"]);
    expect(fieldsOf("HwErrStatus")).toEqual(["HEV 0 RW1C", "HEO 1 RW1C"]);
  });

  it("guest virtual APIC log: base, copy of the tail, pointers of 8-byte entries", () => {
    expect(placeOf("GALogBase")).toBe("e0 64");
    expect(fieldsOf("GALogBase")).toEqual(["Base 51:12 RW", "GALogLen 59:56 RW"]);
    expect(fieldsOf("GALogTailAddr")).toEqual(["Address 51:3 RW"]);
    expect(fieldsOf("GAHead")).toEqual(["Ptr 15:3 RW"]);
    expect(fieldsOf("GATail")).toEqual(["Ptr 15:3 RW"]);
  });

  it("copies of the MSI capabilities: 32 bits each, headers read-only", () => {
    const names = ["MsiCapHeader", "MsiAddrLow", "MsiAddrHigh", "MsiData", "MsiMappingCap"];
    expect(names.map(placeOf)).toEqual(["158 32", "15c 32", "160 32", "164 32", "168 32"]);
    expect(names.map(fieldsOf)).toEqual([
      ["Header 31:0 RO"],
      ["Address 31:2 RW"],
      ["Address 31:0 RW"],
      ["Data 15:0 RW"],
      ["Header 31:0 RO"],
    ]);
  });

  it("x2APIC interrupts of the unit: events, page requests, guest virtual APIC log", () => {
    const names = [0, 1, 2].map((index) => `XtIntControl[${index}]`);
    expect(names.map(placeOf)).toEqual(["170 64", "178 64", "180 64"]);
    expect(registers.has("XtIntControl[3]")).toBe(false);
    for (const name of names)
      expect(fieldsOf(name)).toEqual([
        "DestMode 2 RW",
        "DestLow 31:8 RW",
        "Vector 39:32 RW",
        "DeliveryMode 40 RW",
        "DestHigh 63:56 RW",
      ]);
  });

  it("performance optimisation: bit 13 of a 32-bit register", () => {
    expect(placeOf("PerfOptControl")).toBe("16c 32");
    expect(fieldsOf("PerfOptControl")).toEqual(["PerfOptEn 13 RW"]);
  });

  it("SMI filters: 8 bytes apart from 60h on, and their lock cannot be written away", () => {
    const milan = platformOf(profileNamed("milan"));
    const filters = registersOf(milan).filter((one) => one.name.startsWith("SmiFilter"));
    expect(filters.map((one) => one.offset)).toEqual(filters.map((_, index) => 0x60 + 8 * index));
    const [first] = filters;
    const mask = (field: string) => fieldMask(first!.layout, field)[0]!.low;
    expect([mask("SmiDID"), mask("SmiDV"), mask("SmiFLock")]).toEqual([0xffff, 0x10000, 0x20000]);
    expect(first!.access).toEqual({ SmiDID: "RW", SmiDV: "RW", SmiFLock: "RW1S" });
  });

  it("segments of the device table: 1 to 7, as many as there are segments beside the first", () => {
    const { low } = zen1.extendedFeatures;
    const segments = (supported: number) =>
      registersOf(platformOf({ ...zen1, extendedFeatures: { low, high: supported << 6 } }))
        .map((one) => one.name)
        .filter((name) => name.startsWith("DevTabSegBase"));
    expect(segments(0)).toEqual([]);
    expect(segments(1)).toEqual(["DevTabSegBase[1]"]);
    expect(segments(2)).toHaveLength(3);
    expect(segments(3)).toHaveLength(7);
    const eight = registersOf(platformOf(zen1)).filter((one) => one.name.startsWith("DevTabSegBase"));
    expect(eight.map((one) => one.offset)).toEqual([0x100, 0x108, 0x110, 0x118, 0x120, 0x128, 0x130]);
    for (const { layout, access } of eight) {
      const named = layout.fields.filter((one) => one.kind === "field");
      expect(named.map(({ name, high, low: end }) => [name, high, end])).toEqual([
        ["Size", 8, 0],
        ["Base", 51, 12],
      ]);
      expect(access).toEqual({ Size: "RW", Base: "RW" });
    }
  });

  it("routing apertures: base, relocation and length, 24 bytes for each", () => {
    const apertures = registersOf(platformOf(zen1)).filter((one) => one.name.startsWith("Marc"));
    expect(apertures.map((one) => `${one.name} ${one.offset.toString(16)}`)).toEqual([
      "MarcBase[0] 200",
      "MarcReloc[0] 208",
      "MarcLen[0] 210",
      "MarcBase[1] 218",
      "MarcReloc[1] 220",
      "MarcLen[1] 228",
      "MarcBase[2] 230",
      "MarcReloc[2] 238",
      "MarcLen[2] 240",
      "MarcBase[3] 248",
      "MarcReloc[3] 250",
      "MarcLen[3] 258",
    ]);
    const bits = apertures
      .slice(0, 3)
      .map(({ layout, access }) =>
        layout.fields
          .filter((one) => one.kind === "field")
          .map(({ name, high, low }) => `${name} ${high}:${low} ${access[name]}`),
      );
    expect(bits).toEqual([["Base 51:12 RW"], ["En 0:0 RW", "RO 1:1 RW", "Reloc 51:12 RW"], ["Len 51:12 RW"]]);
  });
});

describe("fields of Control, Status and the features", () => {
  it("Control, bit by bit", () => {
    expect(fieldsOf("Control").map((one) => one.replace(" RW", ""))).toEqual([
      ...["IommuEn 0", "HtTunEn 1", "EventLogEn 2", "EventIntEn 3", "ComWaitIntEn 4", "InvTimeOut 7:5"],
      ...["PassPW 8", "ResPassPW 9", "Coherent 10", "Isoc 11", "CmdBufEn 12", "PPRLogEn 13", "PPRIntEn 14"],
      ...["PPREn 15", "GTEn 16", "GAEn 17", "SmiFEn 22", "SlfWBDis 23", "SmiFLogEn 24", "GAMEn 27:25"],
      ...["GALogEn 28", "GAIntEn 29", "DualPPRLogEn 31:30", "DualEventLogEn 33:32", "DevTblSegEn 36:34"],
      ...["PrivAbrtEn 38:37", "PPRAutoRspEn 39", "MarcEn 40", "BlkStopMrkEn 41", "PPRAutoRspAon 42"],
      ...["NumIntRemapMode 44:43", "EPHEn 45", "HADUpdate 47:46", "GDUpdateDis 48", "XTEn 50"],
      ...["IntCapXTEn 51", "vCmdEn 52", "vIommuEn 53", "GAUpdateDis 54", "GAPPIEn 55", "TMPMEn 56"],
      ...["GCR3TRPMode 58", "IRTCacheDis 59", "GstBufferTRPMode 60", "SNPAVICEn 63:61"],
    ]);
  });

  it("Status, bit by bit", () => {
    expect(fieldsOf("Status")).toEqual([
      ...["EventOverflow 0 RW1C", "EventLogInt 1 RW1C", "ComWaitInt 2 RW1C", "EventLogRun 3 RO"],
      ...["CmdBufRun 4 RO", "PPROverflow 5 RW1C", "PPRInt 6 RW1C", "PPRLogRun 7 RO", "GALogRun 8 RO"],
      ...["GALOverflow 9 RW1C", "GAInt 10 RW1C", "PPROverflowB 11 RW1C", "PPRLogActive 12 RO"],
      ...["EventOverflowB 15 RW1C", "EventLogActive 16 RO", "PPROverflowEarlyB 17 RW1C"],
      "PPROverflowEarly 18 RW1C",
    ]);
  });

  it("every register that is no status is 64 bits wide but for those of 32 bits", () => {
    const narrow = [...registers.values()].filter((one) => one.layout.width === 32).map((one) => one.offset);
    expect(narrow.sort((a, b) => a - b)).toEqual([0x158, 0x15c, 0x160, 0x164, 0x168, 0x16c]);
    expect(Offset.Status).toBe(0x2020);
    expect(registerFileOf(all).read(Offset.EFR)).toBe(0xffffffff);
  });
});
