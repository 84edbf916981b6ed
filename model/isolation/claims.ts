/**
 * What software takes to work: mappings that it has declared usable, for requesters that it has declared attached. The
 * unit's view must equal it: every admissible outcome of a granted access is the page that software put there.
 */
import { type Grant, Right } from "./events.js";
import type { Answers, ExposureModel, Touched } from "./exposure.js";
import type { Ownership } from "./ownership.js";

/** A claim that does not hold. */
export interface ClaimFailure {
  readonly requester: number;
  readonly iova: number;
  readonly page: number;
  readonly access: number;
  /** What may happen instead, in words. */
  readonly got: string;
  readonly rules: readonly string[];
  /** Entries are not valid on this platform, whatever the caches hold. */
  readonly invalid: boolean;
}

/** A mapping that is in force. */
interface Claim {
  readonly iova: number;
  readonly page: number;
  readonly pages: number;
  access: number;
}

/** A part of a domain that is to be looked at again. */
interface Doubt {
  readonly requester: number;
  readonly domain: string;
  readonly iova: number;
  readonly pages: number;
}

/** Pages of a claim that are looked at: the first ones and the last. */
const LOOKED_AT = 4;

export class Claims {
  private readonly byDomain = new Map<string, Claim[]>();
  private readonly attached = new Map<number, string>();
  private doubts: Doubt[] = [];

  claim(grant: Grant): void {
    const claims = this.claimsOf(grant.domain);
    claims.push({ iova: grant.iova, page: grant.page, pages: grant.pages, access: grant.access });
    for (const [requester, domain] of this.attached) {
      if (domain === grant.domain) this.doubt(requester, domain, grant.iova, grant.pages);
    }
  }

  /** Takes rights away from the claims over these addresses. */
  withdraw(grant: Grant): void {
    const left = this.claimsOf(grant.domain).flatMap((claim) => without(claim, grant));
    this.byDomain.set(grant.domain, left);
  }

  attach(requester: number, domain: string): void {
    this.attached.set(requester, domain);
    this.doubt(requester, domain, 0, Number.POSITIVE_INFINITY);
  }

  detach(requester: number, domain: string): void {
    if (this.attached.get(requester) === domain) this.attached.delete(requester);
  }

  /** Translations were changed: the claims on them are to be looked at again. */
  touch(touched: readonly Touched[], ownership: Ownership): void {
    for (const { requester, iova, pages } of touched) {
      for (const domain of ownership.domainsOf(requester)) this.doubt(requester, domain, iova, pages);
    }
  }

  private doubt(requester: number, domain: string, iova: number, pages: number): void {
    this.doubts.push({ requester, domain, iova, pages });
  }

  /** The first claim in doubt that does not hold; none is in doubt afterwards. */
  check(model: ExposureModel): ClaimFailure | null {
    if (this.doubts.length === 0) return null;
    const { doubts } = this;
    this.doubts = [];
    for (const doubt of doubts) {
      if (this.attached.get(doubt.requester) !== doubt.domain) continue;
      for (const claim of this.claimsOf(doubt.domain)) {
        if (claim.iova >= doubt.iova + doubt.pages || doubt.iova >= claim.iova + claim.pages) continue;
        const failure = failureOf(model, doubt.requester, claim, doubt);
        if (failure) return failure;
      }
    }
    return null;
  }

  private claimsOf(domain: string): Claim[] {
    let claims = this.byDomain.get(domain);
    if (!claims) {
      claims = [];
      this.byDomain.set(domain, claims);
    }
    return claims;
  }
}

/** What is left of a claim when rights to a run of addresses are withdrawn. */
function without(claim: Claim, gone: Grant): Claim[] {
  const first = Math.max(claim.iova, gone.iova);
  const last = Math.min(claim.iova + claim.pages, gone.iova + gone.pages);
  // Another page at the same address is another mapping.
  if (first >= last || claim.page - claim.iova !== gone.page - gone.iova) return [claim];
  const part = (from: number, to: number, access: number): Claim[] =>
    from < to && access !== 0
      ? [{ iova: from, page: claim.page + (from - claim.iova), pages: to - from, access }]
      : [];
  return [
    ...part(claim.iova, first, claim.access),
    ...part(first, last, claim.access & ~gone.access),
    ...part(last, claim.iova + claim.pages, claim.access),
  ];
}

function failureOf(model: ExposureModel, requester: number, claim: Claim, doubt: Doubt): ClaimFailure | null {
  const first = Math.max(claim.iova, doubt.iova);
  const last = Math.min(claim.iova + claim.pages, doubt.iova + doubt.pages) - 1;
  const ahead = Math.min(LOOKED_AT, last - first + 1);
  for (let at = 0; at < ahead; at++) {
    const failure = failureAt(model, requester, claim, first + at);
    if (failure) return failure;
  }
  return last >= first + ahead ? failureAt(model, requester, claim, last) : null;
}

function failureAt(model: ExposureModel, requester: number, claim: Claim, iova: number): ClaimFailure | null {
  const page = claim.page + (iova - claim.iova);
  for (const access of [Right.read, Right.write]) {
    if ((claim.access & access) === 0) continue;
    const answers = model.answers(requester, iova, access === Right.write ? "write" : "read");
    if (answers.faults.length === 0 && answers.pages.every((one) => one === page)) continue;
    return { requester, iova, page, access, ...whatInstead(answers, page) };
  }
  return null;
}

function whatInstead(
  { pages, faults, invalid }: Answers,
  page: number,
): Pick<ClaimFailure, "got" | "rules" | "invalid"> {
  const elsewhere = pages.filter((one) => one !== page);
  const outcomes = [
    ...elsewhere.map((one) => `reach page 0x${one.toString(16)}000`),
    ...faults.map((rule) => `be blocked by ${rule}`),
  ];
  const got = `it may ${outcomes.join(" or ")}`;
  return { got, rules: faults, invalid };
}
