/** Judges recorded traces record by record, in memory that does not grow with their length. */
import { TraceFormatError } from "../generators/trace/format-codec.js";
import type { TraceHeader } from "../generators/trace/format-header.js";
import { architectureOf } from "../model/architectures.js";
import { type Finding, OutsideModel } from "../model/finding.js";
import type { TraceRecord } from "../model/isolation/events.js";
import { IsolationJudge } from "../model/isolation/judge.js";
import { showAddress } from "../model/words/address.js";

/** Follows a trace with the judge of software. */
export class TraceRun {
  readonly judge: IsolationJudge;
  records = 0;
  events = 0;
  private readonly memoryPages: number;

  constructor({ profile, setup, protectedRuns }: TraceHeader) {
    const model = architectureOf(profile).createSoftware(profile);
    model.reset(setup);
    this.memoryPages = profile.memoryPages;
    this.judge = new IsolationJudge(model);
    for (const { page, pages } of protectedRuns) this.judge.hear({ event: "protect", page, pages });
  }

  get actions(): number {
    return this.records - this.events;
  }

  /**
   * Takes the next record; returns what is wrong from then on, or null.
   * @throws OutsideModel when the specification does not say what follows
   * @throws TraceFormatError when the record is about memory that does not exist
   */
  take(record: TraceRecord): Finding | null {
    if ("action" in record && record.action.do === "store" && record.action.page >= this.memoryPages) {
      const place = showAddress(record.action.page);
      throw new TraceFormatError(
        `no memory at ${place}: the platform has 0x${this.memoryPages.toString(16)} pages`,
      );
    }
    this.records++;
    if ("event" in record) this.events++;
    return this.judge.take(record);
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
 * @throws TraceFormatError when a record is about memory that does not exist
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
