/**
 * The house that platform software works for: it owns the pages and the devices, says which guest may use which, and keeps
 * book of it. It turns steps into calls of the driver and into the events a judge hears.
 */
import { bouncePages } from "../../generators/platform/places.js";
import type { PlatformScenario, PlatformStep } from "../../generators/platform/scenario.js";
import type { PlatformDriver, PlatformRoutine } from "../../implementations/driver/platform/interface.js";
import type { FindingKind } from "../../model/finding.js";
import { type Grant, type OwnershipEvent, Right } from "../../model/isolation/events.js";
import { type RequesterId, showAddress } from "../../model/words/address.js";
import { RIGHTS } from "../house.js";
import { type OpenTicket, Tickets } from "../tickets.js";
import { PlatformDevices, type PlugChange, type PresentFunction } from "./devices.js";
import { type Held, RequesterHolders } from "./holders.js";
import { platformRequesters } from "./units.js";

/** Work of the driver for a step, and what follows from what it says. */
export interface PlatformTask {
  readonly ticket: number;
  readonly routine: PlatformRoutine;
}

/** Who hears of what the house does. */
export interface HouseListener {
  say(event: OwnershipEvent): void;
  /** Something is wrong that no exposure shows. */
  found(kind: FindingKind, message: string): void;
  /** Functions came: whatever was known of them is of others. */
  came(functions: readonly PresentFunction[]): void;
}

/** Why a device must not go to a domain. */
interface Objection {
  readonly kind: FindingKind;
  readonly because: string;
}

type MapStep = Extract<PlatformStep, { do: "map" }>;

/** Host pages and guest addresses that mappings may have: below every address with a meaning of its own. */
const HOST_PAGES = { first: 0x1000, end: 0x1400 } as const;
const GUEST_PAGES = 0x80000;

export class PlatformHouse {
  readonly devices: PlatformDevices;
  private readonly unitOf: ReadonlyMap<RequesterId, number>;
  private readonly owners = new Map<number, string>();
  readonly mappings = new Map<string, Grant>();
  private readonly domainOf = new Map<string, string>();
  private readonly holders: RequesterHolders;
  readonly tickets = new Tickets();
  private readonly loans = new Set<number>();

  constructor(
    private readonly scenario: PlatformScenario,
    private readonly driver: () => PlatformDriver,
    private readonly listener: HouseListener,
  ) {
    this.devices = new PlatformDevices(scenario);
    this.unitOf = platformRequesters(scenario.platform).unitOf;
    this.holders = new RequesterHolders((event) => listener.say(event));
  }

  /** Says what stands behind requester ids, and which memory firmware has devices use. */
  begin(): void {
    const present = this.devices.functions();
    const used = this.devices.idsInUse();
    const { unitOf, virtual } = platformRequesters(this.scenario.platform);
    for (const requester of virtual) this.listener.say({ event: "virtual", requester });
    for (const requester of unitOf.keys())
      if (!used.has(requester)) this.listener.say({ event: "vacate", requester });
    for (const one of present) this.reserveFor(one);
  }

  /** The work that a step asks of the driver, one task after the other; none when it makes no sense as things are. */
  *tasks(step: PlatformStep): Generator<PlatformTask> {
    switch (step.do) {
      case "assign":
        yield* this.assign(step.device, step.domain);
        break;
      case "release":
        yield* this.release(step.device);
        break;
      case "map":
        yield* this.map(step);
        break;
      case "unmap":
        yield* this.unmap(step.mapping);
        break;
      case "remap":
        yield* this.remap(step.mapping, step.page);
        break;
      case "lend":
        yield* this.lend(step.device, step.page);
        break;
      case "plug":
        yield* this.come(this.devices.plug(step.device));
        break;
      case "unplug":
        yield* this.unplug(step.device);
        break;
      case "enable-vfs":
        yield* this.enableVirtual(step.device, step.count);
        break;
    }
  }

  private task(
    routine: (driver: PlatformDriver, ticket: number) => PlatformRoutine,
    open: OpenTicket,
  ): PlatformTask {
    const ticket = this.tickets.issue(open);
    return { ticket, routine: routine(this.driver(), ticket) };
  }

  private *assign(name: string, domain: string): Generator<PlatformTask> {
    if (!this.devices.named(name) || this.domainOf.has(name)) return;
    const objection = this.objectionTo(name, domain);
    const { listener, holders } = this;
    const all = this.heldBy(name, domain);
    for (const held of all) holders.enter(held);
    this.domainOf.set(name, domain);
    yield this.task((driver, ticket) => driver.assign(name, domain, ticket), {
      settled: () => {
        const given = `${name} was given to ${domain}`;
        if (objection) listener.found(objection.kind, `${given}, but ${objection.because}`);
        for (const held of all) listener.say({ event: "attached", ...held });
      },
      refused: () => {
        this.domainOf.delete(name);
        for (const held of all) holders.left(held);
        const refused = `${name} was refused to ${domain}`;
        if (!objection) listener.found("unserved", `${refused}, but nothing stands against it`);
      },
    });
  }

  private objectionTo(name: string, domain: string): Objection | null {
    const { devices } = this;
    const group = devices.groupOf(name);
    const outside = group.find((one) => !devices.isBehindUnit(one));
    if (outside !== undefined) return { kind: "unbounced", because: `${outside} is behind no unit` };
    const { reserved } = this.scenario.platform;
    const bound = group.find((one) => reserved.some(({ functions }) => functions.includes(one)));
    if (bound !== undefined)
      return { kind: "reserved", because: `firmware has ${bound} use memory of its own` };
    const other = group.find((one) => (this.domainOf.get(one) ?? domain) !== domain);
    if (other === undefined) return null;
    const owner = this.domainOf.get(other);
    return { kind: "split-group", because: `${other} of the same group belongs to ${owner}` };
  }

  private *release(name: string): Generator<PlatformTask> {
    const domain = this.domainOf.get(name);
    if (domain === undefined) return;
    const all = this.heldBy(name, domain);
    this.domainOf.delete(name);
    for (const held of all) this.holders.leave(held);
    yield this.task((driver, ticket) => driver.release(name, ticket), {
      settled: () => {
        for (const held of all) this.holders.left(held);
      },
    });
  }

  /** One requester id of each device of a domain. */
  requestersIn(domain: string): RequesterId[] {
    return [...this.domainOf].flatMap(([name, of]) => (of === domain ? this.idsOf(name).slice(0, 1) : []));
  }

  /** Its requester ids that a unit sees. */
  private idsOf(name: string): readonly RequesterId[] {
    return this.devices.idsOf(name).filter((one) => this.unitOf.has(one));
  }

  private heldBy(name: string, domain: string): Held[] {
    return this.idsOf(name).map((requester) => ({ requester, domain }));
  }

  private *map(step: MapStep): Generator<PlatformTask> {
    const { mapping, domain, iova, page, pages } = step;
    const grant: Grant = { domain, iova, page, pages, access: RIGHTS[step.access] };
    if (this.mappings.has(mapping) || !this.isFree(page, pages) || !this.isUnmapped(grant)) return;
    this.mappings.set(mapping, grant);
    this.take(grant);
    yield this.task((driver, ticket) => driver.map(domain, grant, ticket), {
      settled: () => this.listener.say({ event: "usable", ...grant }),
    });
  }

  private *unmap(mapping: string): Generator<PlatformTask> {
    const grant = this.mappings.get(mapping);
    if (!grant) return;
    this.mappings.delete(mapping);
    this.listener.say({ event: "retire", ...grant });
    yield this.task((driver, ticket) => driver.unmap(grant.domain, grant, ticket), {
      settled: () => this.giveBack(grant),
    });
  }

  private *remap(mapping: string, page: number): Generator<PlatformTask> {
    const old = this.mappings.get(mapping);
    if (!old || !this.isFree(page, old.pages)) return;
    const grant: Grant = { ...old, page };
    this.mappings.set(mapping, grant);
    this.listener.say({ event: "retire", ...old });
    this.take(grant);
    yield this.task((driver, ticket) => driver.remap(grant.domain, grant, ticket), {
      settled: () => {
        this.giveBack(old);
        this.listener.say({ event: "usable", ...grant });
      },
    });
  }

  private isFree(page: number, pages: number): boolean {
    if (page < HOST_PAGES.first || page + pages > HOST_PAGES.end) return false;
    for (let one = page; one < page + pages; one++) if (this.owners.has(one)) return false;
    return true;
  }

  private isUnmapped({ domain, iova, pages }: Grant): boolean {
    if (iova + pages > GUEST_PAGES) return false;
    for (const other of this.mappings.values())
      if (other.domain === domain && iova < other.iova + other.pages && other.iova < iova + pages)
        return false;
    return true;
  }

  private take(grant: Grant): void {
    const { domain, page, pages } = grant;
    for (let one = page; one < page + pages; one++) this.owners.set(one, domain);
    this.listener.say({ event: "allocate", page, pages, owner: domain });
    this.listener.say({ event: "grant", ...grant });
  }

  private giveBack(grant: Grant): void {
    const { page, pages } = grant;
    for (let one = page; one < page + pages; one++) this.owners.delete(one);
    this.listener.say({ event: "withdraw", ...grant });
    this.listener.say({ event: "free", page, pages });
  }

  private *lend(name: string, page: number): Generator<PlatformTask> {
    const { devices, loans } = this;
    if (!devices.named(name) || devices.isBehindUnit(name) || loans.size === bouncePages.length) return;
    const before = loans.size;
    yield this.task((driver, ticket) => driver.lend(name, page, ticket), {
      settled: () => {
        if (loans.size === before)
          this.listener.found("unserved", `${name} was lent a page, but not told where`);
      },
      lent: (iova) => this.checkLoan(name, iova),
    });
  }

  private checkLoan(name: string, iova: number): void {
    const where = `${name}, which is behind no unit, is told to access page ${showAddress(iova)}`;
    if (!bouncePages.includes(iova)) this.listener.found("unbounced", `${where}, which is no bounce page`);
    if (this.loans.has(iova)) this.listener.found("unbounced", `${where}, which is in use already`);
    this.loans.add(iova);
  }

  /** Memory that firmware has the function use, from now on. */
  private reserveFor({ name, ids }: PresentFunction): void {
    this.scenario.platform.reserved.forEach(({ functions, page, pages, kind, access }, index) => {
      if (!functions.includes(name)) return;
      // What a unit lets pass untranslated, it lets pass for reads and writes.
      const rights = kind === "exclusion" ? Right.both : RIGHTS[access];
      for (const requester of ids)
        if (this.unitOf.has(requester))
          this.listener.say({
            event: "reserve",
            requester,
            region: regionName(index),
            page,
            pages,
            access: rights,
          });
    });
  }

  private *come(change: PlugChange | null): Generator<PlatformTask> {
    if (!change) return;
    const { topology, functions } = change;
    this.listener.came(functions);
    for (const { ids } of functions)
      for (const requester of ids)
        if (this.unitOf.has(requester)) this.listener.say({ event: "vacate", requester });
    const names = functions.map((one) => one.name);
    yield this.task((driver, ticket) => driver.plugged(topology, names, ticket), {
      settled: () => {
        for (const one of functions) this.reserveFor(one);
      },
    });
  }

  private *unplug(name: string): Generator<PlatformTask> {
    yield* this.go(this.devices.unplug(name));
  }

  private *go(change: PlugChange | null): Generator<PlatformTask> {
    if (!change || change.functions.length === 0) return;
    const { topology, functions } = change;
    const owned = functions.flatMap(({ name, ids }) => {
      const domain = this.domainOf.get(name);
      this.domainOf.delete(name);
      if (domain === undefined) return [];
      return ids.filter((id) => this.unitOf.has(id)).map((requester): Held => ({ requester, domain }));
    });
    for (const held of owned) this.holders.leave(held);
    for (const one of functions) this.leaveRegions(one);
    const names = functions.map((one) => one.name);
    yield this.task((driver, ticket) => driver.unplugged(topology, names, ticket), {
      settled: () => this.vacate(functions, owned),
    });
  }

  private leaveRegions({ name, ids }: PresentFunction): void {
    this.scenario.platform.reserved.forEach(({ functions }, index) => {
      if (!functions.includes(name)) return;
      for (const requester of ids)
        this.listener.say({ event: "leave", requester, domain: regionName(index) });
    });
  }

  /** Functions are gone: their ids are nobody's, unless others make requests under them too. */
  private vacate(functions: readonly PresentFunction[], owned: readonly Held[]): void {
    const used = this.devices.idsInUse();
    for (const held of owned) {
      if (used.has(held.requester)) this.holders.left(held);
      else this.holders.drop(held);
    }
    for (const requester of new Set(functions.flatMap((one) => one.ids)))
      if (!used.has(requester) && this.unitOf.has(requester))
        this.listener.say({ event: "vacate", requester });
  }

  private *enableVirtual(name: string, count: number): Generator<PlatformTask> {
    yield* this.go(this.devices.disableVirtual(name));
    if (count > 0) yield* this.come(this.devices.enableVirtual(name, count));
  }

  /**
   * Another operating system is about to take over: guests are gone, though devices may still reach what they had.
   * @returns what to do when it has
   */
  takeOver(): () => void {
    const grants = [...this.mappings.values()];
    const owned = [...this.domainOf].flatMap(([name, domain]) => this.heldBy(name, domain));
    for (const grant of grants) this.listener.say({ event: "retire", ...grant });
    for (const held of owned) this.listener.say({ event: "leave", ...held });
    this.mappings.clear();
    this.domainOf.clear();
    this.loans.clear();
    return () => {
      for (const held of owned) this.holders.left(held);
      for (const grant of grants) this.giveBack(grant);
    };
  }
}

function regionName(index: number): string {
  return `reserved region ${index + 1}`;
}
