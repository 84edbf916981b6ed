/**
 * What every driver does with intents: each changes entries, makes the change visible, invalidates what may be cached of
 * the old ones, waits, and only then lets go of what was behind them.
 */
import type { HostPage, RequesterId } from "../../../model/words/address.js";
import type { Driver, DriverDevice, DriverMapping, DriverSetup, Routine } from "../interface.js";
import type { DomainIds } from "./domain-ids.js";
import type { SharedFaults } from "./faults.js";
import { type Flusher, LOCK } from "./flusher.js";
import type { PageTables } from "./page-tables.js";
import { Retirement } from "./retirement.js";
import type { Steps } from "./steps.js";
import type { TableMemory } from "./table-memory.js";

/** The entries that say which domain a requester belongs to. */
export interface DeviceEntries<Domain extends PageTables> {
  /** The domain that the requester's entry leads to. */
  domainOf(requester: RequesterId): Domain | undefined;
  /** Makes the requester's entry let nothing through. */
  clear(requester: RequesterId): Routine;
  /** Makes entries that let nothing through lead to a domain. When this is over they do. */
  fill(requesters: readonly RequesterId[], domain: Domain): Routine;
}

/** What is an architecture's own. */
export interface DriverParts<Domain extends PageTables, Invalidation> {
  readonly faults: SharedFaults;
  readonly memory: TableMemory;
  readonly flusher: Flusher<Invalidation>;
  readonly devices: DeviceEntries<Domain>;
  readonly domainIds: DomainIds;
  /** Entries that are not present may be cached. */
  readonly cachesNotPresent: boolean;
  /** Takes the unit over, as the setup says. */
  start(): Routine;
  /** Page tables with an empty top table. */
  newDomain(domainId: number, topPage: HostPage): Domain;
}

export class IntentDriver<Domain extends PageTables, Invalidation> implements Driver {
  private readonly faults: SharedFaults;
  private readonly retirement: Retirement<Invalidation>;
  private readonly domains = new Map<string, Domain>();

  constructor(
    readonly name: string,
    flushing: DriverSetup["flushing"],
    private readonly parts: DriverParts<Domain, Invalidation>,
  ) {
    const { flusher, faults, domainIds } = parts;
    this.faults = faults;
    this.retirement = new Retirement(flusher, domainIds, flushing === "deferred", faults);
  }

  start(): Routine {
    return this.locked(this.parts.start());
  }

  attach(device: DriverDevice, domain: string, ticket: number): Routine {
    return this.locked(this.attachWork(device, domain, ticket));
  }

  detach(device: DriverDevice, ticket: number): Routine {
    return this.locked(this.detachWork(device, ticket));
  }

  map(domain: string, mapping: DriverMapping, ticket: number): Routine {
    return this.locked(this.mapWork(domain, mapping, ticket));
  }

  protect(domain: string, mapping: DriverMapping, ticket: number): Routine {
    return this.locked(this.protectWork(domain, mapping, ticket));
  }

  unmap(domain: string, mapping: DriverMapping, ticket: number): Routine {
    return this.locked(this.unmapWork(domain, mapping, ticket));
  }

  merge(domain: string, mapping: DriverMapping, ticket: number): Routine {
    return this.locked(this.mergeWork(domain, mapping, ticket));
  }

  sync(): Routine {
    return this.locked(this.retirement.carryOut());
  }

  destroy(domain: string, ticket: number): Routine {
    return this.locked(this.destroyWork(domain, ticket));
  }

  /** One intent at a time: two CPUs never see each other's half-made changes. */
  private *locked(work: Routine): Routine {
    if (this.faults.takesNoLock) return yield* work;
    yield { do: "lock", lock: LOCK };
    yield* work;
    yield { do: "unlock", lock: LOCK };
  }

  private *attachWork(device: DriverDevice, name: string, ticket: number): Routine {
    const { parts, retirement } = this;
    const domain = this.domains.get(name) ?? (yield* this.addDomain(name));
    yield* this.takeAway(device, !this.faults.overwritesDeviceEntry);
    // Old entries and old requests are gone before the new entry is there.
    if (device.requesters.some((one) => retirement.holdsRequester(one))) yield* retirement.carryOut();
    yield* parts.devices.fill(device.requesters, domain);
    yield { do: "settled", ticket };
  }

  private *detachWork(device: DriverDevice, ticket: number): Routine {
    yield* this.takeAway(device, true);
    yield* this.retirement.settle(ticket);
  }

  /** The device's entries let nothing through any more, and what is cached of them is to be invalidated. */
  private *takeAway({ requesters }: DriverDevice, clears: boolean): Routine {
    const { retirement } = this;
    const { devices } = this.parts;
    for (const requester of this.faults.forgetsAlias ? requesters.slice(0, 1) : requesters) {
      const domain = devices.domainOf(requester);
      if (!domain) continue;
      if (clears) yield* devices.clear(requester);
      retirement.invalidateDevice(domain.domainId, requester);
    }
  }

  private *mapWork(name: string, mapping: DriverMapping, ticket: number): Routine {
    const { retirement, parts } = this;
    const domain = this.domains.get(name) ?? (yield* this.addDomain(name));
    const held = retirement.holdsPages(domain.domainId, mapping.iova, mapping.pages);
    if (held && !this.faults.remapsPendingAddress) yield* retirement.carryOut();
    yield* domain.map(mapping);
    // Entries may be cached as not present at whatever level they were missing.
    const { domainId } = domain;
    if (parts.cachesNotPresent && !this.faults.mapsWithoutFlush)
      yield* parts.flusher.flushPages({ domainId, ...mapping, leafOnly: false });
    yield { do: "settled", ticket };
  }

  private *protectWork(name: string, mapping: DriverMapping, ticket: number): Routine {
    const { retirement } = this;
    const domain = this.domainNamed(name);
    if (!this.faults.protectsWithoutFlush)
      retirement.invalidatePages(retirement.changeOf(domain.domainId, mapping));
    yield* domain.protect(mapping);
    yield* retirement.settle(ticket);
  }

  private *unmapWork(name: string, mapping: DriverMapping, ticket: number): Routine {
    const { retirement } = this;
    const domain = this.domainNamed(name);
    const change = retirement.changeOf(domain.domainId, mapping);
    const { unmapsWithoutFlush, unmapsWithoutFlushUnlessCached, flushesBeforeStore } = this.faults;
    const spares = unmapsWithoutFlush || (unmapsWithoutFlushUnlessCached && !this.parts.cachesNotPresent);
    if (!spares) retirement.invalidatePages(change);
    if (flushesBeforeStore) yield* retirement.flush();
    yield* domain.unmap(mapping, change);
    yield* retirement.settle(ticket);
  }

  private *mergeWork(name: string, mapping: DriverMapping, ticket: number): Routine {
    const { retirement } = this;
    const domain = this.domainNamed(name);
    const change = retirement.changeOf(domain.domainId, mapping);
    retirement.invalidatePages(change);
    yield* domain.merge(mapping, change);
    yield* retirement.settle(ticket);
  }

  private *destroyWork(name: string, ticket: number): Routine {
    const domain = this.domains.get(name);
    if (domain) this.retirement.retireDomain(domain.domainId, domain.pagesWhenEmpty);
    this.domains.delete(name);
    yield* this.retirement.settle(ticket);
  }

  /** A domain gets its id and its top table when it is first used. */
  private *addDomain(name: string): Steps<Domain> {
    const { parts } = this;
    const id = parts.domainIds.allocate();
    const page = yield* parts.memory.allocateTable();
    yield* parts.memory.clearTable(page);
    const domain = parts.newDomain(id, page);
    this.domains.set(name, domain);
    return domain;
  }

  /** @throws RangeError when there is no such domain */
  private domainNamed(name: string): Domain {
    const domain = this.domains.get(name);
    if (!domain) throw new RangeError(`nothing is mapped in domain ${name}`);
    return domain;
  }
}
