/** What a faulty variant does differently: each is consulted at one place of the driver. */
export interface DriverFaults {
  // Invalidations
  /** Unmapping leaves the IOTLB alone. */
  readonly unmapsWithoutFlush?: true;
  /** Changing rights leaves the IOTLB alone. */
  readonly protectsWithoutFlush?: true;
  /** Caching mode is not looked at when something is mapped. */
  readonly mapsWithoutFlush?: true;
  /** Caching mode is not looked at when a context entry is filled. */
  readonly attachesWithoutFlush?: true;
  /** Invalidations are submitted, and nobody waits for them. */
  readonly neverWaits?: true;
  /** Intents are settled, and then their invalidations submitted. */
  readonly settlesBeforeFlush?: true;
  /** The invalidation of unmapped pages is complete before their entries are cleared. */
  readonly flushesBeforeStore?: true;
  /** The hint that only leaf entries changed is given although a table was unlinked. */
  readonly hintsAlthoughUnlinked?: true;
  /** The same when a table was replaced by a superpage. */
  readonly hintsAlthoughMerged?: true;
  /** Reads and writes under way are not drained. */
  readonly drainsNothing?: true;
  /** Which domain id an invalidation of pages names. */
  readonly flushedDomainId?: (domainId: number) => number;
  /** The address mask of an invalidation of pages. */
  readonly addressMask?: (iova: number, pages: number) => number;

  // Deferred flushing
  /** Tickets of what was put off are settled at once. */
  readonly settlesDeferredAtOnce?: true;
  /** An address is mapped again although its invalidation is still to come. */
  readonly remapsPendingAddress?: true;
  /** A domain id is free although its invalidation is still to come. */
  readonly releasesIdAtOnce?: true;

  // Context entries
  /** A context entry is cleared without a context-cache invalidation. */
  readonly skipsContextFlush?: true;
  /** A context entry is cleared without an invalidation of its domain's IOTLB entries. */
  readonly skipsContextIotlbFlush?: true;
  /** IOTLB invalidations are submitted ahead of those of the context cache. */
  readonly flushesIotlbFirst?: true;
  /** The half of a context entry that has the present bit is stored first. */
  readonly storesPresentHalfFirst?: true;
  /** A device is switched over without its context entry being cleared between. */
  readonly overwritesContext?: true;
  /** Only the first requester id of a device is detached. */
  readonly forgetsAlias?: true;
  /** Devices are not reset between two owners. */
  readonly skipsReset?: true;
  /** Context entries say one level less than the tables have, where the unit supports that. */
  readonly understatesWidth?: true;

  /** Nobody waits for translation to be enabled. */
  readonly enablesWithoutWaiting?: true;

  // Page tables
  /** A leaf entry is stored with its rights and no address, and then whole. */
  readonly storesRightsFirst?: true;
  /** A table is linked, and then cleared. */
  readonly linksBeforeClearing?: true;
  /** A table's page is given back when it is unlinked. */
  readonly freesTableAtOnce?: true;
  /** A superpage is replaced by a table without an invalidation of the superpage. */
  readonly splitsWithoutFlush?: true;
  /** Pages that come from a superpage may be read and written. */
  readonly splitWidensRights?: true;
  /** A superpage made from small pages may be read and written. */
  readonly mergeWidensRights?: true;
  /** Leaf entries carry a mark of software's own in ignored bits. */
  readonly marksIgnoredBits?: true;
  /** Leaf entries ask for snooping, supported or not. */
  readonly snoopsAlways?: true;
  /** Superpages are used, supported or not. */
  readonly superpagesAlways?: true;

  // Visibility of stores
  /** No line is written back. */
  readonly skipsLineFlush?: true;
  /** Of a run of entries only the first line is written back. */
  readonly flushesFirstLineOnly?: true;
  /** A cleared table is not written back. */
  readonly leavesTableDirty?: true;
  /** The write buffer is not flushed. */
  readonly skipsBufferFlush?: true;

  // Two CPUs
  /** Intents are carried out without the lock. */
  readonly takesNoLock?: true;
  /** The lock is given back while invalidations are submitted and waited for. */
  readonly flushesUnlocked?: true;
}
