/** What a faulty variant of platform software does differently: each is consulted at one place. */
import type { LocatedFunction } from "../../../model/pci/functions.js";
import type { ReservedRegion } from "../../../model/pci/platform.js";
import type { RequesterId } from "../../../model/words/address.js";

export interface PlatformFaults {
  // Reserved regions
  /** What is made of the reserved regions in the firmware table, on a machine with these functions. */
  readonly reserved?: (
    regions: readonly ReservedRegion[],
    functions: readonly string[],
  ) => readonly ReservedRegion[];
  /** A device with reserved regions may go to a domain; then it has that domain's mappings. */
  readonly assignsReserved?: true;

  // Requester ids and groups
  /** Requester ids of a device that are programmed. */
  readonly requesters?: (one: LocatedFunction, requesters: readonly RequesterId[]) => readonly RequesterId[];
  /** A device that comes back keeps what it had until the last of its group comes back. */
  readonly releasesWholeGroups?: true;
  /** A device that comes back is the host's, which lets it at all of its own memory. */
  readonly releasesToHost?: true;
  /** When a device comes back, only its own requester id is taken away. */
  readonly releasesOwnIdOnly?: true;
  /** A device may go to any domain, whoever has the others of its group. */
  readonly splitsGroups?: true;
  /** Devices are programmed in the unit that covers what no other does. */
  readonly usesRestUnit?: true;
  /** Devices that are unplugged are forgotten, and their entries stay. */
  readonly forgetsUnplugged?: true;

  // Taking a unit over
  /** Only the first unit is taken over. */
  readonly takesFirstUnitOnly?: true;
  /** Translation is switched off while tables are exchanged. */
  readonly switchesOff?: true;
  /** Translation is enabled before the new root or device table is in force. */
  readonly enablesBeforeRoot?: true;
  /** The root or device table in force stays; new entries go to another one. */
  readonly keepsRoot?: true;
  /** What is cached of the tables before is left alone. */
  readonly skipsFlushAtTakeOver?: true;
  /** The command that sets the root pointer is written without the bits that are in force (VT-d). */
  readonly forgetsLevels?: true;
  /** Domain ids of the system before are used from the beginning. */
  readonly reusesDomainIds?: true;
  /** An exclusion range stays as it is (AMD-Vi). */
  readonly leavesExclusion?: true;
  /** Protected memory is released before translation is on. */
  readonly releasesProtectionFirst?: true;

  // Devices behind no unit
  /** They get the page itself, not a bounce page. */
  readonly lendsPageItself?: true;

  // Recorded faults
  /** A lost fault leaves fault recording as it is. */
  readonly leavesOverflow?: true;
  /** Of the faults that a unit has recorded the latest is reported. */
  readonly reportsLatestOnly?: true;
  /** The last fault recording register is not looked at (VT-d). */
  readonly scansOneRecordLess?: true;
  /** No device is disabled. */
  readonly neverContains?: true;
  /** With a device that faults too often, the others of its unit are disabled. */
  readonly disablesOthers?: true;

  // Guests
  /** Pages that a guest gives back stay in its processor's tables. */
  readonly balloonsDevicesOnly?: true;
  /** Pages that a guest gives back stay within reach of its devices. */
  readonly balloonsProcessorOnly?: true;
  /** Devices go on using the old page of one that was exchanged. */
  readonly remapsProcessorOnly?: true;
}
