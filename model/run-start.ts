/** Where a run starts: what an implementation is brought to, and what a model takes up. */
import type { HostPage, RequesterId } from "./words/address.js";

/** Right after a platform reset, or translating with an empty root or device table and empty caches. */
export type StartState = "reset" | "translating";

export interface RunStart {
  readonly start: StartState;
  /** The functions that will issue requests. */
  readonly requesters: readonly RequesterId[];
  /** Pages that devices may read and write; they are filled with `pageTag` before the run. */
  readonly dataPages: readonly HostPage[];
  /** Pages for tables, queue, log and status words; they are zero before the run. */
  readonly tablePages: readonly HostPage[];
  /** For `translating`: the first page of the root table (VT-d) or device table (AMD-Vi) in force. */
  readonly rootPage: HostPage;
  /** Pages of it, one after the other; a root table is one page. */
  readonly rootPages: number;
  /** For `translating`: the page of the invalidation queue or command buffer, 256 entries of 128 bits. */
  readonly queuePage: HostPage;
  /** For `translating`: the page of the event log, 256 entries of 128 bits; null where faults are logged in registers. */
  readonly logPage: HostPage | null;
}
