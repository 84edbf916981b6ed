/** What is the same finding and what is not: by hand-written scenarios of each language. */
import { describe, expect, it } from "vitest";
import type { Finding, FindingKind } from "../model/finding.js";
import { isCoveredBy, signatureOf, wordingOf } from "./signature.js";
import type { AnyScenario } from "./subject.js";

function finding(kind: FindingKind, ...rules: string[]): Finding {
  return { kind, rules, action: 0, message: "", witness: [] };
}

/** A scenario for VT-d with these steps; a step by its name alone, an invalidation as `cache-granularity`. */
function scenario(...names: string[]): AnyScenario {
  const steps = names.map((name) => {
    const [cache, granularity] = name.split("-");
    if (cache === "iotlb" || cache === "context") return { do: "invalidate", target: { cache, granularity } };
    if (cache === "corrupt") return { do: "corrupt", entry: { structure: granularity } };
    return { do: name };
  });
  return { format: "iommu-spec scenario 1", architecture: "vtd", steps } as unknown as AnyScenario;
}

function intents(...steps: unknown[]): AnyScenario {
  return { format: "iommu-spec driver scenario 1", steps } as unknown as AnyScenario;
}

const unmapped = scenario("attach", "map", "dma", "unmap", "iotlb-page", "dma");

describe("the signature of what an IOMMU answers", () => {
  it("names the invalidation that left something behind, not how software changed the tables", () => {
    const one = signatureOf(unmapped, finding("stale", "vtd.second-stage.read-permission"));
    expect(one).toBe("stale from cache|iotlb-page");
    const other = scenario("map", "attach", "dma", "map", "iotlb-page", "dma");
    expect(signatureOf(other, finding("stale"))).toBe(one);
  });

  it("tells the kinds of invalidations, and the kinds of findings, apart", () => {
    const stale = signatureOf(unmapped, finding("stale"));
    const byDomain = scenario("attach", "map", "dma", "unmap", "iotlb-domain", "dma");
    expect(signatureOf(byDomain, finding("stale"))).not.toBe(stale);
    expect(signatureOf(unmapped, finding("refused"))).not.toBe(stale);
  });

  it("names the rule where one request is enough", () => {
    const checked = scenario("attach", "map", "corrupt-table", "dma");
    const one = signatureOf(checked, finding("faulting-entry", "vtd.second-stage.reserved-bits"));
    expect(one).toBe("faulting-entry|corrupt-table,vtd.second-stage.reserved-bits");
    expect(signatureOf(checked, finding("faulting-entry", "vtd.context.present"))).not.toBe(one);
  });
});

describe("the signature of other findings", () => {
  it("keeps what the record of a fault needs, in any order", () => {
    const one = signatureOf(scenario("attach", "map", "dma", "read-faults"), finding("fault-record", "r"));
    expect(one).toBe("fault-record|device,dma,r,read-faults,table");
    const other = scenario("map", "attach", "dma", "read-faults");
    expect(signatureOf(other, finding("fault-record", "r"))).toBe(one);
  });

  it("tells intents of software apart, which are routines of its own", () => {
    const unmap = signatureOf(
      intents({ do: "attach" }, { do: "map" }, { do: "unmap" }),
      finding("freed-page"),
    );
    const detach = signatureOf(
      intents({ do: "attach" }, { do: "map" }, { do: "detach" }),
      finding("freed-page"),
    );
    expect(unmap).toBe("freed-page|attach,map,unmap");
    expect(detach).toBe("freed-page|attach,detach,map");
    const switched = signatureOf(
      intents({ do: "attach" }, { do: "map" }, { do: "attach" }),
      finding("freed-page"),
    );
    expect(isCoveredBy(detach, switched) || isCoveredBy(switched, detach)).toBe(false);
    const pair = { do: "together", first: { do: "unmap" }, second: { do: "map" } };
    expect(signatureOf(intents(pair), finding("freed-page"))).toBe("freed-page|map+unmap");
  });
});

describe("the wording of a finding", () => {
  it("is the same for other numbers, and another for another register", () => {
    const wording = (message: string) => wordingOf({ ...finding("register"), message });
    const one = wording("FRCD[0] part 1 reads 0x3ff; read of page 0x7ffffff by 0030h, reason 1h");
    expect(wording("FRCD[2] part 3 reads 0x0; read of page 0x11 by 00f8h, reason 6h")).toBe(one);
    expect(wording("FSTS reads 0x3ff; read of page 0x7ffffff by 0030h, reason 1h")).not.toBe(one);
  });
});

describe("isCoveredBy", () => {
  it.each([
    ["stale|a,b", "stale|a", true],
    ["stale|a,b", "stale|a,b", true],
    ["stale|a,b", "stale|", true],
    ["stale|a", "stale|a,b", false],
    ["stale|ab", "stale|a", false],
    ["stale|a,b", "refused|a", false],
    ["stale from cache|a", "stale|a", false],
    ["a-known-deviation", "a-known-deviation", true],
    ["a-known-deviation", "another", false],
    ["stale|a", "a-known-deviation", false],
  ])("%s by %s: %s", (one, other, expected) => {
    expect(isCoveredBy(one, other)).toBe(expected);
  });
});
