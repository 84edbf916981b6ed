/**
 * What intents take away, from the change of the tables to the moment at which nothing of it is left. The order is the
 * point: invalidate, wait, and only then reset devices, free tables and domain ids, and settle.
 */
import type { HostPage, IovaPage, RequesterId } from "../../../model/words/address.js";
import type { DriverMapping, Routine } from "../interface.js";
import { Change } from "./change.js";
import type { DomainIds } from "./domain-ids.js";
import type { SharedFaults } from "./faults.js";
import type { Flusher } from "./flusher.js";

/** Intents whose invalidations are put off at most. */
const BATCH = 4;

/** What waits for one flush. */
class Batch<Invalidation> {
  readonly deviceEntries: Invalidation[] = [];
  /** Domain ids of which no translation may stay cached. */
  readonly domains: number[] = [];
  readonly changes: Change[] = [];
  readonly requesters: RequesterId[] = [];
  readonly tables: HostPage[] = [];
  readonly domainIds: number[] = [];
  readonly tickets: number[] = [];

  flushDomain(domainId: number): void {
    if (!this.domains.includes(domainId)) this.domains.push(domainId);
  }
}

export class Retirement<Invalidation> {
  private batch = new Batch<Invalidation>();

  constructor(
    private readonly flusher: Flusher<Invalidation>,
    private readonly domainIds: DomainIds,
    private readonly deferred: boolean,
    private readonly faults: SharedFaults,
  ) {}

  /** A change to pages of a domain that is about to be made. */
  changeOf(domainId: number, { iova, pages }: DriverMapping): Change {
    return new Change(domainId, iova, pages, this.batch.tables);
  }

  /** The pages of a change are to be invalidated. */
  invalidatePages(change: Change): void {
    this.batch.changes.push(change);
  }

  /** A device's entry was taken away: its own invalidation, and that of everything cached under its domain id. */
  invalidateDevice(domainId: number, requester: RequesterId): void {
    const { batch, faults, flusher } = this;
    const spared = faults.flushesFirstAliasOnly && batch.requesters.length > 0;
    if (!faults.skipsDeviceEntryFlush && !spared)
      batch.deviceEntries.push(flusher.forDevice(domainId, requester));
    if (!faults.skipsTranslationFlush) batch.flushDomain(domainId);
    batch.requesters.push(requester);
  }

  /** A domain is gone: its id may be used again after a flush of all that is tagged with it. */
  retireDomain(domainId: number, pages: readonly HostPage[]): void {
    const { batch } = this;
    batch.deviceEntries.push(...this.flusher.forDevicesOf(domainId));
    batch.flushDomain(domainId);
    batch.tables.push(...pages);
    if (this.faults.releasesIdAtOnce) this.domainIds.release(domainId);
    else batch.domainIds.push(domainId);
  }

  /** True when something that was put off is about these addresses. */
  holdsPages(domainId: number, iova: IovaPage, pages: number): boolean {
    return this.batch.changes.some((change) => change.overlaps(domainId, iova, pages));
  }

  /** True when the requester's entry was taken away, and that is not complete. */
  holdsRequester(requester: RequesterId): boolean {
    return this.batch.requesters.includes(requester);
  }

  /** The changes of an intent are made: it settles once they are complete, now or with others. */
  *settle(ticket: number): Routine {
    const { batch, deferred } = this;
    if (deferred && this.faults.settlesDeferredAtOnce) yield { do: "settled", ticket };
    else batch.tickets.push(ticket);
    if (!deferred || batch.tickets.length >= BATCH) yield* this.carryOut();
  }

  /** Everything that was put off is carried out. */
  *carryOut(): Routine {
    const { batch } = this;
    this.batch = new Batch();
    if (this.faults.settlesBeforeFlush) yield* settleAll(batch);
    yield* this.flush(batch);
    // A device may have been told by its former owner to make requests later; now they can reach nothing of his.
    if (!this.faults.skipsReset)
      for (const requester of batch.requesters) yield { do: "reset-device", requester };
    for (const page of batch.tables) yield { do: "free-table", page };
    for (const id of batch.domainIds) this.domainIds.release(id);
    yield* settleAll(batch);
  }

  /** Carries out the invalidations that are known by now, and has nothing left to invalidate. */
  flush(batch = this.batch): Routine {
    const { flusher, faults } = this;
    const deviceEntries = batch.deviceEntries.splice(0);
    const translations: Invalidation[] = [];
    for (const domainId of batch.domains.splice(0)) translations.push(flusher.forDomain(domainId));
    for (const change of batch.changes.splice(0)) translations.push(flusher.forPages(change));
    // A device entry that is still cached could refill translations that were invalidated before it.
    return faults.flushesTranslationsFirst
      ? flusher.flush(translations, deviceEntries)
      : flusher.flush(deviceEntries, translations);
  }
}

function* settleAll<Invalidation>({ tickets }: Batch<Invalidation>): Routine {
  for (const ticket of tickets.splice(0)) yield { do: "settled", ticket };
}
