import { describe, expect, it } from "vitest";
import { platformSoftware } from "./built-in.js";

describe.each(platformSoftware.map((one) => [one.name, one] as const))("faulty variants of %s", (_, one) => {
  it("are many, with ids and descriptions of their own", () => {
    const { variants } = one;
    expect(variants.length).toBeGreaterThanOrEqual(14);
    expect(new Set(variants.map(({ id }) => id)).size).toBe(variants.length);
    expect(new Set(variants.map(({ description }) => description)).size).toBe(variants.length);
  });

  it("say what they break, and by what it is shown", () => {
    for (const { breaks, minimum } of one.variants) {
      expect(breaks.length).toBeGreaterThan(0);
      expect(minimum.steps).toBeGreaterThanOrEqual(0);
      expect(minimum.because).not.toBe("");
    }
  });
});
