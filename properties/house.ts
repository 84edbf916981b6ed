/**
 * The house a driver works for: it owns the pages, says which domain may use which, and keeps book of what is mapped,
 * given back, or still to be given back. It turns intents into calls of the driver and into the events a judge hears.
 */
import type { Intent, IntentScenario } from "../generators/intents/scenario.js";
import { placesOf, protectedPage } from "../generators/places.js";
import type { Driver, DriverDevice, Routine } from "../implementations/driver/interface.js";
import { type Grant, type OwnershipEvent, Right } from "../model/isolation/events.js";
import { TablePool } from "./table-pool.js";
import { Tickets } from "./tickets.js";

/** A run of pages of a mapping that is in force. */
interface Piece {
  readonly offset: number;
  readonly pages: number;
  readonly access: number;
}

interface Mapping {
  readonly domain: string;
  readonly iova: number;
  readonly page: number;
  pieces: Piece[];
}

/** Work that a routine does for one intent, and what follows when it has settled. */
interface Task {
  readonly routine: Routine;
  readonly ticket: number;
}

/** Rights as scenarios write them. */
export const RIGHTS = { r: Right.read, w: Right.write, rw: Right.both } as const;

export class House {
  private readonly owners = new Map<number, string>();
  /** Grants of each page that are in force or still to be withdrawn. */
  private readonly uses = new Map<number, number>();
  private readonly mappings = new Map<string, Mapping>();
  private readonly domainOf = new Map<string, string>();
  private readonly domains = new Set<string>();
  /** Domains the driver has heard of since they were made, or made again. */
  private readonly inService = new Set<string>();
  private readonly devices = new Map<string, DriverDevice>();
  readonly tickets = new Tickets();
  /** Runs taken away and not settled: the same page may not go back to the same address meanwhile. */
  private leaving: Grant[] = [];
  readonly tables: TablePool;

  constructor(
    scenario: IntentScenario,
    private readonly driver: Driver,
    private readonly say: (event: OwnershipEvent) => void,
    /** Pages are free again: whoever gets them next puts something else there. */
    private readonly freed: (page: number, pages: number) => void,
  ) {
    this.tables = new TablePool(placesOf(scenario.architecture).freeTables, say);
    for (const { name, requesters } of scenario.devices) this.devices.set(name, { name, requesters });
    for (const { name } of scenario.domains) this.domains.add(name);
  }

  deviceNamed(name: string): DriverDevice | undefined {
    return this.devices.get(name);
  }

  /** By device: the domain it belongs to. */
  get attachments(): ReadonlyMap<string, string> {
    return this.domainOf;
  }

  /** Mappings of which something is in force. */
  get mapped(): Iterable<string> {
    return this.mappings.keys();
  }

  /** The work an intent asks of the driver; empty when the intent makes no sense as things are. */
  tasks(intent: Intent): Task[] {
    switch (intent.do) {
      case "attach":
        return this.attach(intent.device, intent.domain);
      case "detach":
        return this.detach(intent.device);
      case "map":
        return this.map(intent);
      case "protect":
        return this.protect(intent.mapping, intent.offset, intent.pages, RIGHTS[intent.access]);
      case "unmap":
        return this.unmap(intent.mapping, intent.offset, intent.pages);
      case "merge":
        return this.merge(intent.mapping);
      case "destroy":
        return this.destroy(intent.domain);
      case "sync":
        return [{ routine: this.driver.sync(), ticket: 0 }];
    }
  }

  /** Somebody gets the page of the table that was freed last; null when there is none. */
  takeFreedTable(): number | null {
    const page = this.tables.takeFreed();
    if (page !== null) this.say({ event: "allocate", page, pages: 1, owner: "somebody else" });
    return page;
  }

  private task(routine: (ticket: number) => Routine, settled: () => void): Task {
    const ticket = this.tickets.issue({ settled });
    return { routine: routine(ticket), ticket };
  }

  private attach(name: string, domain: string): Task[] {
    const device = this.devices.get(name);
    const former = this.domainOf.get(name);
    if (!device || !this.domains.has(domain) || former === domain) return [];
    this.inService.add(domain);
    for (const requester of device.requesters) {
      if (former !== undefined) this.say({ event: "leave", requester, domain: former });
      this.say({ event: "assign", requester, domain });
    }
    this.domainOf.set(name, domain);
    return [
      this.task(
        (ticket) => this.driver.attach(device, domain, ticket),
        () => {
          for (const requester of device.requesters) {
            if (former !== undefined) this.say({ event: "unassign", requester, domain: former });
            // Switched on meanwhile, by an intent that this one did not wait for.
            if (this.domainOf.get(name) === domain) this.say({ event: "attached", requester, domain });
          }
        },
      ),
    ];
  }

  private detach(name: string): Task[] {
    const device = this.devices.get(name);
    const domain = this.domainOf.get(name);
    if (!device || domain === undefined) return [];
    this.domainOf.delete(name);
    for (const requester of device.requesters) this.say({ event: "leave", requester, domain });
    return [
      this.task(
        (ticket) => this.driver.detach(device, ticket),
        () => {
          for (const requester of device.requesters) this.say({ event: "unassign", requester, domain });
        },
      ),
    ];
  }

  private map(intent: Extract<Intent, { do: "map" }>): Task[] {
    const { mapping, domain, iova, page, pages } = intent;
    const access = RIGHTS[intent.access];
    const grant: Grant = { domain, iova, page, pages, access };
    if (!this.domains.has(domain) || this.mappings.has(mapping) || !this.isMappable(grant)) return [];
    this.inService.add(domain);
    const entry: Mapping = { domain, iova, page, pieces: [{ offset: 0, pages, access }] };
    this.mappings.set(mapping, entry);
    this.take(grant);
    this.say({ event: "grant", ...grant });
    return [
      this.task(
        (ticket) => this.driver.map(domain, { iova, page, pages, access }, ticket),
        () => this.sayUsable(entry, grant),
      ),
    ];
  }

  /** What was given works now, as far as it was not taken away again meanwhile. */
  private sayUsable(mapping: Mapping, grant: Grant): void {
    for (const piece of mapping.pieces) {
      const first = Math.max(mapping.iova + piece.offset, grant.iova);
      const last = Math.min(mapping.iova + piece.offset + piece.pages, grant.iova + grant.pages);
      const access = piece.access & grant.access;
      if (first >= last || access === 0) continue;
      const page = mapping.page + (first - mapping.iova);
      this.say({ event: "usable", domain: grant.domain, iova: first, page, pages: last - first, access });
    }
  }

  /** Addresses are free, pages belong to the domain or to nobody, and are not on their way out of the same addresses. */
  private isMappable({ domain, iova, page, pages }: Grant): boolean {
    for (let one = page; one < page + pages; one++) {
      const owner = this.owners.get(one);
      if (one === protectedPage || (owner !== undefined && owner !== domain)) return false;
    }
    for (const other of this.mappings.values()) {
      if (other.domain !== domain) continue;
      for (const piece of other.pieces) {
        const first = other.iova + piece.offset;
        if (iova < first + piece.pages && first < iova + pages) return false;
      }
    }
    return !this.leaving.some(
      (one) =>
        one.domain === domain &&
        one.page - one.iova === page - iova &&
        iova < one.iova + one.pages &&
        one.iova < iova + pages,
    );
  }

  private take({ domain, page, pages }: Grant): void {
    let run = page;
    for (let one = page; one <= page + pages; one++) {
      if (one < page + pages && !this.owners.has(one)) continue;
      if (one > run) this.say({ event: "allocate", page: run, pages: one - run, owner: domain });
      run = one + 1;
    }
    for (let one = page; one < page + pages; one++) {
      this.owners.set(one, domain);
      this.uses.set(one, (this.uses.get(one) ?? 0) + 1);
    }
  }

  private protect(name: string, offset: number, pages: number, access: number): Task[] {
    return this.change(name, offset, pages, (mapping, piece) => {
      if (piece.access === access) return null;
      const { domain } = mapping;
      const run = runOf(mapping, piece);
      const added = access & ~piece.access;
      const gone = piece.access & ~access;
      if (added) this.say({ event: "grant", domain, ...run, access: added });
      if (gone) this.say({ event: "retire", domain, ...run, access: gone });
      mapping.pieces.push({ ...piece, access });
      return this.task(
        (ticket) => this.driver.protect(domain, { ...run, access }, ticket),
        () => {
          if (gone) this.say({ event: "withdraw", domain, ...run, access: gone });
          if (added) this.sayUsable(mapping, { domain, ...run, access: added });
        },
      );
    });
  }

  private unmap(name: string, offset: number, pages: number): Task[] {
    return this.change(name, offset, pages, (mapping, piece) => {
      const { domain } = mapping;
      const grant: Grant = { domain, ...runOf(mapping, piece), access: piece.access };
      this.leaving.push(grant);
      this.say({ event: "retire", ...grant });
      return this.task(
        (ticket) => this.driver.unmap(domain, grant, ticket),
        () => {
          this.leaving = this.leaving.filter((one) => one !== grant);
          this.say({ event: "withdraw", ...grant });
          this.release(grant);
        },
      );
    });
  }

  /** Cuts what an intent is about out of a mapping, and makes a task for each piece that `make` has work for. */
  private change(
    name: string,
    offset: number,
    pages: number,
    make: (mapping: Mapping, piece: Piece) => Task | null,
  ): Task[] {
    const mapping = this.mappings.get(name);
    if (!mapping) return [];
    const tasks: Task[] = [];
    for (const piece of [...mapping.pieces]) {
      const first = Math.max(offset, piece.offset);
      const last = Math.min(offset + pages, piece.offset + piece.pages);
      if (first >= last) continue;
      const task = make(mapping, { offset: first, pages: last - first, access: piece.access });
      if (!task) continue;
      tasks.push(task);
      mapping.pieces = mapping.pieces.filter((one) => one !== piece);
      keepRest(mapping, piece, first, last);
    }
    if (mapping.pieces.length === 0) this.mappings.delete(name);
    return tasks;
  }

  private release({ page, pages }: Grant): void {
    let run = page;
    for (let one = page; one <= page + pages; one++) {
      const left = one < page + pages ? this.uses.get(one)! - 1 : 1;
      if (one < page + pages) this.uses.set(one, left);
      if (left === 0) {
        this.owners.delete(one);
        continue;
      }
      if (one > run) {
        this.say({ event: "free", page: run, pages: one - run });
        this.freed(run, one - run);
      }
      run = one + 1;
    }
  }

  private merge(name: string): Task[] {
    const mapping = this.mappings.get(name);
    if (!mapping) return [];
    const pieces = [...mapping.pieces].sort((one, other) => one.offset - other.offset);
    const [first] = pieces;
    const whole = pieces.every(
      (piece, index) =>
        piece.access === first!.access &&
        (index === 0 || piece.offset === pieces[index - 1]!.offset + pieces[index - 1]!.pages),
    );
    if (!whole) return [];
    const last = pieces[pieces.length - 1]!;
    const piece = {
      offset: first!.offset,
      pages: last.offset + last.pages - first!.offset,
      access: first!.access,
    };
    mapping.pieces = [piece];
    const run = { ...runOf(mapping, piece), access: piece.access };
    return [
      this.task(
        (ticket) => this.driver.merge(mapping.domain, run, ticket),
        () => undefined,
      ),
    ];
  }

  private destroy(domain: string): Task[] {
    const used =
      [...this.domainOf.values()].includes(domain) ||
      [...this.mappings.values()].some((one) => one.domain === domain) ||
      this.leaving.some((one) => one.domain === domain);
    if (used || !this.inService.delete(domain)) return [];
    return [
      this.task(
        (ticket) => this.driver.destroy(domain, ticket),
        () => undefined,
      ),
    ];
  }
}

function runOf(mapping: Mapping, piece: Piece): { iova: number; page: number; pages: number } {
  return { iova: mapping.iova + piece.offset, page: mapping.page + piece.offset, pages: piece.pages };
}

/** What is left of a piece before and after the part that was cut out. */
function keepRest(mapping: Mapping, piece: Piece, first: number, last: number): void {
  const end = piece.offset + piece.pages;
  if (first > piece.offset) mapping.pieces.push({ ...piece, pages: first - piece.offset });
  if (last < end) mapping.pieces.push({ ...piece, offset: last, pages: end - last });
}
