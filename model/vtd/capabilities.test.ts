/** Fields of CAP and ECAP and the registers of whole machines, written out from 11.4.2, 11.4.3 and kernel logs. */
import { describe, expect, it } from "vitest";
import type { Layout } from "../words/layout.js";
import { capabilityLayout, extendedCapabilityLayout } from "./capabilities.js";
import { platformOf } from "./profile.js";
import { profileNamed, profiles } from "./profiles.js";
import { RegisterFile } from "./registers.js";

/** `field bits`, lowest field first, fields without meaning left out. */
function fieldsOf(layout: Layout): string[] {
  const named = layout.fields.filter((one) => one.kind !== "ignored").sort((a, b) => a.low - b.low);
  return named.map(({ name, high, low }) => `${name} ${high === low ? low : `${high}:${low}`}`);
}

describe("fields", () => {
  it("of CAP", () => {
    expect(fieldsOf(capabilityLayout)).toEqual([
      ...["ND 2:0", "RWBF 4", "PLMR 5", "PHMR 6", "CM 7", "SAGAW 12:8", "MGAW 21:16", "ZLR 22", "FRO 33:24"],
      ...["SSLPS 37:34", "PSI 39", "NFR 47:40", "MAMV 53:48", "DWD 54", "DRD 55", "FS1GP 56", "PI 59"],
      ...["FS5LP 60", "ECMDS 61", "ESIRTPS 62", "ESRTPS 63"],
    ]);
  });

  it("of ECAP", () => {
    expect(fieldsOf(extendedCapabilityLayout)).toEqual([
      ...["C 0", "QI 1", "DT 2", "IR 3", "EIM 4", "PT 6", "SC 7", "IRO 17:8", "MHMV 23:20", "MTS 25"],
      ...["NEST 26", "PRS 29", "ERS 30", "SRS 31", "NWFS 33", "EAFS 34", "PSS 39:35", "PASID 40", "DIT 41"],
      ...["PDS 42", "SMTS 43", "VCS 44", "SSADS 45", "SSTS 46", "FSTS 47", "SMPWCS 48", "RPS 49", "PMS 51"],
      ...["ADMS 52", "RPRIVS 53", "HPTS 55", "PTRS 56", "SSIRWS 57", "SMS 58", "HPT1GPS 59", "EIMER 61"],
      "IRREQ 62",
    ]);
  });
});

/** Version, capability, extended capability and host address width, as logs and firmware tables give them. */
const REGISTERS: Readonly<
  Record<string, readonly [version: number, cap: bigint, ecap: bigint, haw: number]>
> = {
  "qemu-39": [0x10, 0x00d2008c22260206n, 0xf00f4an, 39],
  "qemu-48": [0x10, 0x00d2008c222f0606n, 0xf00f4an, 48],
  "qemu-48-caching-mode": [0x10, 0x00d2008c222f0686n, 0xf00f4an, 48],
  "qemu-39-esrtps": [0x10, 0x80d2008c22260206n, 0xf00f4an, 39],
  "qemu-48-esrtps": [0x10, 0x80d2008c222f0606n, 0xf00f4an, 48],
  "qemu-48-caching-mode-esrtps": [0x10, 0x80d2008c222f0686n, 0xf00f4an, 48],
  gm45: [0x10, 0xc9008020e30272n, 0x1000n, 36],
  x58: [0x10, 0xc90780106f0462n, 0xf020e2n, 36],
  "westmere-ep": [0x10, 0xc90780106f0462n, 0xf020fen, 40],
  "sandy-bridge-graphics": [0x10, 0xc0000020e60262n, 0xf0101an, 36],
  "sandy-bridge-ep": [0x10, 0xd2078c106f0466n, 0xf020den, 46],
  "ivy-bridge": [0x10, 0xc9008020660262n, 0xf0105an, 39],
  haswell: [0x10, 0xd2008c20660462n, 0xf010dan, 39],
  "haswell-graphics": [0x10, 0xc0000020660462n, 0xf0101an, 39],
  "broadwell-ep-audio": [0x10, 0x8d2008c10ef0466n, 0xf0205bn, 46],
  "kaby-lake-graphics": [0x10, 0x1c0000c40660462n, 0x19e2ff0505en, 39],
  skylake: [0x10, 0xd2008c40660462n, 0xf050dan, 39],
  "skylake-sp": [0x10, 0x8d2078c106f0466n, 0xf020dfn, 46],
  "ice-lake-sp": [0x40, 0x8ed008c40780466n, 0x60000f050dfn, 46],
  "sapphire-rapids": [0x60, 0x19ed008c40780c66n, 0x3ee9e86f050dfn, 52],
  "alder-lake-graphics": [0x40, 0x1c0000c40660462n, 0x29a00f0505en, 39],
  "alder-lake": [0x50, 0xd2008c40660462n, 0xf050dan, 39],
  "meteor-lake": [0x70, 0xc9de008cee690462n, 0x12ca9a00f0ef5en, 42],
  "xeon-6": [0x70, 0xf9ed008cee780c66n, 0x3fef9ea6f0efdfn, 52],
};

describe("registers of machines", () => {
  it.each(profiles.map((one) => one.id))("%s", (id) => {
    const platform = platformOf(profileNamed(id));
    const file = new RegisterFile(platform);
    const word = (offset: number) => (BigInt(file.read(offset + 4)) << 32n) | BigInt(file.read(offset));
    expect([file.read(0), word(8), word(16), platform.hostAddressWidth]).toEqual(REGISTERS[id]);
  });
});
