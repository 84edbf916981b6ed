/** Known deviations of an implementation, as data: so that one known bug does not hide the next. */
import type { Scenario, Step } from "../generators/scenario.js";
import type { Outcome } from "../model/architecture.js";
import type { Profile } from "../model/profile.js";
import type { Action, Observation, Request } from "../model/trace.js";

/**
 * One difference between an implementation and the specification, with the ways to get past it. A finding is this
 * deviation when getting past it makes the finding go away.
 */
export interface KnownDeviation {
  readonly id: string;
  /** What the implementation does. */
  readonly statement: string;
  /** What the specification says, with its section. */
  readonly specification: string;
  /** Versions it was measured on, as prefixes of what the program prints. */
  readonly versions: readonly string[];
  /** The program does not survive it: campaigns steer around it always. */
  readonly fatal?: true;
  /** Steps of a scenario to leave out. */
  avoidsStep?(step: Step, scenario: Scenario): boolean;
  /** Actions to leave out. */
  avoidsAction?(action: Action, profile: Profile): boolean;
  /** What to do in place of an action; null to do it as it is. */
  replacesAction?(action: Action): Action | null;
  /** What the implementation should have shown, when this observation is one of the deviation; else null. */
  repairs?(action: Action, seen: Observation, profile: Profile): Observation | null;
  /** A further outcome of the request that is let pass beside an admissible one; null when there is none. */
  relaxes?(outcome: Outcome, request: Request): Outcome | null;
}
