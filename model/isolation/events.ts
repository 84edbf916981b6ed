/**
 * What software says about its own memory: who owns which page, what it has granted, and what it takes to be settled.
 * Together with the actions of `model/trace.ts` these events are all that a verdict on software rests on.
 */
import type { Action, Observation } from "../trace.js";
import type { HostPage, IovaPage, RequesterId } from "../words/address.js";

/** Rights to a page, as a bit set. */
export const Right = { read: 1, write: 2, both: 3 } as const;

/** A run of pages that devices of a domain may use, by address and with rights. */
export interface Grant {
  readonly domain: string;
  readonly iova: IovaPage;
  readonly page: HostPage;
  readonly pages: number;
  /** {@link Right} bits. */
  readonly access: number;
}

export type OwnershipEvent =
  /** Free pages get an owner. A domain belongs to the owner of its name unless a `share` says otherwise. */
  | { readonly event: "allocate"; readonly page: HostPage; readonly pages: number; readonly owner: string }
  /** A further owner beside those the pages have. */
  | { readonly event: "share"; readonly page: HostPage; readonly pages: number; readonly owner: string }
  /** The pages are anybody's from now on; nothing of a device may reach them any more. */
  | { readonly event: "free"; readonly page: HostPage; readonly pages: number }
  /** A page becomes one that the unit reads entries from: software's own memory. */
  | { readonly event: "allocate-table"; readonly page: HostPage }
  /** A page of entries is anybody's from now on; the unit may not read entries from it any more. */
  | { readonly event: "free-table"; readonly page: HostPage }
  /** Memory of software's own, in nobody's exposure ever. */
  | { readonly event: "protect"; readonly page: HostPage; readonly pages: number }
  /** Announced before the tables are changed: from now on these rights may show. */
  | ({ readonly event: "grant" } & Grant)
  /** Software takes it that these rights are gone for good. */
  | ({ readonly event: "withdraw" } & Grant)
  /** Software takes it that the mapping works for every attached device of the domain. */
  | ({ readonly event: "usable" } & Grant)
  /** From now on the mapping need not work with these rights; that they are gone is said by `withdraw`. */
  | ({ readonly event: "retire" } & Grant)
  /** Announced before the context entry is changed: from now on the requester may show rights of the domain. */
  | { readonly event: "assign"; readonly requester: RequesterId; readonly domain: string }
  /** Software takes it that the requester works with the domain's mappings. */
  | { readonly event: "attached"; readonly requester: RequesterId; readonly domain: string }
  /** From now on the requester need not work with the domain's mappings; that it cannot is said by `unassign`. */
  | { readonly event: "leave"; readonly requester: RequesterId; readonly domain: string }
  /** Software takes it that nothing of the domain is left to the requester. */
  | { readonly event: "unassign"; readonly requester: RequesterId; readonly domain: string }
  /** The present owner of a device has told it to make a request at some later time. */
  | {
      readonly event: "program";
      readonly requester: RequesterId;
      readonly iova: IovaPage;
      readonly access: number;
    }
  /** The device was reset: whatever it was told to do is forgotten. */
  | { readonly event: "reset-device"; readonly requester: RequesterId }
  /**
   * Firmware has the function of a requester id use memory, each page at its own address: the requester keeps it, whatever
   * domains it has beside. `region` names the memory, as a domain of its own. It has to work from now on, until it is left.
   */
  | {
      readonly event: "reserve";
      readonly requester: RequesterId;
      readonly region: string;
      readonly page: HostPage;
      readonly pages: number;
      readonly access: number;
    }
  /** The pages are out of reach from now on, although isolation is not owed yet: firmware has seen to that. */
  | { readonly event: "guard"; readonly page: HostPage; readonly pages: number }
  /** No function has the requester id any more: whatever comes under it next starts with nothing. */
  | { readonly event: "vacate"; readonly requester: RequesterId }
  /** The requester id is that of a virtual function, or one that such a function could have. */
  | { readonly event: "virtual"; readonly requester: RequesterId }
  /** Software takes it that the unit protects from now on, whether it has looked or not. */
  | { readonly event: "ready" }
  /** Software is about to change entries, or has finished; mappings may be out of order between. */
  | { readonly event: "update"; readonly begins: boolean };

/** An action with what it showed; where there are several units, the index of the one that it was made at. */
export interface Performed {
  readonly action: Action;
  readonly seen: Observation;
  readonly unit?: number;
}

/** One entry of the record of a run: an action with what it showed, or what software says. */
export type TraceRecord = Performed | OwnershipEvent;
