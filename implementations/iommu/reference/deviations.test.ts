import { describe, expect, it } from "vitest";
import { architectures } from "../../../model/architectures.js";
import { deviationNamed, deviations } from "./deviations.js";

const named = deviations.map((one) => [one.id, one] as const);

describe("faulty variants", () => {
  it("have ids and descriptions of their own, whatever their architectures", () => {
    expect(new Set(deviations.map((one) => one.id)).size).toBe(deviations.length);
    expect(new Set(deviations.map((one) => one.description)).size).toBe(deviations.length);
  });

  it.each(named)("%s breaks a rule of its architecture", (_, { architecture, rule }) => {
    const { rules } = architectures.find((one) => one.id === architecture)!;
    expect(rules.map((one) => one.id)).toContain(rule);
  });

  it.each(named)("%s differs from the reference in something", (_, one) => {
    const changes = Object.values(one).filter((value) => typeof value === "function" || value === true);
    const replaced = Object.values(one.removal ?? {}).filter((value) => typeof value === "function");
    expect(changes.length + replaced.length).toBeGreaterThan(0);
  });

  it("are found by name; an unknown name lists the known ones", () => {
    expect(deviationNamed("caches-not-present").architecture).toBe("vtd");
    expect(deviationNamed("not-present-cached").architecture).toBe("amdvi");
    expect(() => deviationNamed("perfect")).toThrow(
      /^unknown faulty variant "perfect"; known: page-flush-ignores-mask, .*iommu-pages-ignores-size, /,
    );
  });
});
