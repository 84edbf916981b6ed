/** What a unit has been made to do: which requester id has which domain, and which domains it has heard of. */
import type { ReservedRegion } from "../../../model/pci/platform.js";
import type { HostPage, RequesterId } from "../../../model/words/address.js";
import type { DriverMapping, Routine } from "../interface.js";
import { identityOf, type Survey } from "./survey.js";
import type { UnitDriver } from "./unit.js";

/** The driver of a unit settles what it does before it goes on, so nobody asks for its tickets. */
export const NO_TICKET = 0;

/** Domains that requester ids of a unit are to have, and what is mapped in them. */
export interface Wanted {
  readonly domains: ReadonlyMap<RequesterId, string>;
  mappingsOf(domain: string): readonly DriverMapping[];
}

export class UnitBook {
  private readonly attached = new Map<RequesterId, string>();
  private readonly domains = new Set<string>();

  constructor(
    readonly registers: HostPage,
    readonly driver: UnitDriver,
  ) {}

  /** Has heard of the domain: what is mapped in it has to be mapped here too. */
  knows(domain: string): boolean {
    return this.domains.has(domain);
  }

  /** Takes back what requester ids should not have any more, all of it, and then gives them what they should have. */
  *bringAbout(wanted: Wanted): Routine {
    const { attached, driver } = this;
    const leaving = [...attached.keys()].filter((id) => attached.get(id) !== wanted.domains.get(id));
    if (leaving.length > 0) yield* driver.intents.detach({ name: "", requesters: leaving }, NO_TICKET);
    for (const id of leaving) attached.delete(id);
    const joining = new Map<string, RequesterId[]>();
    for (const [id, domain] of wanted.domains) {
      if (attached.has(id)) continue;
      joining.set(domain, [...(joining.get(domain) ?? []), id]);
      attached.set(id, domain);
    }
    for (const [domain, requesters] of joining) {
      yield* this.introduce(domain, wanted);
      yield* driver.intents.attach({ name: "", requesters }, domain, NO_TICKET);
    }
  }

  /** A domain is filled before a device has it. */
  private *introduce(domain: string, wanted: Wanted): Routine {
    if (this.domains.has(domain)) return;
    this.domains.add(domain);
    for (const mapping of wanted.mappingsOf(domain))
      yield* this.driver.intents.map(domain, mapping, NO_TICKET);
  }

  /** Requester ids are not kept account of any more; what they have stays. */
  forget(requesters: readonly RequesterId[]): void {
    for (const id of requesters) this.attached.delete(id);
  }
}

/** The domains of reserved regions, one for each set of regions that some requester id has to reach. */
export class ReservedDomains {
  private readonly mappings = new Map<string, readonly DriverMapping[]>();

  /** The domain of each requester id of a unit that has to reach regions. */
  of(survey: Survey, unit: HostPage): Map<RequesterId, string> {
    const domains = new Map<RequesterId, string>();
    for (const [id, regions] of survey.reservedOf(unit)) domains.set(id, this.domainOf(regions));
    return domains;
  }

  mappingsOf(domain: string): readonly DriverMapping[] | undefined {
    return this.mappings.get(domain);
  }

  private domainOf(regions: readonly ReservedRegion[]): string {
    const mappings = identityOf(regions);
    const name = `reserved ${mappings.map(({ page, pages, access }) => `${page}+${pages}:${access}`).join()}`;
    this.mappings.set(name, mappings);
    return name;
  }
}
