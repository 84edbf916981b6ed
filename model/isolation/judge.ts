/**
 * Judges software: after every action and every event, what requests could reach must have been granted. Vendor-neutral;
 * what can be reached is the business of an architecture's {@link ExposureModel}.
 */
import type { Finding } from "../finding.js";
import type { Action, Observation } from "../trace.js";
import { showAddress, showRequester } from "../words/address.js";
import { type ClaimFailure, Claims } from "./claims.js";
import { classify } from "./classify.js";
import { type Grant, type OwnershipEvent, Right, type TraceRecord } from "./events.js";
import type { ExposureModel, GrantCheck, Reach } from "./exposure.js";
import { Ownership, type Ungranted } from "./ownership.js";
import { describeWitness, evidenceOf, rulesOf } from "./witness.js";

/** A request that a device was told to make while it belonged to other domains than now. */
interface Programmed {
  readonly requester: number;
  readonly iova: number;
  readonly access: number;
  readonly domains: readonly string[];
  readonly action: number;
}

const REGISTER_ACTIONS: ReadonlySet<Action["do"]> = new Set([
  "write-register",
  "read-register",
  "poll-register",
]);

export class IsolationJudge {
  readonly ownership = new Ownership();
  private readonly claims = new Claims();
  /** Reserved regions have to work at every moment, whatever else is under way. */
  private readonly reserved = new Claims();
  /** Memory that is owed to be out of reach although translation is off. */
  private readonly guarded: { readonly page: number; readonly pages: number }[] = [];
  private programmed: Programmed[] = [];
  private updating = 0;
  private ready = false;
  private action = -1;
  private readonly granted: GrantCheck = (requester, page, pages, access) =>
    this.owes(requester)
      ? this.ownership.firstUngranted(requester, page, pages, access)
      : this.firstGuarded(page, pages, access);

  constructor(readonly model: ExposureModel) {}

  /** Index of the last action taken; -1 before the first. */
  get lastAction(): number {
    return this.action;
  }

  /** Isolation is owed: software has seen translation enabled, or takes it that it is. */
  get isolating(): boolean {
    return this.ready || this.model.protecting;
  }

  /** Isolation is owed of a requester: its unit was seen enabled, or software takes it that all are. */
  private owes(requester: number): boolean {
    return this.ready || this.isEnabledFor(requester);
  }

  private isEnabledFor(requester: number): boolean {
    const { model } = this;
    return model.protects ? model.protects(requester) : model.protecting;
  }

  private firstGuarded(page: number, pages: number, access: number): Ungranted | null {
    for (const run of this.guarded) {
      const first = Math.max(page, run.page);
      if (first < Math.min(page + pages, run.page + run.pages)) return { page: first, access };
    }
    return null;
  }

  /** Takes one entry of the record of a run; returns what is wrong from then on, or null. */
  take(record: TraceRecord): Finding | null {
    if ("event" in record) return this.hear(record);
    return this.perform(record.action, record.seen);
  }

  /** An action was performed, and showed `seen`. */
  perform(action: Action, seen: Observation): Finding | null {
    this.action++;
    const { model } = this;
    const protectedBefore = this.isolating;
    const inadmissible = model.perform(action, seen, this.action);
    if (inadmissible) return inadmissible;
    const reach = model.addedReach(this.granted);
    this.claims.touch(model.touched);
    this.reserved.touch(model.touched);
    if (reach) return this.exposed(reach);
    const lost = this.checkReserved() ?? (this.ready ? null : this.unguarded(action));
    if (lost || !this.isolating) return lost;
    const table = this.foreignTable();
    if (table) return table;
    if (!protectedBefore) return this.checkAll();
    const misused = model.touched.length > 0 ? this.provenance() : null;
    if (misused) return misused;
    return this.updating === 0 ? this.checkClaims() : null;
  }

  /** Software says something about its memory. */
  hear(event: OwnershipEvent): Finding | null {
    const { ownership, model } = this;
    switch (event.event) {
      case "allocate":
        ownership.allocate(event.page, event.pages, event.owner);
        return null;
      case "share":
        ownership.share(event.page, event.pages, event.owner);
        return null;
      case "free":
        ownership.free(event.page, event.pages);
        return this.checkPages(event.page, event.pages, Right.both);
      case "allocate-table":
        ownership.allocateTable(event.page);
        return null;
      case "free-table":
        ownership.freeTable(event.page);
        return this.owed(() => model.tableReach(event.page));
      case "protect":
        ownership.protect(event.page, event.pages);
        return this.checkPages(event.page, event.pages, Right.both);
      case "grant":
        return this.grant(event);
      case "withdraw":
        ownership.withdraw(event, this.action);
        this.claims.withdraw(event);
        return this.checkPages(event.page, event.pages, event.access);
      case "retire":
        this.claims.withdraw(event);
        return null;
      case "leave":
        this.claims.detach(event.requester, event.domain);
        this.reserved.detach(event.requester, event.domain);
        return null;
      case "usable":
        this.claims.claim(event);
        return this.updating === 0 ? this.checkClaims() : null;
      case "assign":
        ownership.assign(event.requester, event.domain);
        return this.provenance();
      case "attached":
        this.claims.attach(event.requester, event.domain);
        return this.updating === 0 ? this.checkClaims() : null;
      case "unassign":
        ownership.unassign(event.requester, event.domain);
        this.claims.detach(event.requester, event.domain);
        return this.owed(() => model.reachOf(event.requester, this.granted)) ?? this.provenance();
      case "reserve":
        return this.reserve(event);
      case "guard":
        this.guarded.push({ page: event.page, pages: event.pages });
        return this.reached(() => model.reachTo(event.page, event.pages, Right.both, this.granted));
      case "vacate":
        return this.vacate(event.requester);
      case "virtual":
        ownership.markVirtual(event.requester);
        return null;
      case "ready":
        this.ready = true;
        return this.checkAll();
      case "program":
        this.program(event.requester, event.iova, event.access);
        return null;
      case "reset-device":
        this.programmed = this.programmed.filter((one) => one.requester !== event.requester);
        return null;
      case "update":
        this.updating += event.begins ? 1 : -1;
        return this.updating === 0 ? this.checkClaims() : null;
    }
  }

  private reserve(event: Extract<OwnershipEvent, { event: "reserve" }>): Finding | null {
    const { requester, region: domain, page, pages, access } = event;
    const region: Grant = { domain, iova: page as number, page, pages, access };
    if (!this.ownership.isRegion(domain)) this.reserved.claim(region);
    this.ownership.reserve(region);
    this.ownership.assign(requester, domain);
    this.reserved.attach(requester, domain);
    return this.checkReserved();
  }

  private vacate(requester: number): Finding | null {
    for (const domain of this.ownership.domainsOf(requester)) {
      this.claims.detach(requester, domain);
      this.reserved.detach(requester, domain);
    }
    this.ownership.vacate(requester);
    return this.reached(() => this.model.reachOf(requester, this.granted));
  }

  /** What registers were told, or seen to say, may have uncovered guarded memory. */
  private unguarded(action: Action): Finding | null {
    if (this.guarded.length === 0 || !REGISTER_ACTIONS.has(action.do)) return null;
    const { model, granted } = this;
    for (const { page, pages } of this.guarded) {
      const found = this.reached(() => model.reachTo(page, pages, Right.both, granted));
      if (found) return found;
    }
    return null;
  }

  private grant(grant: Grant): Finding | null {
    this.ownership.grant(grant);
    for (let page = grant.page; page < grant.page + Math.min(grant.pages, 512); page++) {
      const state = this.ownership.stateOf(page);
      if (state.kind === "table" || state.kind === "protected") {
        const message = `domain ${grant.domain} was granted page ${showAddress(page)}, which is software's own`;
        return { kind: "own-memory", action: this.action, rules: [], message, witness: [] };
      }
    }
    return null;
  }

  private program(requester: number, iova: number, access: number): void {
    const domains = [...this.ownership.domainsOf(requester)];
    this.programmed.push({ requester, iova, access, domains, action: this.action });
  }

  /** The unit was made to read entries from a page that somebody else may write to, or get. */
  private foreignTable(): Finding | null {
    const { model, ownership } = this;
    for (const page of model.linked) {
      if (ownership.stateOf(page).kind !== "owned" && !ownership.isFreed(page)) continue;
      const reach = model.tableReach(page);
      if (reach) return this.exposed(reach);
    }
    return null;
  }

  /** Isolation is owed from now on: everything that was set up before is looked at. */
  private checkAll(): Finding | null {
    for (const requester of this.model.requesters) {
      const reach = this.model.reachOf(requester, this.granted);
      if (reach) return this.exposed(reach);
    }
    return this.foreignTable() ?? this.provenance() ?? this.checkClaims();
  }

  private checkPages(page: number, pages: number, access: number): Finding | null {
    return this.owed(() => this.model.reachTo(page, pages, access, this.granted));
  }

  private owed(search: () => Reach | null): Finding | null {
    return this.isolating ? this.reached(search) : null;
  }

  private reached(search: () => Reach | null): Finding | null {
    const reach = search();
    return reach && this.exposed(reach);
  }

  private exposed(reach: Reach): Finding {
    const witness = this.model.witness(reach);
    const { kind, because } = classify(reach, witness, this.ownership, {
      updating: this.updating > 0,
      untranslated: this.model.protects !== undefined && !this.isEnabledFor(reach.requester),
    });
    return {
      kind,
      action: this.action,
      rules: rulesOf(witness),
      message: `${describeReach(reach)}, ${because}`,
      witness: describeWitness(witness),
      evidence: evidenceOf(witness),
    };
  }

  /** A request that a former owner had the device told to make may not reach what that owner was not granted. */
  private provenance(): Finding | null {
    if (!this.isolating) return null;
    for (const one of this.programmed) {
      for (const right of [Right.read, Right.write]) {
        if ((one.access & right) === 0) continue;
        const { pages } = this.model.answers(
          one.requester,
          one.iova,
          right === Right.write ? "write" : "read",
        );
        const page = pages.find((each) => (this.ownership.rightsIn(one.domains, each) & right) === 0);
        if (page !== undefined) return this.misused(one, page, right);
      }
    }
    return null;
  }

  private misused(one: Programmed, page: number, right: number): Finding {
    const asked = right === Right.write ? "write" : "read";
    const owners = one.domains.length === 0 ? "nobody" : one.domains.join(" and ");
    const message =
      `the ${asked} of ${showAddress(one.iova)} that ${showRequester(one.requester)} was told to make by action ` +
      `${one.action}, while it belonged to ${owners}, can reach page ${showAddress(page)}, which ${owners} was not granted`;
    const witness = ["the device was not reset since, so what it was told to do is still to come"];
    return { kind: "provenance", action: this.action, rules: [], message, witness };
  }

  private checkClaims(): Finding | null {
    if (!this.isolating) return null;
    const failure = this.claims.check(this.model);
    return failure && this.unserved(failure);
  }

  private checkReserved(): Finding | null {
    const failure = this.reserved.check(this.model);
    return failure && { ...this.unserved(failure), kind: "reserved" };
  }

  private unserved({ requester, iova, page, access, got, rules, invalid }: ClaimFailure): Finding {
    const asked = access === Right.write ? "write" : "read";
    const message =
      `a ${asked} of ${showAddress(iova)} by ${showRequester(requester)} should reach page ${showAddress(page)}, ` +
      `but ${got}`;
    const kind = invalid ? "invalid-tables" : "unserved";
    return { kind, action: this.action, rules, message, witness: [] };
  }
}

function describeReach({ requester, iova, page, access, way }: Reach): string {
  const who = showRequester(requester);
  if (way === "table")
    return `the unit can read entries from page ${showAddress(page)} for a request of ${who} at ${showAddress(iova)}`;
  const verb = access === Right.write ? "write to" : "read";
  const still = way === "posted-write" ? "a posted write of " : "";
  return `${still}${who} can ${verb} page ${showAddress(page)} through ${showAddress(iova)}`;
}
