/** What a faulty variant does differently: each is consulted at one place of the driver. */
import type { SharedFaults } from "../shared/faults.js";

export interface DriverFaults extends SharedFaults {
  /** Caching mode is not looked at when a context entry is filled. */
  readonly attachesWithoutFlush?: true;
  /** Reads and writes under way are not drained. */
  readonly drainsNothing?: true;
  /** The base of a range of pages is rounded up to where an aligned one begins. */
  readonly roundsBaseUp?: true;
  /** Lines of root and context entries are not written back. */
  readonly leavesContextDirty?: true;
  /** A context entry loses its fields in one store and its present bit in the next. */
  readonly clearsFieldsFirst?: true;
  /** Buses behind bus 1 have its context table. */
  readonly sharesContextTable?: true;
  /** The half of a context entry that has the present bit is stored first. */
  readonly storesPresentHalfFirst?: true;
  /** Context entries say one level less than the tables have, where the unit supports that. */
  readonly understatesWidth?: true;
  /** Nobody waits for translation to be enabled. */
  readonly enablesWithoutWaiting?: true;
  /** Leaf entries carry a mark of software's own in ignored bits. */
  readonly marksIgnoredBits?: true;
  /** Leaf entries ask for snooping, supported or not. */
  readonly snoopsAlways?: true;
  /** Leaf entries for reading and writing lack the right to read. */
  readonly losesReadRight?: true;
  /** Superpages are used, supported or not. */
  readonly superpagesAlways?: true;
  /** The write buffer is not flushed. */
  readonly skipsBufferFlush?: true;
}
