/**
 * Exposure: what any request could reach through any admissible chain, and why. This is what an architecture's model
 * answers about software; nothing here knows which architecture it is.
 */
import type { ChainEntry, Finding, InvalidationActions } from "../finding.js";
import type { Action, Observation, RequestType } from "../trace.js";
import type { HostPage, IovaPage, RequesterId } from "../words/address.js";
import type { Ungranted } from "./ownership.js";

/**
 * How a page is reached:
 * - `request`: by a request that is answered now;
 * - `posted-write`: by a write that was translated earlier and that nothing has drained since;
 * - `table`: the unit itself reads entries from it, on the way of a request.
 */
export type Way = "request" | "posted-write" | "table";

/** A run of pages that a requester reaches, with every right in `access`. */
export interface Reach {
  readonly requester: RequesterId;
  /** Address of the first page; for `table` an address whose translation reads from it. */
  readonly iova: IovaPage;
  readonly page: HostPage;
  readonly pages: number;
  /** `Right` bits; 0 for `table`. */
  readonly access: number;
  readonly way: Way;
}

/** Why an old value of an entry may still be in use. */
export type ExcuseKind =
  | "not-submitted"
  | "not-complete"
  | "wrong-domain"
  | "wrong-device"
  | "wrong-range"
  | "leaf-only"
  | "wrong-order"
  | "no-draining"
  | "line-not-flushed"
  | "buffer-not-flushed";

/** What keeps an old value in use: the invalidation that should have excluded it, and why it does not. */
export interface Excuse {
  readonly kind: ExcuseKind;
  /** One sentence; steps in it are written `action N`. */
  readonly text: string;
  /** The invalidation that would do, were it complete. */
  readonly fence?: InvalidationActions;
}

/** One entry of the chain that leads to the page. */
export interface WitnessLink extends ChainEntry {
  readonly excuse: Excuse | null;
}

/** The chain behind a reach. */
export interface Witness {
  readonly reach: Reach;
  readonly links: readonly WitnessLink[];
  /** Another requester through whose root and context entry the chain was filled; null for the reacher's own. */
  readonly filledThrough: RequesterId | null;
  /** What keeps a posted write on its way, for `posted-write`. */
  readonly excuse: Excuse | null;
  /** Every link holds what memory shows now: no cache is needed. */
  readonly current: boolean;
}

/** What a request may lead to: the pages, and the rules by which it may be blocked. */
export interface Answers {
  readonly pages: readonly HostPage[];
  /** Ids of the rules of faults; the id is empty where a request ends without touching memory. */
  readonly faults: readonly string[];
  /** Some fault says that an entry is not valid on this platform, whatever caches hold. */
  readonly invalid: boolean;
}

/** A run of addresses whose translation the last action changed. */
export interface Touched {
  readonly requester: RequesterId;
  readonly iova: IovaPage;
  readonly pages: number;
}

/** The first page of a run that a requester was not granted; null when it was granted all. */
export type GrantCheck = (
  requester: RequesterId,
  page: HostPage,
  pages: number,
  access: number,
) => Ungranted | null;

/** An architecture's model as the judge of software needs it. */
export interface ExposureModel {
  /** Every requester that may make requests. */
  readonly requesters: readonly RequesterId[];
  /** Software has seen translation enabled: from then on isolation is owed. */
  readonly protecting: boolean;
  /** The same of the unit of one requester, where there are several units. */
  protects?(requester: RequesterId): boolean;
  /** Takes an action with what it showed; a finding says that the hardware showed what no unit may. */
  perform(action: Action, seen: Observation, index: number): Finding | null;
  /** The first ungranted reach among those that the last action can have added. */
  addedReach(granted: GrantCheck): Reach | null;
  /** Addresses whose translation the last action changed. */
  readonly touched: readonly Touched[];
  /** Pages that the last action made the unit read entries from. */
  readonly linked: readonly HostPage[];
  /** The first ungranted reach to one of these pages. */
  reachTo(page: HostPage, pages: number, access: number, granted: GrantCheck): Reach | null;
  /** The first ungranted reach of a requester. */
  reachOf(requester: RequesterId, granted: GrantCheck): Reach | null;
  /** A way on which the unit may read entries from the page. */
  tableReach(page: HostPage): Reach | null;
  /** Everything every requester reaches now. */
  exposure(): Reach[];
  /** What a request may lead to if it were made now. */
  answers(requester: RequesterId, iova: IovaPage, type: RequestType): Answers;
  witness(reach: Reach): Witness;
}
