import { describe, expect, it } from "vitest";
import { plantedEntries } from "./planted.js";

describe("plantedEntries", () => {
  it("VT-d: R and W; PS for 2 MiB", () => {
    const { leaf, superpage } = plantedEntries("vtd");
    expect(leaf(0x1001)).toEqual({ low: 0x1001003, high: 0 });
    expect(superpage(0x1200)).toEqual({ low: 0x1200083, high: 0 });
  });

  it("AMD-Vi: PR, IR and IW, NextLevel 0 at either level", () => {
    const { leaf, superpage } = plantedEntries("amdvi");
    expect(leaf(0x1001)).toEqual({ low: 0x1001001, high: 0x60000000 });
    expect(superpage(0x1200)).toEqual({ low: 0x1200001, high: 0x60000000 });
  });
});
