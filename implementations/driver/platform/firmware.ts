/** A firmware, for either architecture: how it leaves a machine behind. */
import type { HostPage, RequesterId } from "../../../model/words/address.js";
import type { PlatformFaults } from "./faults.js";
import type { Firmware, LeftBehind, PlatformRoutine, PlatformSetup } from "./interface.js";
import { identity, identityOf, Survey } from "./survey.js";
import { atUnit, type PlatformParts } from "./unit.js";
import { ReservedDomains, UnitBook } from "./unit-book.js";

/** The domain of firmware that lets everything through. */
const EVERYTHING = "everything";

export class SharedFirmware implements Firmware {
  private readonly survey: Survey;
  private readonly units: readonly UnitBook[];

  constructor(
    private readonly setup: PlatformSetup,
    parts: PlatformParts,
    faults: PlatformFaults,
  ) {
    this.survey = new Survey(setup, setup.topology, faults);
    this.units = unitsOf(this.survey, setup, parts, faults);
  }

  *leave(as: LeftBehind): PlatformRoutine {
    for (const unit of this.units) yield* this.leaveUnit(unit, as);
  }

  private *leaveUnit(unit: UnitBook, as: LeftBehind): PlatformRoutine {
    const { registers, driver } = unit;
    const { page, pages } = this.setup.ownMemory;
    switch (as) {
      case "off":
        return;
      case "protected":
        yield* atUnit(registers, driver.protect(page, pages));
        return;
      case "translating":
        yield* atUnit(registers, driver.takeOver(this.reservedRegions(unit)));
        return;
      case "stale":
        // Whether translation has ever been on makes no difference: a unit may read tables while it is off.
        yield* atUnit(registers, driver.leaveTables(this.everything(unit)));
    }
  }

  private reservedRegions(unit: UnitBook) {
    const reserved = new ReservedDomains();
    // Its domain ids are not those that a system comes upon by counting alike.
    const domains = new Map([...reserved.of(this.survey, unit.registers)].reverse());
    return unit.bringAbout({ domains, mappingsOf: (domain) => reserved.mappingsOf(domain) ?? [] });
  }

  /** Choice: of memory, what firmware knows of: reserved regions and software's own, where whatever gets through does harm. */
  private everything(unit: UnitBook) {
    const { survey, setup } = this;
    const mappings = [identity(setup.ownMemory), ...identityOf(survey.platform.reserved)];
    const ids = survey.functionsOf(unit.registers).flatMap((one) => one.requesters);
    const domains = new Map<RequesterId, string>(ids.map((id) => [id, EVERYTHING]));
    return unit.bringAbout({ domains, mappingsOf: () => mappings });
  }
}

/** Drivers for the units of a firmware table, in its order. @throws RangeError when the setup has no places for one */
export function unitsOf(
  { platform, largestRequester }: Survey,
  setup: PlatformSetup,
  parts: PlatformParts,
  faults: PlatformFaults,
): UnitBook[] {
  return platform.units.map(({ name, registers }: { name: string; registers: HostPage }, index) => {
    const places = setup.places[index];
    if (!places) throw new RangeError(`nothing is set aside for the structures of ${name}`);
    return new UnitBook(registers, parts.createUnit({ ...setup, ...places, largestRequester }, faults));
  });
}
