/** What a judge found wrong with a run, and what that rests on. */
import type { RequestType } from "./trace.js";
import type { HostPage, IovaPage, RequesterId } from "./words/address.js";

/** Every kind of finding, with what it says. */
export const findingKinds = {
  // Of an IOMMU.
  stale: "a request reached memory through entries whose invalidation software had seen complete",
  "late-write": "a posted write landed after the invalidation that drains it was seen complete",
  forbidden: "a request reached a page, or used a right, that no table ever gave it",
  "faulting-entry": "a request got through although every admissible chain holds a faulting entry",
  refused: "a request was blocked although every admissible outcome serves it",
  misdirected: "an outcome of another kind than any admissible one",
  "fault-record": "the fault registers show what no admissible history of faults gives",
  completion: "a completion was signalled that cannot have happened, or never came",
  register: "a register read shows what it cannot hold",
  memory: "memory holds what no admissible write put there",
  // Of software, whatever caches a conforming unit has.
  "freed-page": "a page can be reached after its owner was given it back",
  "foreign-page": "a page can be reached that was never granted to the requester's domain",
  "excess-right": "a page can be reached with a right that was not granted",
  "after-detach": "a page of a domain can be reached by a requester that has left it",
  revived: "a domain id or a table page was used again while entries of its last use could still be in use",
  "own-memory": "software's own memory can be reached",
  "mid-update": "the tables themselves give what was not granted, while they are being changed",
  "invalid-tables": "entries that software wrote are not valid on the platform",
  unserved: "a granted access may be blocked, or end at another page",
  provenance:
    "a request that a device was told to make by its former owner reaches what that owner was not granted",
  // Of the software of a platform.
  "pre-boot":
    "protected memory can be reached before translation is on, or anything through a unit that was left off",
  reserved: "a reserved region can be reached by a device that it is not of, or not by one that it is of",
  "split-group": "devices that are not isolated from each other belong to several owners",
  sibling: "a virtual function, or an id that one could have, reaches what was granted to others only",
  "hot-plug": "a requester id that has no function, or a new one, reaches something",
  unbounced: "a device behind no unit is let at anything but bounce pages",
  uncontained: "a device that faults too often is not disabled, or one that does not is",
  "fault-lost": "a fault is not reported that nothing hid",
  disagreement: "a guest's processors see other memory than its devices",
} as const;

export type FindingKind = keyof typeof findingKinds;

/** The actions at which an invalidation was submitted and seen complete. */
export interface InvalidationActions {
  readonly submitted: number;
  /** Null while it was not. */
  readonly completed: number | null;
}

/** Where a chain of entries has an entry: in a register, above the device entry, as device entry, in a page table. */
export type ChainPart = "register" | "upper" | "device" | "table";

/** A value that an entry of a chain has held. */
export interface ChainEntry {
  /** As the specification calls it, such as `context entry`. */
  readonly name: string;
  readonly part: ChainPart;
  /** Level of the table that it is in, else 0. */
  readonly level: number;
  /** Negative for a register. */
  readonly page: HostPage;
  /** Index of its 64-bit word in the page. */
  readonly word: number;
  readonly low: number;
  readonly high: number;
  /** Action that stored the value; -1 when it was there from the start. */
  readonly storedBy: number;
  /** Action that ended its being in memory; null while it is there. */
  readonly replacedBy: number | null;
}

/** An entry of the chain that a finding rests on. */
export interface EvidenceEntry extends ChainEntry {
  /** Of an old value: why it may be in use, or cannot be any more. */
  readonly why: string | null;
  /** The invalidation that ends the use of an old value, complete or not, when there is one. */
  readonly fence: InvalidationActions | null;
}

/** What a request came to, or could come to, and the entries that it would have gone through. */
export interface Evidence {
  readonly requester: RequesterId;
  readonly page: IovaPage;
  readonly offset: number;
  /** `table`: any request, on whose way the unit reads entries from the page. */
  readonly type: RequestType | "table";
  /** A page number, or an `Effect`. */
  readonly effect: number;
  /** In the order of the walk. */
  readonly entries: readonly EvidenceEntry[];
  /** The entries lead there; else they are what the tables say now, which is something else. */
  readonly leads: boolean;
}

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
  /** What the witness is told from, where it is about a request. */
  readonly evidence?: Evidence;
}

/** The finding with its texts put in other words, such as those that name actions. */
export function retold(finding: Finding, words: (text: string) => string): Finding {
  const { message, witness, evidence } = finding;
  const told = { ...finding, message: words(message), witness: witness.map(words) };
  if (!evidence) return told;
  const entries = evidence.entries.map((one) => ({ ...one, why: one.why === null ? null : words(one.why) }));
  return { ...told, evidence: { ...evidence, entries } };
}

/** The model does not say what follows; from here on the verdict is unknown. */
export class OutsideModel extends Error {
  override readonly name = "OutsideModel";
}
