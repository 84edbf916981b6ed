/** One remapping unit as platform software drives it: the part of it that is an architecture's own. */
import type { HostPage, IovaPage, RequesterId } from "../../../model/words/address.js";
import type { Access, Answer, Driver, Routine } from "../interface.js";
import type { EntryFormat } from "../shared/page-tables.js";
import type { Steps } from "../shared/steps.js";
import type { PlatformFaults } from "./faults.js";
import type { AtUnit, PlatformAccess, PlatformSetup, UnitPlaces } from "./interface.js";

/** A fault that a unit recorded. */
export interface UnitFault {
  readonly requester: RequesterId;
  readonly page: IovaPage;
}

/** Its routines make accesses of a driver; {@link atUnit} says which unit they are for. */
export interface UnitDriver {
  /** Carries out intents, in strict mode. Its tickets mean nothing. */
  readonly intents: Driver;
  /**
   * Takes the unit over from whatever was there. Afterwards translation is on, and the unit lets through what `entries`, a
   * routine of intents, has set up; it does so from the moment on at which former tables stop being used.
   */
  takeOver(entries: Routine): Routine;
  /** Reads the faults that were recorded, in their order, and has the unit go on recording. */
  takeFaults(): Steps<readonly UnitFault[]>;
  /** Keeps devices from these pages while translation is off. @throws RangeError where no unit can */
  protect(page: HostPage, pages: number): Routine;
  /**
   * Leaves a unit that is off with a root or device table that has these entries, and off; on AMD-Vi with an exclusion
   * range of all memory, for every device, too.
   */
  leaveTables(entries: Routine): Routine;
}

export const GUEST_LEVELS = 4;

/** What the driver of a unit may know. */
export interface UnitSetup extends Pick<PlatformSetup, "profile" | "invalidation">, UnitPlaces {
  /** Larger requester ids do not occur. */
  readonly largestRequester: RequesterId;
}

/** What platform software needs of an architecture. */
export interface PlatformParts {
  createUnit(setup: UnitSetup, faults: PlatformFaults): UnitDriver;
  /** Entries of the processor's second-stage tables of a guest, which have {@link GUEST_LEVELS} levels. */
  readonly guestEntries: EntryFormat;
}

const NO_ANSWER: Answer = Object.freeze({ low: 0, high: 0 });

const OF_UNIT: ReadonlySet<Access["do"]> = new Set<AtUnit["access"]["do"]>([
  "read-register",
  "write-register",
  "poll-register",
  "poll-memory",
  "read-memory",
]);

/** True for what a unit answers. */
export function isOfUnit(access: Access): access is AtUnit["access"] {
  return OF_UNIT.has(access.do);
}

/**
 * The steps of a driver for the unit with these registers. Platform software does one thing at a time, and says by itself
 * what has settled.
 */
export function* atUnit<Result>(
  registers: HostPage,
  steps: Steps<Result>,
): Generator<PlatformAccess, Result, Answer> {
  let next = steps.next(NO_ANSWER);
  while (!next.done) {
    const access = next.value;
    if (access.do === "lock" || access.do === "unlock" || access.do === "settled")
      next = steps.next(NO_ANSWER);
    else next = steps.next(yield isOfUnit(access) ? { do: "at-unit", registers, access } : access);
  }
  return next.value;
}
