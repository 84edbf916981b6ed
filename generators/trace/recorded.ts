/** A recorded run of software: where it starts, and what was done, seen and said, in order. */
import type { TraceRecord } from "../../model/isolation/events.js";
import type { OracleSetup } from "../../model/vtd/oracle.js";
import type { PlatformProfile } from "../../model/vtd/profile.js";

export interface RecordedTrace {
  readonly profile: PlatformProfile;
  readonly setup: OracleSetup;
  readonly records: Iterable<TraceRecord>;
}
