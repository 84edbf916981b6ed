/** Which device a recorded fault is counted for, and when there are too many of them. */
import type { HostPage } from "../../../model/words/address.js";
import type { PlatformFaults } from "./faults.js";
import type { CoveredFunction, Survey } from "./survey.js";
import type { UnitFault } from "./unit.js";

export class Containment {
  /** Faults by unit and requester id of the device that they are counted for. */
  private readonly counts = new Map<string, number>();

  constructor(
    private readonly limit: number,
    private readonly faults: PlatformFaults,
  ) {}

  /** Counts a fault; returns the devices that are to be disabled because of it. */
  count(survey: Survey, unit: HostPage, { requester }: UnitFault): readonly string[] {
    const { counts, faults, limit } = this;
    const devices = survey.functionsOf(unit).filter((one) => !one.isBridge);
    // Choice: where several devices share an id that is none of their own, the first of them is held responsible.
    const source =
      devices.find((one) => one.own === requester) ??
      devices.find((one) => one.requesters.includes(requester));
    if (!source) return [];
    const count = (counts.get(keyOf(source)) ?? 0) + 1;
    counts.set(keyOf(source), count);
    if (count < limit || faults.neverContains) return [];
    return faults.disablesOthers ? devices.map((one) => one.name) : [source.name];
  }

  /** Another device has its requester id, or none. */
  forget(one: CoveredFunction): void {
    this.counts.delete(keyOf(one));
  }
}

function keyOf({ unit, own }: CoveredFunction): string {
  return `${unit} ${own}`;
}
