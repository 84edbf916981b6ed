/** What a judge found wrong with a run. */

/**
 * - `stale`: a request reached memory through entries whose invalidation software had seen complete;
 * - `late-write`: a posted write landed after the invalidation that drains it was seen complete;
 * - `forbidden`: a request reached a page, or used a right, that no table ever gave it;
 * - `faulting-entry`: a request got through although every admissible chain holds a faulting entry;
 * - `refused`: a request was blocked although every admissible outcome serves it;
 * - `misdirected`: an outcome of another kind than any admissible one;
 * - `fault-record`: the fault registers show what no admissible history of faults gives;
 * - `completion`: a completion was signalled that cannot have happened, or never came;
 * - `register`: a register read shows what it cannot hold;
 * - `memory`: memory holds what no admissible write put there.
 */
export type FindingKind =
  | "stale"
  | "late-write"
  | "forbidden"
  | "faulting-entry"
  | "refused"
  | "misdirected"
  | "fault-record"
  | "completion"
  | "register"
  | "memory";

export interface Finding {
  readonly kind: FindingKind;
  /** Index of the action whose observation shows it; the number of actions for the state after the run. */
  readonly action: number;
  /** Ids of the rules that are involved: what was broken or bypassed. */
  readonly rules: readonly string[];
  /** One sentence: what was seen, and what was admissible. */
  readonly message: string;
  /** Why, link by link, for a reader who has the tables in front of them. */
  readonly witness: readonly string[];
}

/** The model does not say what follows; from here on the verdict is unknown. */
export class OutsideModel extends Error {
  override readonly name = "OutsideModel";
}
