/**
 * An operating system's platform layer, for either architecture: it keeps book of who has which device, and has every unit
 * give each requester id what follows from that, and nothing else.
 */
import type { Topology } from "../../../model/pci/topology.js";
import type { HostPage, RequesterId } from "../../../model/words/address.js";
import type { Answer, Driver, DriverMapping, Routine } from "../interface.js";
import { Containment } from "./containment.js";
import type { PlatformFaults } from "./faults.js";
import { unitsOf } from "./firmware.js";
import { GuestTables } from "./guest-tables.js";
import type { PlatformAccess, PlatformDriver, PlatformRoutine, PlatformSetup } from "./interface.js";
import { identity, Survey } from "./survey.js";
import { atUnit, type PlatformParts } from "./unit.js";
import { NO_TICKET, ReservedDomains, type UnitBook } from "./unit-book.js";

/** The domain that a faulty variant gives devices that come back to. */
const HOST = "host";

/** A domain of a guest. */
interface Guest {
  readonly mappings: DriverMapping[];
  /** Null until something is mapped. */
  tables: GuestTables | null;
}

export class SharedPlatformDriver implements PlatformDriver {
  private survey: Survey;
  private readonly units: readonly UnitBook[];
  private readonly reserved = new ReservedDomains();
  private readonly guests = new Map<string, Guest>();
  /** Domains of devices that have an owner. */
  private readonly assigned = new Map<string, string>();
  private readonly containment: Containment;
  private lent = 0;

  constructor(
    private readonly setup: PlatformSetup,
    private readonly parts: PlatformParts,
    private readonly faults: PlatformFaults,
  ) {
    this.survey = new Survey(setup, setup.topology, faults);
    this.units = unitsOf(this.survey, setup, parts, faults);
    this.containment = new Containment(setup.faultLimit, faults);
  }

  *start(): PlatformRoutine {
    for (const unit of this.faults.takesFirstUnitOnly ? this.units.slice(0, 1) : this.units)
      yield* atUnit(unit.registers, unit.driver.takeOver(this.bringAbout(unit)));
  }

  *assign(device: string, domain: string, ticket: number): PlatformRoutine {
    if (this.mayGo(device, domain)) {
      this.assigned.set(device, domain);
      yield* this.bringAllAbout();
      yield { do: "settled", ticket };
    } else yield { do: "refused", ticket };
  }

  *release(device: string, ticket: number): PlatformRoutine {
    const { releasesOwnIdOnly, releasesWholeGroups, releasesToHost } = this.faults;
    this.assigned.delete(device);
    if (releasesOwnIdOnly) this.forgetIds(device, (id, own) => id !== own);
    if (releasesWholeGroups && this.hasAssigned(device)) this.forgetIds(device, () => true);
    if (releasesToHost) this.assigned.set(device, HOST);
    yield* this.bringAllAbout();
    yield { do: "settled", ticket };
  }

  *map(domain: string, mapping: DriverMapping, ticket: number): PlatformRoutine {
    const guest = this.guestOf(domain);
    const tables = yield* this.tablesOf(guest, domain);
    guest.mappings.push(mapping);
    yield* tables.map(mapping);
    yield* this.inUnitsOf(domain, (intents) => intents.map(domain, mapping, NO_TICKET));
    yield { do: "settled", ticket };
  }

  *unmap(domain: string, mapping: DriverMapping, ticket: number): PlatformRoutine {
    const { balloonsDevicesOnly, balloonsProcessorOnly } = this.faults;
    const guest = this.guestOf(domain);
    const tables = yield* this.tablesOf(guest, domain);
    this.forgetMapping(guest, mapping);
    if (!balloonsProcessorOnly)
      yield* this.inUnitsOf(domain, (intents) => intents.unmap(domain, mapping, NO_TICKET));
    if (!balloonsDevicesOnly) yield* tables.unmap(mapping);
    yield { do: "settled", ticket };
  }

  /** What the pages were is out of everybody's reach before they are something else. */
  *remap(domain: string, mapping: DriverMapping, ticket: number): PlatformRoutine {
    const guest = this.guestOf(domain);
    const tables = yield* this.tablesOf(guest, domain);
    this.forgetMapping(guest, mapping);
    guest.mappings.push(mapping);
    yield* tables.unmap(mapping);
    yield* tables.map(mapping);
    if (!this.faults.remapsProcessorOnly)
      yield* this.inUnitsOf(domain, (intents) => exchange(intents, domain, mapping));
    yield { do: "settled", ticket };
  }

  /** Choice: bounce pages serve in turn. A device behind no unit reaches all of them, whoever they were lent to. */
  *lend(_: string, page: HostPage, ticket: number): PlatformRoutine {
    const { bouncePages } = this.setup;
    // Nothing translates: addresses are those of host pages.
    const iova: number = this.faults.lendsPageItself ? page : bouncePages[this.lent++ % bouncePages.length]!;
    yield { do: "lent", ticket, iova };
    yield { do: "settled", ticket };
  }

  *plugged(topology: Topology, devices: readonly string[], ticket: number): PlatformRoutine {
    this.survey = new Survey(this.setup, topology, this.faults);
    this.forgetFaults(devices);
    yield* this.bringAllAbout();
    yield { do: "settled", ticket };
  }

  *unplugged(topology: Topology, devices: readonly string[], ticket: number): PlatformRoutine {
    for (const one of devices) {
      this.assigned.delete(one);
      if (this.faults.forgetsUnplugged) this.forgetIds(one, () => true);
    }
    this.survey = new Survey(this.setup, topology, this.faults);
    yield* this.bringAllAbout();
    yield { do: "settled", ticket };
  }

  *handleFaults(): PlatformRoutine {
    const { survey } = this;
    for (const { registers, driver } of this.units) {
      const recorded = yield* atUnit(registers, driver.takeFaults());
      for (const fault of this.faults.reportsLatestOnly ? recorded.slice(-1) : recorded) {
        yield { do: "report", ...fault };
        for (const device of this.containment.count(survey, registers, fault))
          yield { do: "disable-device", device };
      }
    }
  }

  /** A device goes where the rest of its group is; nowhere, if firmware has the group use memory, or no unit covers it. */
  private mayGo(device: string, domain: string): boolean {
    const { survey, faults, assigned } = this;
    if (!survey.functionNamed(device)) return false;
    const group = survey.groupOf(device);
    if (survey.isReserved(group) && !faults.assignsReserved) return false;
    return faults.splitsGroups === true || group.every((one) => (assigned.get(one) ?? domain) === domain);
  }

  private *bringAllAbout(): PlatformRoutine {
    for (const unit of this.units) yield* atUnit(unit.registers, this.bringAbout(unit));
  }

  private bringAbout(unit: UnitBook): Routine {
    const domains = new Map<RequesterId, string>(this.reserved.of(this.survey, unit.registers));
    for (const { name, requesters } of this.survey.functionsOf(unit.registers)) {
      const domain = this.assigned.get(name);
      if (domain !== undefined) for (const id of requesters) domains.set(id, domain);
    }
    const mappingsOf = (domain: string) =>
      domain === HOST ? [identity(this.setup.ownMemory)] : this.mappingsOf(domain);
    return unit.bringAbout({ domains, mappingsOf });
  }

  private mappingsOf(domain: string): readonly DriverMapping[] {
    return this.reserved.mappingsOf(domain) ?? this.guests.get(domain)?.mappings ?? [];
  }

  private *inUnitsOf(domain: string, work: (intents: Driver) => Routine): PlatformRoutine {
    for (const unit of this.units)
      if (unit.knows(domain)) yield* atUnit(unit.registers, work(unit.driver.intents));
  }

  private guestOf(domain: string): Guest {
    let guest = this.guests.get(domain);
    if (!guest) {
      guest = { mappings: [], tables: null };
      this.guests.set(domain, guest);
    }
    return guest;
  }

  private *tablesOf(guest: Guest, domain: string): Generator<PlatformAccess, GuestTables, Answer> {
    if (!guest.tables) {
      guest.tables = yield* GuestTables.create(this.parts);
      yield { do: "guest-tables", domain, page: guest.tables.topPage };
    }
    return guest.tables;
  }

  private forgetMapping({ mappings }: Guest, { iova }: DriverMapping): void {
    const index = mappings.findIndex((one) => one.iova === iova);
    if (index >= 0) mappings.splice(index, 1);
  }

  private forgetFaults(devices: readonly string[]): void {
    for (const name of devices) {
      const one = this.survey.functionNamed(name);
      if (one) this.containment.forget(one);
    }
  }

  /** Someone of the device's group has an owner. */
  private hasAssigned(device: string): boolean {
    return this.survey.groupOf(device).some((one) => this.assigned.has(one));
  }

  /** What some ids of a device lead to stays, unnoticed. */
  private forgetIds(device: string, forgets: (id: RequesterId, own: RequesterId) => boolean): void {
    const one = this.survey.functionNamed(device);
    if (!one) return;
    const forgotten = one.requesters.filter((id) => forgets(id, one.own));
    for (const unit of this.units) if (unit.registers === one.unit) unit.forget(forgotten);
  }
}

/** Other pages for the same addresses. */
function* exchange(intents: Driver, domain: string, mapping: DriverMapping): Routine {
  yield* intents.unmap(domain, mapping, NO_TICKET);
  yield* intents.map(domain, mapping, NO_TICKET);
}
