/**
 * Who owns which page, which rights domains were granted, and which requester belongs to which domain: what exposure is
 * held to. Vendor-neutral.
 */
import { type Grant, Right } from "./events.js";

/** What a page is. A page nothing was said about is `free`. */
export type PageState =
  | { readonly kind: "free" }
  | { readonly kind: "owned"; readonly owners: readonly string[] }
  | { readonly kind: "table" }
  | { readonly kind: "protected" };

/** Pages of a run, and the rights to them that nobody granted. */
export interface Ungranted {
  readonly page: number;
  readonly access: number;
}

/** When, and from which domain, rights to a page were withdrawn last. */
export interface Withdrawal {
  readonly domain: string;
  readonly action: number;
}

/** Grants of more pages than this are kept as runs, not page by page. */
const LARGE = 4096;
const FREE: PageState = { kind: "free" };

/** How often each right to each page was granted: two mappings of one page are two grants. */
class DomainRights {
  private readonly readers = new Map<number, number>();
  private readonly writers = new Map<number, number>();
  private readonly runs: Grant[] = [];

  change(grant: Grant, by: 1 | -1): void {
    if (grant.pages > LARGE) {
      this.changeRuns(grant, by);
      return;
    }
    for (let page = grant.page; page < grant.page + grant.pages; page++) {
      if (grant.access & Right.read) bump(this.readers, page, by);
      if (grant.access & Right.write) bump(this.writers, page, by);
    }
  }

  private changeRuns(grant: Grant, by: 1 | -1): void {
    if (by > 0) {
      this.runs.push(grant);
      return;
    }
    const at = this.runs.findIndex(
      (one) => one.page === grant.page && one.pages === grant.pages && one.iova === grant.iova,
    );
    if (at < 0) return;
    const [old] = this.runs.splice(at, 1);
    const left = old!.access & ~grant.access;
    if (left !== 0) this.runs.push({ ...old!, access: left });
  }

  rightsTo(page: number): number {
    let rights = 0;
    if (this.readers.has(page)) rights |= Right.read;
    if (this.writers.has(page)) rights |= Right.write;
    for (const run of this.runs) if (page >= run.page && page < run.page + run.pages) rights |= run.access;
    return rights;
  }
}

function bump(counts: Map<number, number>, page: number, by: 1 | -1): void {
  const count = (counts.get(page) ?? 0) + by;
  if (count <= 0) counts.delete(page);
  else counts.set(page, count);
}

export class Ownership {
  private readonly pages = new Map<number, PageState>();
  private readonly protectedRuns: { page: number; pages: number }[] = [];
  private readonly rights = new Map<string, DomainRights>();
  private readonly assigned = new Map<number, string[]>();
  private readonly formerDomains = new Map<number, Set<string>>();
  private readonly formerTables = new Set<number>();
  private readonly withdrawals = new Map<number, Withdrawal>();
  private readonly regions = new Set<string>();
  private readonly vacant = new Set<number>();
  private readonly virtual = new Set<number>();

  allocate(page: number, pages: number, owner: string): void {
    const state: PageState = { kind: "owned", owners: [owner] };
    for (let one = page; one < page + pages; one++) this.pages.set(one, state);
  }

  /** A further owner; a free page gets its first. */
  share(page: number, pages: number, owner: string): void {
    for (let one = page; one < page + pages; one++) {
      const state = this.stateOf(one);
      const owners = state.kind === "owned" ? state.owners.filter((each) => each !== owner) : [];
      this.pages.set(one, { kind: "owned", owners: [...owners, owner] });
    }
  }

  /** Free pages are nobody's, whatever was granted before. */
  free(page: number, pages: number): void {
    for (let one = page; one < page + pages; one++) this.pages.set(one, FREE);
  }

  freeTable(page: number): void {
    this.free(page, 1);
    this.formerTables.add(page);
  }

  /** True when the page held entries until it was freed. */
  wasTable(page: number): boolean {
    return this.formerTables.has(page);
  }

  /** True when the page was given back, and to nobody since. */
  isFreed(page: number): boolean {
    return this.pages.get(page)?.kind === "free";
  }

  allocateTable(page: number): void {
    this.pages.set(page, { kind: "table" });
  }

  protect(page: number, pages: number): void {
    this.protectedRuns.push({ page, pages });
  }

  stateOf(page: number): PageState {
    if (this.isProtected(page)) return { kind: "protected" };
    return this.pages.get(page) ?? FREE;
  }

  private isProtected(page: number): boolean {
    return this.protectedRuns.some((run) => page >= run.page && page < run.page + run.pages);
  }

  grant(grant: Grant): void {
    this.rightsOf(grant.domain).change(grant, 1);
  }

  withdraw(grant: Grant, action: number): void {
    this.rightsOf(grant.domain).change(grant, -1);
    const withdrawal: Withdrawal = { domain: grant.domain, action };
    // For the words of a report a handful of pages is enough.
    const last = grant.page + Math.min(grant.pages, LARGE);
    for (let page = grant.page; page < last; page++) this.withdrawals.set(page, withdrawal);
  }

  /** The last time a right to the page was withdrawn. */
  withdrawalOf(page: number): Withdrawal | undefined {
    return this.withdrawals.get(page);
  }

  /** Memory that firmware has a device use: a domain of that name, which owns it and has it at its own addresses. */
  reserve(region: Grant): void {
    if (this.isRegion(region.domain)) return;
    this.regions.add(region.domain);
    this.allocate(region.page, region.pages, region.domain);
    this.grant(region);
  }

  /** True for the name of a region that was reserved. */
  isRegion(domain: string): boolean {
    return this.regions.has(domain);
  }

  /** The region that the page belongs to; undefined for ordinary memory. */
  regionOf(page: number): string | undefined {
    const state = this.stateOf(page);
    return state.kind === "owned" ? state.owners.find((one) => this.regions.has(one)) : undefined;
  }

  /** The requester id has no function: whatever was under it is forgotten. */
  vacate(requester: number): void {
    this.assigned.delete(requester);
    this.formerDomains.delete(requester);
    this.vacant.add(requester);
  }

  /** True when nothing was assigned under the requester id since it had no function. */
  isVacant(requester: number): boolean {
    return this.vacant.has(requester);
  }

  markVirtual(requester: number): void {
    this.virtual.add(requester);
  }

  /** True for the requester id of a virtual function, or one that such a function could have. */
  isVirtual(requester: number): boolean {
    return this.virtual.has(requester);
  }

  assign(requester: number, domain: string): void {
    this.vacant.delete(requester);
    const domains = this.assigned.get(requester);
    if (domains) domains.push(domain);
    else this.assigned.set(requester, [domain]);
  }

  unassign(requester: number, domain: string): void {
    const domains = this.assigned.get(requester) ?? [];
    const at = domains.indexOf(domain);
    if (at < 0) return;
    domains.splice(at, 1);
    const former = this.formerDomains.get(requester);
    if (former) former.add(domain);
    else this.formerDomains.set(requester, new Set([domain]));
  }

  /** The domains a requester belongs to: two while it is switched from one to the other. */
  domainsOf(requester: number): readonly string[] {
    return this.assigned.get(requester) ?? [];
  }

  /** True when the requester belonged to the domain before. */
  belongedTo(requester: number, domain: string): boolean {
    return this.formerDomains.get(requester)?.has(domain) ?? false;
  }

  /** The domains that were granted a right to the page. */
  domainsWith(page: number): string[] {
    return [...this.rights].filter(([, rights]) => rights.rightsTo(page) !== 0).map(([domain]) => domain);
  }

  /** Rights that domains, by name, have to a page: none to one that is free or software's own, whatever was granted. */
  rightsIn(domains: readonly string[], page: number): number {
    const state = this.pages.get(page);
    if ((state !== undefined && state.kind !== "owned") || this.isProtected(page)) return 0;
    let rights = 0;
    for (const domain of domains) rights |= this.rights.get(domain)?.rightsTo(page) ?? 0;
    return rights;
  }

  /** The first page of a run to which the requester was not granted all of `access`; null when there is none. */
  firstUngranted(requester: number, page: number, pages: number, access: number): Ungranted | null {
    const domains = this.domainsOf(requester);
    for (let one = page; one < page + pages; one++) {
      const missing = access & ~this.rightsIn(domains, one);
      if (missing !== 0) return { page: one, access: missing };
    }
    return null;
  }

  private rightsOf(domain: string): DomainRights {
    let rights = this.rights.get(domain);
    if (!rights) {
      rights = new DomainRights();
      this.rights.set(domain, rights);
    }
    return rights;
  }
}
