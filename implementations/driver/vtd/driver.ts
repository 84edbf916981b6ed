/**
 * A VT-d driver in legacy mode as driver authors may read it: each intent changes entries, makes the change visible,
 * invalidates what may be cached of the old ones, waits, and only then lets go of what was behind them.
 */
import type { Driver, DriverDevice, DriverMapping, DriverSetup, Routine } from "../interface.js";
import { bootFromReset, takeOver } from "./boot.js";
import { ContextTables } from "./context-table.js";
import { DomainIds } from "./domain-ids.js";
import type { Encodings } from "./encodings.js";
import type { DriverFaults } from "./faults.js";
import { contextInvalidation, Flusher, iotlbInvalidation, LOCK } from "./invalidation.js";
import { InvalidationRegisters } from "./invalidation-registers.js";
import { PageTables } from "./page-tables.js";
import { InvalidationQueue } from "./queue.js";
import { Retirement } from "./retirement.js";
import type { Steps } from "./steps.js";
import { Table } from "./table.js";
import { Unit } from "./unit.js";

export class VtdDriver implements Driver {
  private readonly unit: Unit;
  private readonly queue: InvalidationQueue;
  private readonly flusher: Flusher;
  private readonly contexts: ContextTables;
  private readonly domainIds: DomainIds;
  private readonly retirement: Retirement;
  private readonly domains = new Map<string, PageTables>();

  constructor(
    readonly name: string,
    private readonly setup: DriverSetup,
    encodings: Encodings,
    private readonly faults: DriverFaults,
  ) {
    const { queuePage, statusPage, rootPage, invalidation, flushing } = setup;
    const drain = faults.drainsNothing ? 0 : 1;
    this.unit = new Unit(encodings, faults);
    this.queue = new InvalidationQueue(this.unit, queuePage, statusPage, drain);
    const registers = new InvalidationRegisters(this.unit, drain);
    this.flusher = new Flusher(this.unit, invalidation === "queue" ? this.queue : registers);
    this.contexts = new ContextTables(this.unit, rootPage);
    this.domainIds = new DomainIds(2 ** encodings.platform.domainIdBits);
    this.retirement = new Retirement(this.flusher, this.domainIds, flushing === "deferred", faults);
  }

  start(): Routine {
    const { unit, flusher, queue, setup } = this;
    const usesQueue = setup.invalidation === "queue";
    return this.locked(
      setup.start === "reset"
        ? bootFromReset(unit, flusher, usesQueue ? queue : null, setup.rootPage, this.faults)
        : takeOver(unit, queue, usesQueue),
    );
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
    const { contexts, retirement } = this;
    const domain = this.domains.get(name) ?? (yield* this.addDomain(name));
    yield* this.takeAway(device, !this.faults.overwritesContext);
    // Old entries and old requests are gone before the new entry is there.
    if (device.requesters.some((one) => retirement.holdsRequester(one))) yield* retirement.carryOut();
    let rootEntryAdded = false;
    for (const requester of device.requesters) {
      if (yield* contexts.fill(requester, domain)) rootEntryAdded = true;
    }
    yield* this.contextsFilled(device, domain, rootEntryAdded);
    yield { do: "settled", ticket };
  }

  /** 6.1: in caching mode entries that were not present may be cached, under domain id 0. */
  private *contextsFilled(device: DriverDevice, domain: PageTables, rootEntryAdded: boolean): Routine {
    if (!this.unit.platform.cachingMode || this.faults.attachesWithoutFlush) {
      yield* this.unit.flushWriteBuffer();
    } else if (rootEntryAdded) {
      yield* this.flusher.flush([contextInvalidation.global, iotlbInvalidation.global]);
    } else {
      const contexts = device.requesters.map((one) => contextInvalidation.device(0, one));
      yield* this.flusher.flush([...contexts, iotlbInvalidation.domain(domain.domainId)]);
    }
  }

  private *detachWork(device: DriverDevice, ticket: number): Routine {
    yield* this.takeAway(device, true);
    yield* this.retirement.settle(ticket);
  }

  /** The device's context entries are cleared, and what is cached of them is to be invalidated. */
  private *takeAway({ requesters }: DriverDevice, clears: boolean): Routine {
    const { contexts, retirement } = this;
    for (const requester of this.faults.forgetsAlias ? requesters.slice(0, 1) : requesters) {
      const domain = contexts.domainOf(requester);
      if (!domain) continue;
      if (clears) yield* contexts.clear(requester);
      retirement.invalidateContext(domain.domainId, requester);
    }
  }

  private *mapWork(name: string, mapping: DriverMapping, ticket: number): Routine {
    const { retirement, flusher } = this;
    const domain = this.domains.get(name) ?? (yield* this.addDomain(name));
    const held = retirement.holdsPages(domain.domainId, mapping.iova, mapping.pages);
    if (held && !this.faults.remapsPendingAddress) yield* retirement.carryOut();
    yield* domain.map(mapping);
    // 6.1: in caching mode entries that were not present may be cached, at whatever level they were missing.
    const { domainId } = domain;
    if (this.unit.platform.cachingMode && !this.faults.mapsWithoutFlush)
      yield* flusher.flush([flusher.forPages({ domainId, ...mapping, leafOnly: false })]);
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
    if (!this.faults.unmapsWithoutFlush) retirement.invalidatePages(change);
    if (this.faults.flushesBeforeStore) yield* retirement.flush();
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
    if (domain) this.retirement.retireDomain(domain.domainId, domain.topPage);
    this.domains.delete(name);
    yield* this.retirement.settle(ticket);
  }

  /** A domain gets its id and its top table when it is first used. */
  private *addDomain(name: string): Steps<PageTables> {
    const { unit } = this;
    const id = this.domainIds.allocate();
    const page = yield* unit.allocateTable();
    yield* unit.clearTable(page);
    const domain = new PageTables(id, new Table(page, unit.platform.largestLevels), unit, this.flusher);
    this.domains.set(name, domain);
    return domain;
  }

  /** @throws RangeError when there is no such domain */
  private domainNamed(name: string): PageTables {
    const domain = this.domains.get(name);
    if (!domain) throw new RangeError(`nothing is mapped in domain ${name}`);
    return domain;
  }
}
