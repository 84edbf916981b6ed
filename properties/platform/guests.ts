/** Compares what a guest's processors see of memory with what its devices do (double translation). */

import type { FindingKind } from "../../model/finding.js";
import { guestTablesOf } from "../../model/guest/guest-tables.js";
import { type Grant, Right } from "../../model/isolation/events.js";
import type { ArchitectureId } from "../../model/profile.js";
import { showAddress, showRequester } from "../../model/words/address.js";
import type { PlatformHouse } from "./house.js";
import type { PlatformModel } from "./model.js";

/** Pages of a mapping that are looked at: the first ones and the last. */
const LOOKED_AT = 2;

export class GuestViews {
  private readonly roots = new Map<string, number>();
  /** Addresses that were ever mapped, by domain. */
  private readonly addresses = new Map<string, Set<number>>();

  constructor(
    private readonly architecture: ArchitectureId,
    private readonly model: PlatformModel,
    private readonly found: (kind: FindingKind, message: string) => void,
  ) {}

  /** The tables of a domain's guest begin in that page. */
  begin(domain: string, page: number): void {
    this.roots.set(domain, page);
  }

  /** There are no guests any more. */
  forget(): void {
    this.roots.clear();
    this.addresses.clear();
  }

  /** Looks at every address that was ever mapped: processors and devices have to find what the house's book says. */
  compare(house: PlatformHouse): void {
    const grants = [...house.mappings.values()];
    for (const grant of grants) for (const iova of lookedAt(grant)) this.addressesOf(grant.domain).add(iova);
    for (const [domain, addresses] of this.addresses) {
      const own = grants.filter((one) => one.domain === domain);
      for (const iova of addresses) {
        const grant = own.find((one) => iova >= one.iova && iova < one.iova + one.pages);
        this.compareProcessor(domain, iova, grant);
        if (!grant)
          for (const requester of house.requestersIn(domain)) this.compareDevice(domain, iova, requester);
      }
    }
  }

  private addressesOf(domain: string): Set<number> {
    let addresses = this.addresses.get(domain);
    if (!addresses) {
      addresses = new Set();
      this.addresses.set(domain, addresses);
    }
    return addresses;
  }

  private compareProcessor(domain: string, iova: number, grant: Grant | undefined): void {
    const root = this.roots.get(domain);
    const seen =
      root === undefined ? null : guestTablesOf(this.architecture).walk(this.model.memory, root, iova);
    const where = `at ${showAddress(iova)} the processors of ${domain}`;
    const page = grant && grant.page + (iova - grant.iova);
    if (seen?.page === page && (seen?.access ?? 0) === (grant?.access ?? 0)) return;
    const found = seen ? `${RIGHT_WORDS[seen.access]} page ${showAddress(seen.page)}` : "find nothing";
    const expected = grant
      ? `its devices ${RIGHT_WORDS[grant.access]} page ${showAddress(page!)}`
      : "nothing is mapped for its devices";
    this.found("disagreement", `${where} ${found}, but ${expected}`);
  }

  /** Nothing is mapped there: what a device reaches is what its guest's processors do not see. */
  private compareDevice(domain: string, iova: number, requester: number): void {
    const { pages } = this.model.answers(requester, iova, "read");
    const [page] = pages;
    if (page === undefined) return;
    const who = `${showRequester(requester)} of ${domain} reaches page ${showAddress(page)}`;
    this.found("disagreement", `at ${showAddress(iova)} ${who}, but its processors find nothing`);
  }
}

const RIGHT_WORDS: Readonly<Record<number, string>> = {
  [Right.read]: "may read",
  [Right.write]: "may write to",
  [Right.both]: "may read and write to",
};

function lookedAt({ iova, pages }: Grant): number[] {
  const first = Array.from({ length: Math.min(pages, LOOKED_AT) }, (_, index) => iova + index);
  return [...first, iova + pages - 1];
}
