import { describe, expect, it } from "vitest";
import { invariants } from "../properties/invariants.js";
import { type Bug, bugNamed, bugs } from "./bugs.js";
import { builtInDrivers } from "./driver/built-in.js";
import { platformSoftware } from "./driver/platform/built-in.js";
import { type Deviation, deviations } from "./iommu/reference/deviations.js";

const functions: unknown[] = [];

/** Functions are told apart by which they are: equal texts may be about different things. */
function asText(value: unknown): unknown {
  if (typeof value !== "function") return value;
  if (!functions.includes(value)) functions.push(value);
  return `function ${functions.indexOf(value)}`;
}

/** Equal for two things that differ from what is correct in the same way. */
function differenceOf(faults: object): string {
  return JSON.stringify(faults, (_, value) => asText(value));
}

function differencesOf(variants: readonly { readonly faults: object }[]): string[] {
  return variants.map(({ faults }) => differenceOf(faults));
}

/** What is left of a variant of the reference without what is said of it. */
function faultsOf(deviation: Deviation): object {
  const told = ["id", "description", "rule", "sources", "minimum"];
  return Object.fromEntries(Object.entries(deviation).filter(([name]) => !told.includes(name)));
}

describe("the bug library", () => {
  it("has every variant once, by the name that --on and --driver take", () => {
    const count =
      deviations.length +
      [...builtInDrivers, ...platformSoftware].reduce((sum, one) => sum + one.variants.length, 0);
    expect(new Set(bugs.map((one) => one.name)).size).toBe(count);
    expect(bugNamed("reference:hint-ignores-leaf").role).toBe("iommu");
    expect(bugNamed("vtd:no-flush").role).toBe("driver");
    expect(bugNamed("amdvi-platform:group-split").role).toBe("platform");
    expect(() => bugNamed("vtd:none")).toThrow('unknown bug "vtd:none"');
  });

  it.each([
    ["the reference", deviations.map((one) => differenceOf(faultsOf(one)))],
    ...[...builtInDrivers, ...platformSoftware].map(
      (one) => [`${one.architecture}, ${one.variants.length} variants`, differencesOf(one.variants)] as const,
    ),
  ] as const)("has no two variants of %s that are the same difference", (_, differences) => {
    expect(new Set(differences).size).toBe(differences.length);
    expect(differences).not.toContain("{}");
  });

  it("says what software breaks by invariants of software", () => {
    const known = new Set(
      invariants.filter((one) => one.of.some((by) => by !== "iommu")).map(({ id }) => id),
    );
    const ofSoftware = bugs.filter((one) => one.role !== "iommu");
    for (const { name, breaks } of ofSoftware) {
      expect(breaks, name).not.toHaveLength(0);
      for (const id of breaks) expect(known, name).toContain(id);
    }
  });

  it("argues every minimum, and names sources that can be looked up", () => {
    const isFit = ({ minimum, sources }: Bug) =>
      minimum.steps >= 0 &&
      minimum.because.length > 10 &&
      sources.every((one) => /\d|quirk|deferred DMA|OpenVMM/.test(one));
    expect(bugs.filter((one) => !isFit(one)).map((one) => one.name)).toEqual([]);
  });
});
