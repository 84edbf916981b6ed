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
 *
 * Of software, whatever caches a conforming unit has:
 * - `freed-page`: a page can be reached after its owner was given it back;
 * - `foreign-page`: a page can be reached that was never granted to the requester's domain;
 * - `excess-right`: a page can be reached with a right that was not granted;
 * - `after-detach`: a page of a domain can be reached by a requester that has left it;
 * - `revived`: a domain id or a table page was used again while entries of its last use could still be in use;
 * - `own-memory`: software's own memory can be reached;
 * - `mid-update`: the tables themselves give what was not granted, while they are being changed;
 * - `invalid-tables`: entries that software wrote are not valid on the platform;
 * - `unserved`: a granted access may be blocked, or end at another page;
 * - `provenance`: a request that a device was told to make by its former owner reaches what that owner was not granted.
 *
 * Of the software of a platform:
 * - `pre-boot`: protected memory can be reached before translation is on, or anything through a unit that was left off;
 * - `reserved`: a reserved region can be reached by a device that it is not of, or not by one that it is of;
 * - `split-group`: devices that are not isolated from each other belong to several owners;
 * - `sibling`: a virtual function, or an id that one could have, reaches what was granted to others only;
 * - `hot-plug`: a requester id that has no function, or a new one, reaches something;
 * - `unbounced`: a device behind no unit is let at anything but bounce pages;
 * - `uncontained`: a device that faults too often is not disabled, or one that does not is;
 * - `fault-lost`: a fault is not reported that nothing hid;
 * - `disagreement`: a guest's processors see other memory than its devices.
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
  | "memory"
  | "freed-page"
  | "foreign-page"
  | "excess-right"
  | "after-detach"
  | "revived"
  | "own-memory"
  | "mid-update"
  | "invalid-tables"
  | "unserved"
  | "provenance"
  | "pre-boot"
  | "reserved"
  | "split-group"
  | "sibling"
  | "hot-plug"
  | "unbounced"
  | "uncontained"
  | "fault-lost"
  | "disagreement";

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
