/** Known deviations of an implementation, as data: so that one known bug does not hide the next. */
import type { Finding } from "../../model/finding.js";
import type { Action, Observation } from "../../model/trace.js";

export interface KnownDeviation {
  readonly id: string;
  /** What the implementation does. */
  readonly statement: string;
  /** What the specification says, with its section. */
  readonly specification: string;
  /** Versions it was measured on. */
  readonly versions: readonly string[];
  /** True when this finding, shown by this action of the run, is this deviation. */
  explains(finding: Finding, actions: readonly Action[]): boolean;
  /** What the implementation should have shown, when this observation is one of the deviation; else null. */
  repair?(action: Action, seen: Observation): Observation | null;
  /** True for actions that a campaign leaves out, to get past the deviation. */
  avoids?(action: Action): boolean;
}
