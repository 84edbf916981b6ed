import { describe, expect, it } from "vitest";
import { vtdRules } from "./behaviour-rules.js";
import { faultRules } from "./rules.js";

describe("7.1.3 fault conditions of legacy mode", () => {
  it("carry the reason codes of the table, qualified or not", () => {
    const seen = Object.values(faultRules).map(
      (one) => `${one.condition} ${one.reason.toString(16)}h ${one.suppressible ? "Q" : "-"}`,
    );
    expect(seen).toEqual([
      "LRT.1 8h -",
      "LRT.2 1h -",
      "LRT.3 ah -",
      "LCT.1 9h -",
      "LCT.2 2h Q",
      "LCT.3 bh Q",
      "LCT.4.1 3h Q",
      "LCT.4.2 3h Q",
      "LCT.4.3 3h Q",
      "LSS.1 7h Q",
      "LSS.2 ch Q",
      "LGN.1.1 4h Q",
      "LGN.1.3 4h Q",
      "LGN.2 5h Q",
      "LGN.3 6h Q",
      "LGN.4 eh Q",
      "29h 29h -",
    ]);
  });
});

describe("all rules", () => {
  it("have ids of their own, in the vtd name space", () => {
    const ids = vtdRules.map((one) => one.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^vtd(\.[a-z0-9-]+)+$/.test(id))).toEqual([]);
  });

  it("name a section and make a statement", () => {
    for (const one of vtdRules) {
      expect(one.section).toMatch(/^VT-d \d+(\.\d+)+$/);
      expect(one.statement.length).toBeGreaterThan(20);
    }
  });
});
