/** The record of a trace as it grows: actions with what they show, events between them, and the line each came from. */
import type { OwnershipEvent, TraceRecord } from "../../model/isolation/events.js";
import type { Action, Observation } from "../../model/trace.js";

const NOTHING: Observation = { low: 0, high: 0 };
/** A poll sees what it waits for. */
const SEEN: Observation = { low: 1, high: 0 };

export class TraceRecorder {
  readonly records: TraceRecord[] = [];
  /** The number of the line of each action. */
  readonly lines: number[] = [];
  /** Actions that were taken and are not in the record yet. */
  readonly actions: Action[] = [];

  /** @param line the number of the line that is carried out */
  constructor(public line: number) {}

  /** Software says something after what it has done so far. */
  say(event: OwnershipEvent): void {
    this.settle();
    this.records.push(event);
  }

  /** Takes the actions into the record. */
  settle(): void {
    for (const action of this.actions) {
      const polls = action.do === "poll-register" || action.do === "poll-memory";
      this.records.push({ action, seen: polls ? SEEN : NOTHING });
      this.lines.push(this.line);
    }
    this.actions.length = 0;
  }
}
