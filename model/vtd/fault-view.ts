/**
 * The fault recording registers as software can know them (VT-d 7.2.1). Which of several faults is reported, and whether
 * a repeated one is left out, is hardware's choice: what software reads is admissible when some history of choices
 * gives it. One such history is kept at hand; only when a read contradicts it are the others searched.
 */
import { OutsideModel } from "../finding.js";
import type { Request } from "../trace.js";
import type { Outcome } from "../windows/admissible.js";
import type { Complaint } from "../windows/oracle.js";
import { empty } from "../words/lists.js";
import type { Coverage } from "../words/rule.js";
import { faultLogRules } from "./behaviour-rules.js";
import { FaultLog, type FaultRecord, faultRecordOf } from "./fault-log.js";
import type { Platform } from "./profile.js";
import type { VtdFaultRule } from "./rules.js";

/** What happened to the registers, or was read of them, in order. */
type Item =
  /** A request was blocked: one of these was to be recorded, or nothing where null is among them. */
  | { readonly kind: "fault"; readonly faults: readonly (FaultRecord | null)[] }
  | { readonly kind: "clear"; readonly index: number }
  | { readonly kind: "clear-overflow" }
  | { readonly kind: "disabled"; readonly certain: boolean }
  | Read;

/** Software read this. */
type Read =
  | { readonly kind: "status"; readonly value: number; readonly mask: number }
  | { readonly kind: "event"; readonly pending: boolean }
  | {
      readonly kind: "part";
      readonly index: number;
      readonly part: number;
      readonly value: number;
      readonly mask: number;
    };

/** Histories to look at before a past is given up being summed up. */
const SEARCH_LIMIT = 20_000;

export class FaultLogView {
  /** States the registers may have been in when {@link timeline} begins. */
  private bases: readonly FaultLog[] = [];
  private readonly timeline: Item[] = [];
  /** A state at the end of the timeline that some history leads to. */
  private witness: FaultLog;
  /** Hardware had no choice since {@link timeline} begins: the witness is the only state. */
  private certain = true;
  private readonly atReset: readonly FaultLog[];
  private readonly first: number;
  private readonly end: number;

  constructor(
    private readonly platform: Platform,
    private readonly coverage: Coverage,
  ) {
    this.first = platform.faultRecordOffset;
    this.end = this.first + 16 * platform.faultRecords;
    this.witness = new FaultLog(platform.faultRecords);
    this.atReset = [new FaultLog(platform.faultRecords)];
  }

  reset(): void {
    this.witness.reset();
    this.bases = this.atReset;
    this.certain = true;
    empty(this.timeline);
  }

  /** True when a fault recording register is at this offset. */
  covers(offset: number): boolean {
    return offset >= this.first && offset < this.end;
  }

  /** A request had one of these outcomes. */
  outcome(request: Request, matching: readonly Outcome<VtdFaultRule>[]): void {
    const faults: (FaultRecord | null)[] = [];
    for (const { rule, recorded } of matching) {
      if (rule?.suppressible && !recorded) this.coverage.hit(faultLogRules.disabled);
      if (rule && recorded) faults.push(faultRecordOf(this.platform, request, rule));
      else if (!faults.includes(null)) faults.push(null);
    }
    if (faults.length === 1 && faults[0] === null) return;
    this.timeline.push({ kind: "fault", faults });
    if (faults.length > 1) this.certain = false;
    const likely = faults[0];
    if (likely) this.count(this.witness, likely);
  }

  private count(state: FaultLog, fault: FaultRecord): void {
    const { record, overflow, dropped, collapse } = faultLogRules;
    if (state.mayCollapse(fault)) {
      this.coverage.hit(collapse);
      this.certain = false;
    }
    const result = state.record(fault, false);
    this.coverage.hit({ recorded: record, overflow, dropped, collapsed: collapse }[result]);
  }

  /** Software writes 32 bits at `offset`: 1 to F frees a record. */
  write(offset: number, value: number): void {
    if (!this.covers(offset) || (offset - this.first) % 16 !== 12 || value >>> 31 === 0) return;
    const index = Math.floor((offset - this.first) / 16);
    this.coverage.hit(faultLogRules.clear);
    this.timeline.push({ kind: "clear", index });
    this.witness.clearRecord(index);
    this.sumUp();
  }

  clearOverflow(): void {
    this.timeline.push({ kind: "clear-overflow" });
    this.witness.clearOverflow();
    this.sumUp();
  }

  /** Clearing GCMD.TE was commanded: at some moment from now on the index returns to zero. */
  translationMayBeDisabled(): void {
    this.certain = false;
    this.timeline.push({ kind: "disabled", certain: false });
  }

  /** TES is seen to be 0; interrupt remapping is not modelled, so it counts as off. */
  translationDisabled(): void {
    this.timeline.push({ kind: "disabled", certain: true });
    this.witness.translationDisabled();
  }

  /** Software read PFO, PPF and FRI in FSTS. */
  sawStatus(value: number, mask: number): Complaint {
    return this.saw({ kind: "status", value, mask });
  }

  /** Software read IP in FECTL, while no other status than those of faults could be pending. */
  sawEvent(pending: boolean): Complaint {
    return this.saw({ kind: "event", pending });
  }

  /** Software read one 32-bit part of a record. */
  sawRecord(offset: number, value: number, mask: number): Complaint {
    const index = Math.floor((offset - this.first) / 16);
    const part = ((offset - this.first) % 16) / 4;
    return this.saw({ kind: "part", index, part, value, mask });
  }

  private saw(item: Read): Complaint {
    this.timeline.push(item);
    if (shows(this.witness, item)) return null;
    const found = this.search(1);
    if (found === null) throw new OutsideModel("more histories of the fault registers than can be looked at");
    if (found.length > 0) {
      this.witness = found[0]!;
      return null;
    }
    const message = `${inWords(item)}; the likely state of the registers: ${describe(this.witness)}`;
    return { kind: "fault-record", rules: [faultLogRules.record.id], message };
  }

  /** Once nothing is pending any more, what came before matters only for where the index stands. */
  private sumUp(): void {
    if (this.witness.isPending || this.witness.isOverflowing) return;
    const ends = this.certain ? [this.witness.clone()] : this.search(SEARCH_LIMIT);
    if (ends === null || ends.length === 0 || ends.some((one) => one.isPending || one.isOverflowing)) return;
    this.bases = ends;
    this.certain = ends.length === 1;
    empty(this.timeline);
  }

  /** Up to `most` different states that histories of the timeline end in; null when there are too many to look at. */
  private search(most: number): FaultLog[] | null {
    const search = new HistorySearch(this.timeline, most);
    for (const base of this.bases) search.from(base);
    return search.complete ? search.ends : null;
  }
}

/** Depth-first search over every choice hardware had. */
class HistorySearch {
  readonly ends: FaultLog[] = [];
  private readonly visited = new Set<string>();

  constructor(
    private readonly timeline: readonly Item[],
    private readonly most: number,
  ) {}

  /** False when the search was given up. */
  get complete(): boolean {
    return this.ends.length === this.most || this.visited.size < SEARCH_LIMIT;
  }

  from(base: FaultLog): void {
    this.visit(0, base.clone());
  }

  /** Takes ownership of `state`. */
  private visit(at: number, state: FaultLog): void {
    if (this.ends.length >= this.most || this.visited.size >= SEARCH_LIMIT) return;
    let index = at;
    for (; index < this.timeline.length; index++) {
      const item = this.timeline[index]!;
      if (item.kind === "fault") break;
      if (item.kind === "disabled" && !item.certain) {
        this.visit(index + 1, state.clone());
        state.translationDisabled();
      } else if (!apply(state, item)) {
        return;
      }
    }
    const key = `${index}/${state.key()}`;
    if (this.visited.has(key)) return;
    this.visited.add(key);
    const item = this.timeline[index];
    if (item?.kind !== "fault") {
      this.ends.push(state);
      return;
    }
    for (const fault of item.faults) this.choose(index, state, fault);
  }

  private choose(index: number, state: FaultLog, fault: FaultRecord | null): void {
    if (fault === null) {
      this.visit(index + 1, state.clone());
      return;
    }
    const recorded = state.clone();
    const result = recorded.record(fault, false);
    const consistent = result !== "recorded" || this.staysTrue(index + 1, recorded);
    if (consistent) this.visit(index + 1, recorded);
    if (state.mayCollapse(fault)) this.visit(index + 1, state.clone());
  }

  /** A record cannot change before software frees it: what is read of it until then must already be in it. */
  private staysTrue(from: number, state: FaultLog): boolean {
    const index = state.lastIndex;
    for (let at = from; at < this.timeline.length; at++) {
      const item = this.timeline[at]!;
      if (item.kind === "clear" && item.index === index) return true;
      if (item.kind === "part" && item.index === index && !shows(state, item)) return false;
    }
    return true;
  }
}

/** Does to a state what happened, or says whether it shows what was read. */
function apply(state: FaultLog, item: Item): boolean {
  if (item.kind === "clear") state.clearRecord(item.index);
  else if (item.kind === "clear-overflow") state.clearOverflow();
  else if (item.kind === "disabled") state.translationDisabled();
  else return shows(state, item);
  return true;
}

/** True when the registers in this state read like that. While F is clear the other fields of a record mean nothing. */
function shows(state: FaultLog, item: Item): boolean {
  if (item.kind === "status") {
    const relevant = item.mask & (state.isPending ? 0xff03 : 0x03);
    return ((state.statusBits() ^ item.value) & relevant) === 0;
  }
  if (item.kind === "event") return (state.isPending || state.isOverflowing) === item.pending;
  if (item.kind !== "part") return true;
  if (state.pendingRecord(item.index))
    return ((state.part(item.index, item.part) ^ item.value) & item.mask) === 0;
  return item.part !== 3 || (item.value & item.mask & 0x80000000) === 0;
}

function inWords(item: Read): string {
  if (item.kind === "event") return `IP of FECTL reads ${item.pending ? 1 : 0}`;
  const what = item.kind === "status" ? "FSTS" : `FRCD[${item.index}] part ${item.part}`;
  return `${what} reads 0x${item.value.toString(16)}`;
}

function describe(state: FaultLog): string {
  const records = state.pendingRecords().map(({ index, record }) => {
    const type = ["write", "page request", "read", "atomic"][record.type];
    const source = record.sourceId.toString(16).padStart(4, "0");
    const reason = record.reason.toString(16);
    return `${type} of page 0x${record.page.toString(16)} by ${source}h, reason ${reason}h, in FRCD[${index}]`;
  });
  const status = `FSTS 0x${state.statusBits().toString(16)}`;
  return records.length > 0 ? `${records.join(", ")} (${status})` : `no fault pending (${status})`;
}
