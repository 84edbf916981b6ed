/** What a faulty variant does differently: each is consulted at one place of the driver. */
import type { SharedFaults } from "../shared/faults.js";

export interface AmdViFaults extends SharedFaults {
  // Command buffer
  /** Nothing keeps INVALIDATE_IOMMU_PAGES from being executed before the INVALIDATE_DEVTAB_ENTRY ahead of it. */
  readonly skipsBarrier?: true;
  /** The COMPLETION_WAIT between them has f = 0. */
  readonly barrierWithoutFlush?: true;
  /** Every COMPLETION_WAIT stores the same value to the same place. */
  readonly reusesWaitValue?: true;
  /** INVALIDATE_DEVTAB_ENTRY carries the second half of the command before it. */
  readonly leavesStaleHalf?: true;
  /** A COMPLETION_WAIT that never completes is passed over. */
  readonly passesTimeouts?: true;
  /** INVALIDATE_IOMMU_ALL is used, supported or not. */
  readonly invalidatesAllAlways?: true;
  /** The address code of a range starts from the first page that was changed instead of an aligned one. */
  readonly codesUnalignedBase?: true;
  /** The address code of all pages has S = 0. */
  readonly allPagesWithoutSize?: true;

  // Device table
  /** The device table is left as a reset leaves it: V = 0. */
  readonly leavesTableInvalid?: true;
  /** A device is detached by V = 0. */
  readonly detachesByInvalid?: true;
  /** The half of an entry with V and TV is stored, and invalidated, before the half with the DomainID. */
  readonly storesValidHalfFirst?: true;
  /** Both halves of an entry are stored before anything is invalidated. */
  readonly fillsInOneRound?: true;
  /** Nothing is invalidated when a domain gets one more level of tables. */
  readonly growsWithoutFlush?: true;
  /** A domain gets another level of tables one page late. */
  readonly growsOnePageLate?: true;
  /** A domain never gets another level of tables. */
  readonly neverGrows?: true;
  /** Device table entries say one level less than the tables have. */
  readonly understatesMode?: true;

  // Page tables
  /** The size in the address of a leaf is twice what it is. */
  readonly doublesCodedSize?: true;
}
