/** A recorded run of software: where it starts, and what was done, seen and said, in order. */
import type { TraceRecord } from "../../model/isolation/events.js";
import type { Profile } from "../../model/profile.js";
import type { RunStart } from "../../model/run-start.js";

export interface RecordedTrace {
  readonly profile: Profile;
  readonly setup: RunStart;
  readonly records: Iterable<TraceRecord>;
}
