import { describe, expect, it } from "vitest";
import { vtdRules } from "../../../model/vtd/behaviour-rules.js";
import { deviationNamed, deviations } from "./deviations.js";

describe("faulty variants", () => {
  it("have ids and descriptions of their own", () => {
    expect(new Set(deviations.map((one) => one.id)).size).toBe(deviations.length);
    expect(new Set(deviations.map((one) => one.description)).size).toBe(deviations.length);
  });

  it.each(deviations.map((one) => [one.id, one.rule]))("%s breaks a known rule", (_, rule) => {
    expect(vtdRules.map((one) => one.id)).toContain(rule);
  });

  it.each(deviations.map((one) => [one.id, one] as const))(
    "%s differs from the reference in something",
    (_, one) => {
      const changes = Object.values(one).filter((value) => typeof value === "function" || value === true);
      const replaced = Object.values(one.removal ?? {}).filter((value) => typeof value === "function");
      expect(changes.length + replaced.length).toBeGreaterThan(0);
    },
  );

  it("are found by name; an unknown name lists the known ones", () => {
    expect(deviationNamed("caches-not-present").id).toBe("caches-not-present");
    expect(() => deviationNamed("perfect")).toThrow(
      /^unknown faulty variant "perfect"; known: page-flush-ignores-mask, /,
    );
  });
});
