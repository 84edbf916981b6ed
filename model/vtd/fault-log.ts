/** Primary fault logging (VT-d 7.2.1, 11.4.7.6). */
import type { Request } from "../trace.js";
import type { Platform } from "./profile.js";
import type { VtdFaultRule } from "./rules.js";
import { PAGES_BY_LEVEL } from "./tables.js";

/** One fault as a record shows it. */
export interface FaultRecord {
  readonly sourceId: number;
  /** FI: the page of the address in the request, with bits at and above the largest supported width cleared. */
  readonly page: number;
  readonly reason: number;
  /** T1 and T2: 0 write, 2 read, 3 AtomicOp. */
  readonly type: number;
}

/** 11.4.7.6: how T1 (bit 1) and T2 (bit 0) name the type of a request. Choice: a zero-length read is a read. */
export function recordedType(request: Request): number {
  if (request.type === "write") return 0;
  return request.type === "atomic" ? 3 : 2;
}

/** The record of a request that was blocked under this rule. */
export function faultRecordOf(platform: Platform, request: Request, rule: VtdFaultRule): FaultRecord {
  return {
    sourceId: request.requester,
    page: request.page % (PAGES_BY_LEVEL[platform.largestLevels]! * 512),
    reason: rule.reason,
    type: recordedType(request),
  };
}

/** The four 32-bit parts of a fault recording register. */
export function recordWords(
  record: FaultRecord | undefined,
  pending: boolean,
): [number, number, number, number] {
  if (!record) return [0, 0, 0, 0];
  const low = ((record.page % 0x100000) << 12) >>> 0;
  const high = Math.floor(record.page / 0x100000);
  const source = (record.sourceId | ((record.type & 1) << 28)) >>> 0;
  const reason = (record.reason | ((record.type >>> 1) << 30) | (pending ? 0x80000000 : 0)) >>> 0;
  return [low, high, source, reason];
}

export type FaultOutcome = "recorded" | "collapsed" | "overflow" | "dropped";

/** The fault recording registers with their index and overflow. */
export class FaultLog {
  private nextIndex = 0;
  private firstIndex = 0;
  private overflow = false;

  constructor(
    private readonly count: number,
    private readonly records: (FaultRecord | undefined)[] = new Array(count).fill(undefined),
    private readonly pending: boolean[] = new Array(count).fill(false),
  ) {}

  clone(): FaultLog {
    const copy = new FaultLog(this.count, this.records.slice(), this.pending.slice());
    copy.nextIndex = this.nextIndex;
    copy.firstIndex = this.firstIndex;
    copy.overflow = this.overflow;
    return copy;
  }

  /** As after a reset. */
  reset(): void {
    this.records.fill(undefined);
    this.pending.fill(false);
    this.nextIndex = 0;
    this.firstIndex = 0;
    this.overflow = false;
  }

  /** Equal states have equal keys. */
  key(): string {
    let key = `${this.nextIndex};${this.firstIndex};${this.overflow ? 1 : 0}`;
    for (let index = 0; index < this.count; index++) {
      const one = this.pending[index] ? this.records[index]! : null;
      key += one ? `|${one.sourceId},${one.page},${one.reason},${one.type}` : "|";
    }
    return key;
  }

  get isOverflowing(): boolean {
    return this.overflow;
  }

  /** The register that was recorded into last. */
  get lastIndex(): number {
    return (this.nextIndex + this.count - 1) % this.count;
  }

  /** PPF: some record holds a fault. */
  get isPending(): boolean {
    return this.pending.includes(true);
  }

  /** 7.2.1, second step: hardware that compresses does not record a second fault of a requester with one pending. */
  mayCollapse(fault: FaultRecord): boolean {
    if (this.overflow) return false;
    for (let index = 0; index < this.count; index++) {
      if (this.pending[index] && this.records[index]!.sourceId === fault.sourceId) return true;
    }
    return false;
  }

  /** 7.2.1: records a fault, or notes that it was lost. */
  record(fault: FaultRecord, collapse: boolean): FaultOutcome {
    if (this.overflow) return "dropped";
    if (collapse && this.mayCollapse(fault)) return "collapsed";
    if (this.pending[this.nextIndex]) {
      this.overflow = true;
      return "overflow";
    }
    if (!this.isPending) this.firstIndex = this.nextIndex;
    this.records[this.nextIndex] = fault;
    this.pending[this.nextIndex] = true;
    this.nextIndex = (this.nextIndex + 1) % this.count;
    return "recorded";
  }

  /** Replaces a record whatever it holds: what no conforming unit does. */
  overwrite(index: number, fault: FaultRecord): void {
    this.records[index] = fault;
  }

  /** Software wrote 1 to F of a record. */
  clearRecord(index: number): void {
    this.pending[index] = false;
  }

  /** Software wrote 1 to PFO. */
  clearOverflow(): void {
    this.overflow = false;
  }

  /** 7.2.1: the index returns to zero when address and interrupt translation are both off. */
  translationDisabled(): void {
    this.nextIndex = 0;
  }

  /** PFO, PPF and, where PPF is set, FRI, as FSTS shows them. */
  statusBits(): number {
    const pending = this.isPending;
    return (this.overflow ? 1 : 0) | (pending ? 2 : 0) | (pending ? this.firstIndex << 8 : 0);
  }

  /** The fault that record `index` holds while its F is set. */
  pendingRecord(index: number): FaultRecord | undefined {
    return this.pending[index] ? this.records[index] : undefined;
  }

  /** Every fault that is pending, with the number of its register. */
  pendingRecords(): { index: number; record: FaultRecord }[] {
    return this.records.flatMap((record, index) =>
      record && this.pending[index] ? [{ index, record }] : [],
    );
  }

  /** One of the four 32-bit parts of record `index`. */
  part(index: number, part: number): number {
    return recordWords(this.records[index], this.pending[index]!)[part]!;
  }
}
