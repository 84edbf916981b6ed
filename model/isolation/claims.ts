/**
 * What software takes to work: mappings that it has declared usable, for requesters that it has declared attached. The
 * unit's view must equal it: every admissible outcome of a granted access is the page that software put there.
 */
import { type Claim, ClaimedRuns } from "./claimed-runs.js";
import { type Grant, Right } from "./events.js";
import type { Answers, ExposureModel, Touched } from "./exposure.js";

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

/** A part of a domain that is to be looked at again. */
interface Doubt {
  readonly requester: number;
  readonly domain: string;
  readonly iova: number;
  readonly pages: number;
}

/** Pages of a claim that are looked at: the first ones and the last. */
const LOOKED_AT = 4;
/** Requester ids have 16 bits. */
const REQUESTERS = 0x10000;

export class Claims {
  private readonly byDomain = new Map<string, ClaimedRuns>();
  private readonly attached = new Map<number, Set<string>>();
  private doubts: Doubt[] = [];

  claim(grant: Grant): void {
    const { iova, page, pages, access } = grant;
    this.claimsOf(grant.domain).add({ iova, page, pages, access });
    for (const [requester, domains] of this.attached) {
      if (domains.has(grant.domain)) this.doubt(requester, grant.domain, grant.iova, grant.pages);
    }
  }

  /** Takes rights away from the claims over these addresses. */
  withdraw(grant: Grant): void {
    this.claimsOf(grant.domain).replace(grant.iova, grant.pages, (claim) => without(claim, grant));
  }

  /** The requester works with the domain's mappings, beside those of other domains that it has. */
  attach(requester: number, domain: string): void {
    const domains = this.attached.get(requester);
    if (domains) domains.add(domain);
    else this.attached.set(requester, new Set([domain]));
    this.doubt(requester, domain, 0, Number.POSITIVE_INFINITY);
  }

  detach(requester: number, domain: string): void {
    this.attached.get(requester)?.delete(domain);
  }

  /** Translations were changed: the claims on them are to be looked at again. */
  touch(touched: readonly Touched[]): void {
    for (const { requester, iova, pages } of touched) {
      for (const domain of this.attached.get(requester) ?? []) this.doubt(requester, domain, iova, pages);
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
    const looked = new Map<Claim, Set<number>>();
    for (const doubt of doubts) {
      if (!this.attached.get(doubt.requester)?.has(doubt.domain)) continue;
      for (const claim of this.claimsOf(doubt.domain).over(doubt.iova, doubt.pages)) {
        const failure = failureOf(model, doubt.requester, claim, doubt, looked);
        if (failure) return failure;
      }
    }
    return null;
  }

  private claimsOf(domain: string): ClaimedRuns {
    let claims = this.byDomain.get(domain);
    if (!claims) {
      claims = new ClaimedRuns();
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

/** @param looked what was looked at already: by claim, the offsets of pages with the requester */
function failureOf(
  model: ExposureModel,
  requester: number,
  claim: Claim,
  doubt: Doubt,
  looked: Map<Claim, Set<number>>,
): ClaimFailure | null {
  let pages = looked.get(claim);
  if (!pages) {
    pages = new Set();
    looked.set(claim, pages);
  }
  const first = Math.max(claim.iova, doubt.iova);
  const last = Math.min(claim.iova + claim.pages, doubt.iova + doubt.pages) - 1;
  for (let iova = first; iova <= last; iova++) {
    if (iova - first >= LOOKED_AT) iova = last;
    const key = (iova - claim.iova) * REQUESTERS + requester;
    if (pages.has(key)) continue;
    pages.add(key);
    const failure = failureAt(model, requester, claim, iova);
    if (failure) return failure;
  }
  return null;
}

function failureAt(model: ExposureModel, requester: number, claim: Claim, iova: number): ClaimFailure | null {
  const page = claim.page + (iova - claim.iova);
  const holds = (answers: Answers) =>
    answers.faults.length === 0 && answers.pages.every((one) => one === page);
  // An AtomicOp needs both rights, on every way that the others may take.
  if (claim.access === Right.both && holds(model.answers(requester, iova, "atomic"))) return null;
  for (const access of [Right.read, Right.write]) {
    if ((claim.access & access) === 0) continue;
    const answers = model.answers(requester, iova, access === Right.write ? "write" : "read");
    if (!holds(answers)) return { requester, iova, page, access, ...whatInstead(answers, page) };
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
