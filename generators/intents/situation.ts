/**
 * What the intents of a scenario have set up so far: who uses which page, what is mapped where, which device is
 * attached to what. It tells which intents make sense, and what the next one could be about.
 */
import type { Chance } from "../../model/words/chance.js";
import { overlap } from "./clash.js";
import type { Intent } from "./scenario.js";

type MapIntent = Extract<Intent, { do: "map" }>;

/** Pages of one mapping that are mapped still, without a gap. */
export interface Run {
  readonly mapping: string;
  readonly domain: string;
  /** Its first page, counted from the first of the mapping. */
  readonly offset: number;
  readonly iova: number;
  readonly page: number;
  readonly pages: number;
}

/** A request that was made: what caches may hold entries of. */
export interface Use {
  readonly device: string;
  readonly iova: number;
}

/** Runs and requests that count as recent. */
const RECENT = 3;

export class Situation {
  readonly live: Run[] = [];
  private readonly former: Run[] = [];
  /** Removed in deferred mode and not synchronised since: their pages are nobody else's yet. */
  private readonly unsettled: Run[] = [];
  private readonly uses: Use[] = [];
  private readonly attached = new Map<string, string>();
  /** Domains that something was attached to or mapped in since they were last destroyed. */
  private readonly existing = new Set<string>();

  constructor(
    private readonly chance: Chance,
    private readonly deferred: boolean,
  ) {}

  /** Takes down what an intent does. */
  apply(intent: Intent): void {
    if (intent.do === "map") this.map(intent);
    else if (intent.do === "unmap") this.unmap(intent.mapping, intent.offset, intent.pages);
    else if (intent.do === "attach") this.attach(intent.device, intent.domain);
    else if (intent.do === "detach") this.attached.delete(intent.device);
    else if (intent.do === "destroy") this.existing.delete(intent.domain);
    else if (intent.do === "sync") this.unsettled.length = 0;
  }

  private map({ mapping, domain, iova, page, pages }: MapIntent): void {
    this.existing.add(domain);
    this.live.push({ mapping, domain, offset: 0, iova, page, pages });
  }

  private attach(device: string, domain: string): void {
    this.existing.add(domain);
    this.attached.set(device, domain);
  }

  private unmap(mapping: string, offset: number, pages: number): void {
    const { live } = this;
    const at = live.findIndex(
      (one) => one.mapping === mapping && overlap(one.offset, one.pages, offset, pages),
    );
    if (at < 0) return;
    const run = live[at]!;
    const before = offset - run.offset;
    const after = run.pages - before - pages;
    const gone = part(run, before, pages);
    live.splice(at, 1);
    if (before > 0) live.push(part(run, 0, before));
    if (after > 0) live.push(part(run, before + pages, after));
    this.former.push(gone);
    if (this.deferred) this.unsettled.push(gone);
  }

  /** Nothing is mapped at these addresses of the domain. */
  isVacant(domain: string, iova: number, pages: number): boolean {
    for (const one of this.live)
      if (one.domain === domain && overlap(one.iova, one.pages, iova, pages)) return false;
    return true;
  }

  /** No other domain uses any of these pages. */
  isFor(domain: string, page: number, pages: number): boolean {
    return !isTaken(this.live, domain, page, pages) && !isTaken(this.unsettled, domain, page, pages);
  }

  used(use: Use): void {
    this.uses.push(use);
  }

  recentUse(): Use | undefined {
    return this.recent(this.uses);
  }

  domainOf(device: string): string | undefined {
    return this.attached.get(device);
  }

  /** A device that is attached to the domain, if one is. */
  deviceOf(domain: string): string | undefined {
    for (const [device, its] of this.attached) if (its === domain) return device;
    return undefined;
  }

  /** The domain of some attached device. */
  attachedDomain(): string | undefined {
    if (this.attached.size === 0) return undefined;
    let skipped = this.chance.below(this.attached.size);
    for (const domain of this.attached.values()) if (skipped-- === 0) return domain;
    return undefined;
  }

  exists(domain: string): boolean {
    return this.existing.has(domain);
  }

  /** A domain that exists and that nothing is mapped in or attached to may be destroyed. */
  isEmpty(domain: string): boolean {
    return (
      this.existing.has(domain) &&
      this.deviceOf(domain) === undefined &&
      !this.live.some((one) => one.domain === domain)
    );
  }

  anyLive(): Run | undefined {
    return this.live.length === 0 ? undefined : this.live[this.chance.below(this.live.length)];
  }

  /** What was mapped, or removed, a short while ago. */
  recentRun(): Run | undefined {
    const former = this.former.length > 0 && this.chance.happens(128);
    return this.recent(former ? this.former : this.live);
  }

  /** What was removed a short while ago. */
  recentFormer(): Run | undefined {
    return this.recent(this.former);
  }

  private recent<T>(list: readonly T[]): T | undefined {
    if (list.length === 0) return undefined;
    return list[list.length - 1 - this.chance.below(Math.min(list.length, RECENT))];
  }
}

/** One of the runs is of these pages and of another domain. */
function isTaken(runs: readonly Run[], domain: string, page: number, pages: number): boolean {
  for (const one of runs) if (one.domain !== domain && overlap(one.page, one.pages, page, pages)) return true;
  return false;
}

/** Some pages of a run. */
function part(run: Run, first: number, pages: number): Run {
  return {
    mapping: run.mapping,
    domain: run.domain,
    offset: run.offset + first,
    iova: run.iova + first,
    page: run.page + first,
    pages,
  };
}
