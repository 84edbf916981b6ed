/** What a faulty variant of either driver does differently in the parts that they share. */
export interface SharedFaults {
  // Invalidations
  /** Unmapping leaves cached translations alone. */
  readonly unmapsWithoutFlush?: true;
  /** The same, but for platforms that may cache entries that are not present. */
  readonly unmapsWithoutFlushUnlessCached?: true;
  /** Changing rights leaves cached translations alone. */
  readonly protectsWithoutFlush?: true;
  /** Nothing is invalidated after mapping where entries that are not present may be cached. */
  readonly mapsWithoutFlush?: true;
  /** Invalidations are submitted, and nobody waits for them. */
  readonly neverWaits?: true;
  /** Intents are settled, and then their invalidations submitted. */
  readonly settlesBeforeFlush?: true;
  /** The invalidation of unmapped pages is complete before their entries are cleared. */
  readonly flushesBeforeStore?: true;
  /** Only leaf entries are invalidated although a table was unlinked. */
  readonly hintsAlthoughUnlinked?: true;
  /** The same when a table was replaced by a large page. */
  readonly hintsAlthoughMerged?: true;
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

  // Device entries
  /** A device entry is taken away without an invalidation of its own. */
  readonly skipsDeviceEntryFlush?: true;
  /** A device entry is taken away without an invalidation of what is cached under its domain id. */
  readonly skipsTranslationFlush?: true;
  /** Invalidations of translations come ahead of those of device entries. */
  readonly flushesTranslationsFirst?: true;
  /** A device is switched over without its entry being taken away between. */
  readonly overwritesDeviceEntry?: true;
  /** Only the first requester id of a device is detached. */
  readonly forgetsAlias?: true;
  /** Of the device entries that were taken away since the last flush only the first is invalidated. */
  readonly flushesFirstAliasOnly?: true;
  /** Devices are not reset between two owners. */
  readonly skipsReset?: true;

  // Page tables
  /** A leaf entry is stored with its rights and no address, and then whole. */
  readonly storesRightsFirst?: true;
  /** A leaf that takes several entries is stored in the first of them only. */
  readonly storesLeafOnce?: true;
  /** A table is linked, and then cleared. */
  readonly linksBeforeClearing?: true;
  /** A table's page is given back when it is unlinked. */
  readonly freesTableAtOnce?: true;
  /** Of a run of leaves that are unmapped only the first is cleared. */
  readonly clearsFirstEntryOnly?: true;
  /** A part of a large page is taken for unmapped although the page could not be split. */
  readonly passesFailedSplit?: true;
  /** A merge unlinks and frees the table of the addresses behind its large page too. */
  readonly mergeFreesNextTable?: true;
  /** A large page is replaced by a table without an invalidation of the large page. */
  readonly splitsWithoutFlush?: true;
  /** A large page is replaced by an empty table, which is filled then. */
  readonly splitsThroughEmptyTable?: true;
  /** Pages that come from a large page may be read and written. */
  readonly splitWidensRights?: true;
  /** A large page made from small ones may be read and written. */
  readonly mergeWidensRights?: true;

  // Visibility of stores
  /** No line is written back. */
  readonly skipsLineFlush?: true;
  /** Of a run of entries only the first line is written back. */
  readonly flushesFirstLineOnly?: true;
  /** A cleared table is not written back. */
  readonly leavesTableDirty?: true;

  // Two CPUs
  /** Intents are carried out without the lock. */
  readonly takesNoLock?: true;
  /** The lock is given back while invalidations are submitted and waited for. */
  readonly flushesUnlocked?: true;
}
