/** Judges recorded traces record by record, in memory that does not grow with their length. */
import { type Finding, OutsideModel } from "../model/finding.js";
import type { TraceRecord } from "../model/isolation/events.js";
import { IsolationJudge } from "../model/isolation/judge.js";
import type { OracleSetup } from "../model/vtd/oracle.js";
import type { PlatformProfile } from "../model/vtd/profile.js";
import { VtdSoftware } from "../model/vtd/software.js";
import { walkPlatformOf } from "../model/vtd/walk.js";

/** Records between two moments at which history is forgotten. */
const FEWEST = 256;
const MOST = 4096;
/** The share of the time that forgetting may take, and the share below which it is done more often. */
const LARGE_SHARE = 0.2;
const SMALL_SHARE = 0.05;

/** Follows a trace with the judge of software. */
export class TraceRun {
  readonly judge: IsolationJudge;
  records = 0;
  events = 0;
  private readonly pace = new Pace();

  constructor(profile: PlatformProfile, setup: OracleSetup) {
    const model = new VtdSoftware(walkPlatformOf(profile));
    model.reset(setup);
    this.judge = new IsolationJudge(model);
  }

  get actions(): number {
    return this.records - this.events;
  }

  /**
   * Takes the next record; returns what is wrong from then on, or null.
   * @throws OutsideModel when the specification does not say what follows
   * @throws RangeError when the record is about memory that does not exist
   */
  take(record: TraceRecord): Finding | null {
    this.records++;
    if ("event" in record) this.events++;
    const finding = this.judge.take(record);
    if (!finding) this.pace.step(() => this.judge.model.forget());
    return finding;
  }
}

/** How often history is forgotten: seldom enough that it costs little, often enough that there is little of it. */
class Pace {
  private every = FEWEST;
  private since = 0;
  private last = performance.now();

  step(forget: () => void): void {
    if (++this.since < this.every) return;
    this.since = 0;
    const start = performance.now();
    forget();
    const end = performance.now();
    const share = (end - start) / Math.max(end - this.last, 1e-9);
    this.last = end;
    if (share > LARGE_SHARE) this.every = Math.min(this.every * 2, MOST);
    else if (share < SMALL_SHARE) this.every = Math.max(this.every / 2, FEWEST);
  }
}

/** What came of a trace. */
export interface TraceVerdict {
  readonly finding: Finding | null;
  /** Why there is no verdict from some record on: the specification does not say what follows. */
  readonly unknown: string | null;
}

/**
 * Takes records until something is wrong or they end.
 * @param after is told of every record that was taken
 * @throws RangeError when a record is about memory that does not exist
 */
export function judgeTrace(run: TraceRun, records: Iterable<TraceRecord>, after: () => void): TraceVerdict {
  try {
    for (const record of records) {
      const finding = run.take(record);
      after();
      if (finding) return { finding, unknown: null };
    }
  } catch (error) {
    if (!(error instanceof OutsideModel)) throw error;
    return { finding: null, unknown: error.message };
  }
  return { finding: null, unknown: null };
}
