/** Failures and their events, written out from the specification's chapter on events. */
import { describe, expect, it } from "vitest";
import { faultRules } from "./rules.js";

describe("failures and their events", () => {
  it("code, PR, PE, RZ and Type", () => {
    const seen = Object.values(faultRules).map((one) => {
      const type = one.type === undefined ? "" : ` type ${one.type}`;
      const order = one.beforeTables ? "" : " in tables";
      return `${one.id.slice(6)} ${one.event} ${one.present}${one.permission}${one.reserved}${type}${order}`;
    });
    expect(seen).toEqual([
      "dte.out-of-table 2 000",
      "dte.fetch 3 000 type 1",
      "dte.reserved-bits 1 001",
      "dte.io-control-illegal 1 000",
      "dte.translation-valid 2 000",
      "dte.host-accessed-dirty-illegal 1 000",
      "dte.mode-illegal 1 000",
      "dte.guest-levels-illegal 1 000",
      "dte.permission 2 110",
      "page-table.address-width 2 100 in tables",
      "page-table.fetch 4 000 type 1 in tables",
      "page-table.present 2 000 in tables",
      "page-table.reserved-bits 2 101 in tables",
      "page-table.permission 2 110 in tables",
      "page-table.level-illegal 2 100 in tables",
      "page-table.skipped-bits 2 100 in tables",
      "page-table.page-size 2 100 in tables",
      "request.interrupt-range 8 000 type 1",
      "request.port-io 8 000 type 3",
      "request.system-management 8 000 type 4",
      "request.reserved-interrupt-range 8 000 type 6",
    ]);
  });

  it("only I/O page faults are suppressed by SA", () => {
    for (const one of Object.values(faultRules)) expect(one.suppressible).toBe(one.event === 2);
  });

  it("each names a section and makes a statement, under an id of its own", () => {
    const rules = Object.values(faultRules);
    expect(new Set(rules.map((one) => one.id)).size).toBe(rules.length);
    for (const one of rules) {
      expect(one.section).toMatch(/^AMD-Vi 2\.[25](\.\d+)+$/);
      expect(one.statement.length).toBeGreaterThan(20);
    }
  });
});
