/** The special address ranges and what a device table entry makes of them, to the page (AMD-Vi 2.1.2, 2.2.2). */
import { describe, expect, it } from "vitest";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { HYPERTRANSPORT_FIRST_PAGE, HYPERTRANSPORT_LAST_PAGE, rangeDecision } from "./special-ranges.js";

const zen1 = platformOf(profileNamed("zen1"));
/** EFR2.HTRangeIgnore is bit 11. */
const ignoring = platformOf({ ...profileNamed("zen1"), extendedFeatures2: { low: 0x800, high: 0 } });

/** IoCtl is in bits 100:99 and SysMgt in bits 105:104 of the entry, 4:3 and 9:8 of this half. */
const ioCtl = (value: number) => value << 3;
const sysMgt = (value: number) => value << 8;

function decision(page: number, high2 = 0, platform = zen1): string {
  const decided = rangeDecision(platform, page, high2 >>> 0);
  return typeof decided === "string" ? decided : decided.id.replace("amdvi.request.", "");
}

describe("ranges with a meaning of their own", () => {
  it("FEE0_0000h to FEEF_FFFFh are interrupts, on whatever platform", () => {
    const pages = [0xfedff, 0xfee00, 0xfeeff, 0xfef00];
    const expected = ["memory", "interrupt-range", "interrupt-range", "memory"];
    expect(pages.map((page) => decision(page))).toEqual(expected);
    expect(pages.map((page) => decision(page, 0, ignoring))).toEqual(expected);
  });

  it("FD_0000_0000h to FF_FFFF_FFFFh are HyperTransport's, unless the platform ignores them", () => {
    expect([HYPERTRANSPORT_FIRST_PAGE, HYPERTRANSPORT_LAST_PAGE]).toEqual([0xfd00000, 0xfffffff]);
    expect(decision(0xfcfffff)).toBe("memory");
    expect(decision(0xfd00000)).toBe("reserved-interrupt-range");
    expect(decision(0xfffffff)).toBe("forwarded");
    expect(decision(0x10000000)).toBe("memory");
    for (const page of [0xfd00000, 0xfdf9100, 0xfdfc000, 0xfffffff])
      expect(decision(page, 0, ignoring)).toBe("memory");
  });

  it("FD_0000_0000h to FD_F7FF_FFFFh: reserved interrupts are always blocked", () => {
    expect(decision(0xfdf7fff)).toBe("reserved-interrupt-range");
    expect(decision(0xfdf7fff, 0xffffffff)).toBe("reserved-interrupt-range");
    expect(decision(0xfdf8000)).toBe("forwarded");
  });

  it("FD_F910_0000h to FD_F91F_FFFFh: system management as SysMgt says", () => {
    expect([0xfdf90ff, 0xfdf9100, 0xfdf91ff, 0xfdf9200].map((page) => decision(page))).toEqual([
      "forwarded",
      "system-management",
      "system-management",
      "forwarded",
    ]);
    expect([0, 1, 2, 3].map((value) => decision(0xfdf9100, sysMgt(value) | ~sysMgt(3)))).toEqual([
      "system-management",
      "forwarded",
      "forwarded",
      "memory",
    ]);
  });

  it("FD_FC00_0000h to FD_FDFF_FFFFh: port I/O as IoCtl says", () => {
    expect([0xfdfbfff, 0xfdfc000, 0xfdfdfff, 0xfdfe000].map((page) => decision(page))).toEqual([
      "forwarded",
      "port-io",
      "port-io",
      "forwarded",
    ]);
    expect([0, 1, 2, 3].map((value) => decision(0xfdfc000, ioCtl(value) | ~ioCtl(3)))).toEqual([
      "port-io",
      "forwarded",
      "memory",
      "forwarded",
    ]);
  });
});
