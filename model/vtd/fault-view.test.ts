/** What software may read of the fault registers after given faults, and what it may not. */
import { beforeEach, describe, expect, it } from "vitest";
import { Effect, type Request } from "../trace.js";
import type { Outcome } from "../windows/admissible.js";
import { Coverage } from "../words/rule.js";
import { faultLogRules, vtdRules } from "./behaviour-rules.js";
import { FaultLogView } from "./fault-view.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { faultRules, type VtdFaultRule } from "./rules.js";

const [A, B, C] = [0x20, 0x28, 0x30];
const { writePermission, readPermission, contextPresent } = faultRules;
const F = 0x80000000;
const ALL = 0xffffffff;
const [PFO, PPF] = [1, 2];

/** A view of a unit with one record (at 220h) or eight (at 100h), in short. */
class Unit {
  readonly coverage = new Coverage(vtdRules);
  readonly view: FaultLogView;
  private readonly first: number;

  constructor(records: 1 | 8) {
    const platform = platformOf(profileNamed(records === 1 ? "qemu-48" : "skylake-sp"));
    this.first = records === 1 ? 0x220 : 0x100;
    this.view = new FaultLogView(platform, this.coverage);
    this.view.reset();
  }

  /** A blocked write of page 5 with one of these rules; null stands for a fault that is not recorded. */
  fault(requester: number, ...rules: (VtdFaultRule | null)[]): this {
    const request: Request = { requester, page: 5, offset: 0, length: 4, type: "write" };
    const outcomes = rules.map(
      (rule): Outcome<VtdFaultRule> => ({
        effect: Effect.blocked,
        rule: rule ?? contextPresent,
        recorded: rule !== null,
      }),
    );
    this.view.outcome(request, outcomes);
    return this;
  }
  /** Software reads of record `index` that F is set, with this source and reason; true when it may. */
  shows(index: number, source: number, reason: number): boolean {
    const at = this.first + 16 * index;
    const parts = [0x5000, 0, source, (F | reason) >>> 0];
    return parts.every((value, part) => this.view.sawRecord(at + 4 * part, value, ALL) === null);
  }
  isFree(index: number): boolean {
    return this.view.sawRecord(this.first + 16 * index + 12, 0, ALL) === null;
  }
  status(value: number): boolean {
    return this.view.sawStatus(value, ALL) === null;
  }
  clear(index: number): this {
    this.view.write(this.first + 16 * index + 12, F);
    return this;
  }
}

let one: Unit;
let eight: Unit;
beforeEach(() => {
  one = new Unit(1);
  eight = new Unit(8);
});

describe("a single fault", () => {
  it("must be shown, with its page, source and reason", () => {
    expect(one.fault(A, writePermission).shows(0, A, 5)).toBe(true);
    expect(one.status(PPF)).toBe(true);
  });

  it("may not be missing, nor show another source, reason, type or page", () => {
    expect(new Unit(1).fault(A, writePermission).isFree(0)).toBe(false);
    expect(new Unit(1).fault(A, writePermission).status(0)).toBe(false);
    expect(new Unit(1).fault(A, writePermission).shows(0, B, 5)).toBe(false);
    expect(new Unit(1).fault(A, writePermission).shows(0, A, 6)).toBe(false);
    expect(one.fault(A, writePermission).view.sawRecord(0x22c, (F | 0x40000005) >>> 0, ALL)).not.toBeNull();
    expect(new Unit(1).fault(A, writePermission).view.sawRecord(0x220, 0x6000, ALL)).not.toBeNull();
  });

  it("no fault may be shown where none was", () => {
    expect(one.shows(0, A, 5)).toBe(false);
    expect(one.status(PPF)).toBe(false);
    expect(one.status(PFO)).toBe(false);
    expect(one.status(0)).toBe(true);
  });

  it("7.1.1: FPD keeps it out; where FPD may be read either way both are right", () => {
    expect(new Unit(1).fault(A, null).isFree(0)).toBe(true);
    expect(new Unit(1).fault(A, null).status(PPF)).toBe(false);
    expect(new Unit(1).fault(A, null, writePermission).isFree(0)).toBe(true);
    expect(new Unit(1).fault(A, null, writePermission).shows(0, A, 5)).toBe(true);
  });

  it("either of two reasons may be shown, but it stays the one that was seen", () => {
    expect(new Unit(1).fault(A, writePermission, readPermission).shows(0, A, 6)).toBe(true);
    one.fault(A, writePermission, readPermission);
    expect([one.shows(0, A, 5), one.shows(0, A, 5), one.shows(0, A, 6)]).toEqual([true, true, false]);
  });

  it("says what was read and what was likely", () => {
    const complaint = one.fault(A, writePermission).view.sawRecord(0x22c, (F | 6) >>> 0, ALL);
    expect(complaint).toEqual({
      kind: "fault-record",
      rules: ["vtd.faults.record"],
      message:
        "FRCD[0] part 3 reads 0x80000006; the likely state of the registers: " +
        "write of page 0x5 by 0020h, reason 5h, in FRCD[0] (FSTS 0x2)",
    });
    expect(new Unit(1).view.sawStatus(2, ALL)?.message).toBe(
      "FSTS reads 0x2; the likely state of the registers: no fault pending (FSTS 0x0)",
    );
  });
});

describe("7.2.1 collapse", () => {
  it("a second fault of the requester may be left out or overflow the only record", () => {
    expect(new Unit(1).fault(A, writePermission).fault(A, readPermission).status(PPF)).toBe(true);
    expect(
      new Unit(1)
        .fault(A, writePermission)
        .fault(A, readPermission)
        .status(PPF | PFO),
    ).toBe(true);
    expect(new Unit(1).fault(A, writePermission).fault(A, readPermission).shows(0, A, 6)).toBe(false);
  });

  it("with eight records it may be left out or take the next", () => {
    const twice = () => new Unit(8).fault(A, writePermission).fault(A, readPermission);
    expect(twice().isFree(1)).toBe(true);
    expect(twice().shows(1, A, 6)).toBe(true);
    const seen = twice();
    expect([seen.isFree(1), seen.shows(1, A, 6)]).toEqual([true, false]);
  });

  it("a fault of another requester may not be left out", () => {
    expect(one.fault(A, writePermission).fault(B, writePermission).status(PPF)).toBe(false);
    expect(eight.fault(A, writePermission).fault(B, writePermission).isFree(1)).toBe(false);
  });

  it("one choice tells of the next: three faults of A, B, A leave two or three records", () => {
    const three = () =>
      new Unit(8).fault(A, writePermission).fault(B, writePermission).fault(A, readPermission);
    expect(three().isFree(2)).toBe(true);
    expect(three().shows(2, A, 6)).toBe(true);
    expect(three().isFree(3)).toBe(true);
    expect(three().shows(3, A, 6)).toBe(false);
  });
});

describe("overflow", () => {
  it("PFO must be set by a fault that finds no room, and nothing else may set it", () => {
    expect(one.fault(A, writePermission).status(PPF | PFO)).toBe(false);
    expect(
      new Unit(1)
        .fault(A, writePermission)
        .fault(B, writePermission)
        .status(PPF | PFO),
    ).toBe(true);
    for (let source = 0; source < 8; source++) eight.fault(source, writePermission);
    expect(eight.status(PPF)).toBe(true);
    expect(eight.fault(9, writePermission).status(PPF)).toBe(false);
    expect(eight.status(PPF | PFO)).toBe(true);
  });

  it("while it is set nothing is recorded; afterwards faults are again", () => {
    one.fault(A, writePermission).fault(B, writePermission).clear(0).fault(C, writePermission);
    expect([one.status(PFO), one.isFree(0)]).toEqual([true, true]);
    one.view.clearOverflow();
    expect(one.status(0)).toBe(true);
    one.fault(C, readPermission);
    expect([one.shows(0, C, 6), one.status(PPF)]).toEqual([true, true]);
  });

  it("does not end by itself", () => {
    one.fault(A, writePermission).fault(B, writePermission);
    expect([one.status(PPF | PFO), one.status(PPF)]).toEqual([true, false]);
  });
});

describe("clearing and the index", () => {
  it("a cleared record is free and the next fault goes to the next register", () => {
    eight.fault(A, writePermission).clear(0);
    expect([eight.isFree(0), eight.status(0)]).toEqual([true, true]);
    eight.fault(B, writePermission);
    expect([eight.isFree(0), eight.shows(1, B, 5), eight.status(PPF | 0x100)]).toEqual([true, true, true]);
    expect(eight.status(PPF)).toBe(false);
  });

  it("writing 0 to F, or to another part of a record, clears nothing", () => {
    eight.fault(A, writePermission);
    eight.view.write(0x10c, 0);
    eight.view.write(0x108, F);
    expect(eight.isFree(0)).toBe(false);
  });

  it("FRI is read only while something is pending", () => {
    eight.fault(A, writePermission).clear(0).fault(B, writePermission).clear(1);
    expect(eight.status(0x500)).toBe(true);
  });

  it("a choice made before everything was cleared still tells where the index stands", () => {
    const seen = new Unit(8)
      .fault(A, writePermission)
      .fault(A, readPermission)
      .clear(0)
      .clear(1)
      .fault(B, writePermission);
    expect(seen.isFree(1)).toBe(true);
    expect(seen.shows(2, B, 5)).toBe(true);
    const collapsed = new Unit(8)
      .fault(A, writePermission)
      .fault(A, readPermission)
      .clear(0)
      .clear(1)
      .fault(B, writePermission);
    expect(collapsed.shows(1, B, 5)).toBe(true);
    expect(collapsed.shows(2, B, 5)).toBe(false);
  });

  it("turning translation off resets the index: maybe once commanded, surely once seen", () => {
    const commanded = () => {
      const unit = new Unit(8).fault(A, writePermission).clear(0);
      unit.view.translationMayBeDisabled();
      return unit.fault(B, writePermission);
    };
    expect(commanded().shows(0, B, 5)).toBe(true);
    expect(commanded().shows(1, B, 5)).toBe(true);
    eight.fault(A, writePermission).clear(0);
    eight.view.translationDisabled();
    expect(eight.fault(B, writePermission).isFree(0)).toBe(false);
  });
});

describe("reads under a mask, and coverage", () => {
  it("bits outside the mask do not count", () => {
    expect(one.fault(A, writePermission).view.sawStatus(0, PFO)).toBeNull();
    expect(one.view.sawRecord(0x22c, F, F)).toBeNull();
    expect(one.view.sawRecord(0x22c, 0, F)).not.toBeNull();
  });

  it("covers the fault recording registers and no other", () => {
    expect([0xfc, 0x100, 0x17c, 0x180].map((offset) => eight.view.covers(offset))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it("counts what faults exercised", () => {
    one.fault(A, writePermission).fault(B, writePermission).fault(C, writePermission).fault(A, null).clear(0);
    const { record, overflow, dropped, disabled, clear, collapse } = faultLogRules;
    const counts = [record, overflow, dropped, disabled, clear, collapse].map((rule) =>
      one.coverage.countOf(rule),
    );
    expect(counts).toEqual([1, 1, 1, 1, 1, 0]);
  });
});
