/**
 * A protocol small enough to be written in every tool: software maps, unmaps, flushes and frees pages, devices make
 * requests, and a cache forgets what it holds of a domain only when a flush of it completes. The fault that is looked for:
 * software frees a page when its flush was submitted, and does not wait until it is complete.
 */

export const REQUESTERS = 2;
export const DOMAINS = 2;
/** Device addresses of each domain, and pages of memory. */
export const PAGES = 4;

export type Step =
  | { readonly do: "attach"; readonly requester: number; readonly domain: number }
  | { readonly do: "map"; readonly domain: number; readonly iova: number; readonly page: number }
  | { readonly do: "unmap"; readonly domain: number; readonly iova: number }
  /** A flush of what is cached of a domain gets under way. */
  | { readonly do: "submit"; readonly domain: number }
  /** Software waits until everything submitted is done. */
  | { readonly do: "complete" }
  | { readonly do: "free"; readonly page: number }
  | { readonly do: "request"; readonly requester: number; readonly iova: number };

/** What a page has been through since it was free. */
export const Stage = { free: 0, mapped: 1, unmapped: 2, submitted: 3, complete: 4 } as const;

/** When software frees a page: as it must, or too early. */
export type Freeing = "after-completion" | "after-submission";

const NONE = -1;

/** Software, the unit and its cache. */
export class Protocol {
  /** The domain of each requester. */
  readonly domainOf = new Int8Array(REQUESTERS).fill(NONE);
  /** The page that each address of each domain is mapped to. */
  readonly table = new Int8Array(DOMAINS * PAGES).fill(NONE);
  readonly stages = new Int8Array(PAGES);
  private readonly cache = new Int8Array(DOMAINS * PAGES).fill(NONE);
  /** The domain that each page was mapped in. */
  private readonly home = new Int8Array(PAGES);
  private readonly flushing = new Int8Array(DOMAINS);
  private readonly freeFrom: number;

  constructor(freeing: Freeing) {
    this.freeFrom = freeing === "after-completion" ? Stage.complete : Stage.submitted;
  }

  /** Forgets everything. */
  reset(): void {
    this.domainOf.fill(NONE);
    this.table.fill(NONE);
    this.stages.fill(Stage.free);
    this.cache.fill(NONE);
    this.flushing.fill(0);
  }

  /** Whether software does such a step now. */
  allows(step: Step): boolean {
    switch (step.do) {
      case "map":
        return this.table[step.domain * PAGES + step.iova] === NONE && this.stages[step.page] === Stage.free;
      case "unmap":
        return this.table[step.domain * PAGES + step.iova] !== NONE;
      case "free":
        return this.stages[step.page]! >= this.freeFrom;
      default:
        return true;
    }
  }

  /** Performs a step that is allowed; returns the free page that a request has reached, or null. */
  perform(step: Step): number | null {
    switch (step.do) {
      case "attach":
        this.domainOf[step.requester] = step.domain;
        return null;
      case "map":
        this.table[step.domain * PAGES + step.iova] = step.page;
        this.home[step.page] = step.domain;
        this.stages[step.page] = Stage.mapped;
        return null;
      case "unmap":
        this.stages[this.table[step.domain * PAGES + step.iova]!] = Stage.unmapped;
        this.table[step.domain * PAGES + step.iova] = NONE;
        return null;
      case "submit":
        this.flushing[step.domain] = 1;
        this.advance(step.domain, Stage.unmapped);
        return null;
      case "complete":
        for (let domain = 0; domain < DOMAINS; domain++)
          if (this.flushing[domain]) this.completeFlush(domain);
        return null;
      case "free":
        this.stages[step.page] = Stage.free;
        return null;
      case "request":
        return this.request(this.domainOf[step.requester]!, step.iova);
    }
  }

  /** The pages of a domain that are at a stage go on to the next. */
  private advance(domain: number, stage: number): void {
    for (let page = 0; page < PAGES; page++) {
      if (this.stages[page] === stage && this.home[page] === domain) this.stages[page] = stage + 1;
    }
  }

  private completeFlush(domain: number): void {
    this.flushing[domain] = 0;
    this.cache.fill(NONE, domain * PAGES, (domain + 1) * PAGES);
    this.advance(domain, Stage.submitted);
  }

  /** By the cache, or else by the table, which is then cached. */
  private request(domain: number, iova: number): number | null {
    if (domain === NONE) return null;
    const at = domain * PAGES + iova;
    if (this.cache[at] === NONE) this.cache[at] = this.table[at]!;
    const page = this.cache[at]!;
    return page !== NONE && this.stages[page] === Stage.free ? page : null;
  }
}

/** A request reached a page that is free. */
export interface Violation {
  /** Index of the step; where steps that software does not do are never begun, among the others. */
  readonly at: number;
  readonly page: number;
}

/** The first violation of a run from the start, or null; steps that software does not do are passed over. */
export function violationOf(protocol: Protocol, steps: readonly Step[]): Violation | null {
  protocol.reset();
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at]!;
    const page = protocol.allows(step) ? protocol.perform(step) : null;
    if (page !== null) return { at, page };
  }
  return null;
}

/**
 * Steps of the shortest violation. The last request is answered from the cache, as tables lead to no free page; only an
 * earlier request puts a page there (2), of an attached requester (1), to a mapped page (1). That page is free again only
 * when it was unmapped (1), its flush submitted (1), and it was freed (1).
 */
export const SHORTEST = 7;
