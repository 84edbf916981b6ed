/** Fields of the registers that 11.4.7 and 11.4.9 share, and of those that only say what the unit is, written out by hand. */
import { describe, expect, it } from "vitest";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { registersOf } from "./registers.js";

const registers = new Map(registersOf(platformOf(profileNamed("skylake-sp"))).map((one) => [one.name, one]));

/** `field bits access`, lowest field first, fields without meaning left out. */
function fieldsOf(name: string): string[] {
  const { layout, access } = registers.get(name)!;
  const named = layout.fields.filter((one) => one.kind !== "ignored").sort((a, b) => a.low - b.low);
  return named.map(
    ({ name: field, high, low }) => `${field} ${high === low ? low : `${high}:${low}`} ${access[field]}`,
  );
}

describe("registers of a message, for faults and for completed invalidations", () => {
  it.each(["FE", "IE"])("%s: mask and pending, data, address, upper address", (which) => {
    expect(fieldsOf(`${which}CTL_REG`)).toEqual(["IP 30 RO", "IM 31 RW"]);
    expect(fieldsOf(`${which}DATA_REG`)).toEqual(["IMD 15:0 RW"]);
    expect(fieldsOf(`${which}ADDR_REG`)).toEqual(["MA 31:2 RW"]);
    expect(fieldsOf(`${which}UADDR_REG`)).toEqual(["MUA 31:0 RW"]);
  });

  it("stand in the section of their group, one after the other", () => {
    const sections = (which: string) =>
      ["CTL", "DATA", "ADDR", "UADDR"].map((part) => registers.get(`${which}${part}_REG`)!.layout.section);
    expect(sections("FE")).toEqual(["11.4.7.2", "11.4.7.3", "11.4.7.4", "11.4.7.5"]);
    expect(sections("IE")).toEqual(["11.4.9.5", "11.4.9.6", "11.4.9.7", "11.4.9.8"]);
  });
});

describe("registers that say what the unit is, and commands", () => {
  it("version and capabilities are read-only", () => {
    expect(fieldsOf("VER_REG")).toEqual(["MIN 3:0 RO", "MAX 7:4 RO"]);
    expect(fieldsOf("CAP_REG")).toEqual(["CAP 63:0 RO"]);
    expect(fieldsOf("ECAP_REG")).toEqual(["ECAP 63:0 RO"]);
  });

  it("11.4.4.1: global commands can only be written", () => {
    expect(fieldsOf("GCMD_REG")).toEqual([
      "CFI 23 WO",
      "SIRTP 24 WO",
      "IRE 25 WO",
      "QIE 26 WO",
      "WBF 27 WO",
      "SRTP 30 WO",
      "TE 31 WO",
    ]);
  });
});
