import { describe, expect, it } from "vitest";
import type { Request } from "../trace.js";
import { FaultLog, type FaultRecord, faultRecordOf, recordedType, recordWords } from "./fault-log.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { faultRules } from "./rules.js";

const fault = (sourceId: number, page = 0x13, reason = 6): FaultRecord => ({
  sourceId,
  page,
  reason,
  type: 2,
});
const [A, B, C] = [0x20, 0x28, 0x30];
const PFO = 1;
const PPF = 2;
const fri = (index: number) => index << 8;

/** Which requester each record holds, "-" where F is clear. */
const holds = (log: FaultLog, count: number) =>
  Array.from({ length: count }, (_, index) => log.pendingRecord(index)?.sourceId.toString(16) ?? "-").join(
    " ",
  );

describe("11.4.7.6 fault recording registers", () => {
  it("worked example: read of 13000h by 00:04.0, reason 6", () => {
    expect(recordWords(fault(A), true)).toEqual([0x13000, 0, 0x20, 0xc0000006]);
    expect(recordWords(fault(A), false)).toEqual([0x13000, 0, 0x20, 0x40000006]);
    expect(recordWords(undefined, false)).toEqual([0, 0, 0, 0]);
  });

  it("FI in 63:12, T2 in bit 92, T1 in bit 126", () => {
    const atomic = { sourceId: 0xffff, page: 0xabcde12345, reason: 0x29, type: 3 };
    expect(recordWords(atomic, true)).toEqual([0x12345000, 0xabcde, 0x1000ffff, 0xc0000029]);
    expect(recordWords({ ...atomic, type: 0 }, true)).toEqual([0x12345000, 0xabcde, 0xffff, 0x80000029]);
  });

  it("T1, T2: 00b write, 10b read, 11b AtomicOp; a zero-length read is a read", () => {
    const typed = (type: Request["type"]) =>
      recordedType({ requester: A, page: 0, offset: 0, length: 4, type });
    expect([typed("write"), typed("read"), typed("atomic"), typed("zero-length-read")]).toEqual([0, 2, 3, 2]);
  });

  it("FI drops address bits at and above the largest supported width", () => {
    const request: Request = {
      requester: A,
      page: 2 ** 45 + 2 ** 36 + 2 ** 27 + 5,
      offset: 8,
      length: 8,
      type: "write",
    };
    const recorded = (profile: string) =>
      faultRecordOf(platformOf(profileNamed(profile)), request, faultRules.writePermission);
    expect(recorded("qemu-39")).toEqual({ sourceId: A, page: 5, reason: 5, type: 0 });
    expect(recorded("skylake-sp").page).toBe(2 ** 27 + 5);
    expect(recorded("sapphire-rapids").page).toBe(2 ** 36 + 2 ** 27 + 5);
  });
});

describe("7.2.1 primary fault logging with one record", () => {
  it("records, overflows, drops, and records again when both are cleared", () => {
    const log = new FaultLog(1);
    expect(log.statusBits()).toBe(0);
    expect(log.record(fault(A), false)).toBe("recorded");
    expect(log.statusBits()).toBe(PPF | fri(0));
    expect(log.record(fault(B), false)).toBe("overflow");
    expect(log.statusBits()).toBe(PFO | PPF);
    expect(log.pendingRecord(0)).toEqual(fault(A));
    expect(log.record(fault(C), false)).toBe("dropped");

    log.clearRecord(0);
    expect(log.statusBits()).toBe(PFO);
    expect(log.record(fault(C), false)).toBe("dropped");
    expect(log.part(0, 3)).toBe(0x40000006);
    log.clearOverflow();
    expect(log.statusBits()).toBe(0);
    expect(log.record(fault(C), false)).toBe("recorded");
    expect(log.pendingRecord(0)).toEqual(fault(C));
  });

  it("collapse leaves out a second fault of a requester with one pending, and nothing else", () => {
    const log = new FaultLog(1);
    expect(log.mayCollapse(fault(A))).toBe(false);
    expect(log.record(fault(A), true)).toBe("recorded");
    expect(log.mayCollapse(fault(A, 0x99))).toBe(true);
    expect(log.record(fault(A, 0x99), true)).toBe("collapsed");
    expect(log.statusBits()).toBe(PPF);
    expect(log.record(fault(B), true)).toBe("overflow");
    expect(log.record(fault(A), true)).toBe("dropped");
    log.clearRecord(0);
    log.clearOverflow();
    expect(log.mayCollapse(fault(A))).toBe(false);
  });
});

describe("7.2.1 primary fault logging with eight records", () => {
  it("fills them in order; FRI stays at the first; the ninth overflows", () => {
    const log = new FaultLog(8);
    for (let index = 0; index < 8; index++) {
      expect(log.record(fault(index), false)).toBe("recorded");
      expect(log.lastIndex).toBe(index);
      expect(log.statusBits()).toBe(PPF | fri(0));
    }
    expect(holds(log, 8)).toBe("0 1 2 3 4 5 6 7");
    expect(log.record(fault(8), false)).toBe("overflow");
    expect(log.statusBits()).toBe(PFO | PPF | fri(0));
    expect(holds(log, 8)).toBe("0 1 2 3 4 5 6 7");
  });

  it("the index goes on behind cleared records and wraps; FRI is set when PPF was clear", () => {
    const log = new FaultLog(8);
    for (const source of [0, 1, 2]) log.record(fault(source), false);
    for (const index of [0, 1, 2]) log.clearRecord(index);
    expect(log.statusBits()).toBe(0);
    for (const source of [3, 4, 5, 6, 7, 8]) log.record(fault(source), false);
    expect(holds(log, 8)).toBe("8 - - 3 4 5 6 7");
    expect(log.statusBits()).toBe(PPF | fri(3));
    log.clearRecord(3);
    expect(log.statusBits()).toBe(PPF | fri(3));
  });

  it("a free record elsewhere does not help when the indexed one is in use", () => {
    const log = new FaultLog(8);
    for (let source = 0; source < 8; source++) log.record(fault(source), false);
    log.clearRecord(5);
    expect(log.record(fault(9), false)).toBe("overflow");
    expect(holds(log, 8)).toBe("0 1 2 3 4 - 6 7");
  });

  it("collapse compares with every record whose F is set, not with freed ones", () => {
    const log = new FaultLog(8);
    log.record(fault(A), false);
    log.record(fault(B), false);
    expect(log.record(fault(A, 0x77), true)).toBe("collapsed");
    log.clearRecord(0);
    expect(log.record(fault(A, 0x77), true)).toBe("recorded");
    expect(holds(log, 3)).toBe("- 28 20");
  });

  it("the index returns to zero when translation is disabled; records stay", () => {
    const log = new FaultLog(8);
    log.record(fault(A), false);
    log.record(fault(B), false);
    log.clearRecord(0);
    log.translationDisabled();
    log.record(fault(C), false);
    expect(holds(log, 3)).toBe("30 28 -");
    expect(log.statusBits()).toBe(PPF | fri(0));
  });
});

describe("copies and keys of a state", () => {
  it("a copy is equal, and goes its own way", () => {
    const log = new FaultLog(2);
    log.record(fault(A), false);
    const copy = log.clone();
    expect(copy.key()).toBe(log.key());
    copy.record(fault(B), false);
    copy.record(fault(C), false);
    expect(holds(log, 2)).toBe("20 -");
    expect(log.isOverflowing).toBe(false);
    expect(copy.key()).not.toBe(log.key());
  });

  it("keys tell apart what software could: record, index, first index, overflow", () => {
    const key = (change: (log: FaultLog) => void) => {
      const log = new FaultLog(2);
      log.record(fault(A), false);
      change(log);
      return log.key();
    };
    const keys = [
      key(() => {}),
      key((log) => log.clearRecord(0)),
      key((log) => log.translationDisabled()),
      key((log) => log.overwrite(0, fault(A, 0x14))),
      key((log) => log.overwrite(0, fault(A, 0x13, 5))),
      key((log) => log.overwrite(0, { ...fault(A), type: 3 })),
      key((log) => log.overwrite(0, fault(B))),
      key((log) => {
        log.record(fault(A), false);
        log.record(fault(A), false);
      }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});
