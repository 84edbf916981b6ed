/** A recorded run of software: where it starts, and what was done, seen and said, in order. */
import type { TraceRecord } from "../../model/isolation/events.js";
import type { RunStart } from "../../model/run-start.js";
import type { PlatformProfile } from "../../model/vtd/profile.js";

export interface RecordedTrace {
  readonly profile: PlatformProfile;
  readonly setup: RunStart;
  readonly records: Iterable<TraceRecord>;
}
