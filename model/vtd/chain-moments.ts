/**
 * When the entries of a chain can have been read (VT-d 6.2): each since the fence of the cache that kept it, as of the
 * moment the entry below it was read. Taking the earliest moment each time is complete, because fences only grow.
 */
import { OPEN } from "../words/memory.js";
import { Cache, type CacheTags, type Fence, type InvalidationLog, NO_PAGE_SIZE } from "./invalidation-log.js";
import { Link, type WindowReader } from "./window-reader.js";

/** The windows of the links of a chain, or of its part down to the context entry, and the tags of its entries. */
export interface Chain {
  readonly since: ArrayLike<number>;
  readonly until: ArrayLike<number>;
  /** Steps from which on flushing the write buffer ends the windows (6.8). */
  readonly buffered: ArrayLike<number>;
  /** Levels of the second-stage links. */
  readonly level: ArrayLike<number>;
  /** The function whose root and context entry the chain begins with. */
  readonly sourceId: number;
  /** Zero for a context entry that faults (6.1). */
  readonly domainId: number;
}

/** A chain with what read it: the entry of a pass-through result is the link behind the last one that was read. */
interface WalkedChain extends Chain {
  readonly reader: { readonly length: number };
}

/** The chain a reader has just read, with the tags that the walk found. */
export class ReadChain implements Chain {
  readonly since: ArrayLike<number>;
  readonly until: ArrayLike<number>;
  readonly buffered: ArrayLike<number>;
  readonly level: ArrayLike<number>;
  sourceId = 0;
  domainId = 0;

  constructor(readonly reader: WindowReader) {
    this.since = reader.since;
    this.until = reader.until;
    this.buffered = reader.buffered;
    this.level = reader.level;
  }
}

/** A chain that ends with a context entry that passed its checks: what requests and fills use a domain id with. */
export interface ContextWindow extends Chain {
  /** First page that its address width does not reach; 0 when it does not walk tables (pass-through). */
  readonly walkLimit: number;
  readonly faultProcessingDisabled: boolean;
}

export const NOTHING_KNOWN: readonly number[] = [];
/** Fences are asked for one link after the other, so a handful of result objects serves every request. */
const LINKS = 10;

/** No entry was read before it, or one above it, held its value. */
export function latestSince(chain: Pick<Chain, "since">, link: number): number {
  let latest = 0;
  for (let index = Link.rootPointer; index <= link; index++) latest = Math.max(latest, chain.since[index]!);
  return latest;
}

/**
 * True when a walk at moment `at` may find the value of a link in memory, given that an invalidation submitted at step
 * `fence` was executed before: it has flushed the write buffer first (6.8).
 */
export function isReadable(chain: Chain, link: number, at: number, fence: number): boolean {
  return at < chain.until[link]! && fence < chain.buffered[link]!;
}

export class ChainMoments {
  private readonly tags: CacheTags = { sourceId: 0, domainId: 0, page: 0, level: 0 };
  private readonly fences: Fence[] = Array.from({ length: LINKS }, () => ({ step: 0, done: [] }));
  private now = 0;
  private page = 0;
  private known = NOTHING_KNOWN;
  /** What was in the write buffer at this step is known to have left it by step {@link now}. */
  private flushed = 0;

  /** @param contexts every context entry that some function of the platform may use */
  constructor(
    private readonly log: InvalidationLog,
    private readonly contexts: () => readonly ContextWindow[],
  ) {}

  /** Prepares for a request for `page` at step `now`, by when the invalidations `known` are known to be done. */
  begin(now: number, page: number, known: readonly number[]): void {
    this.now = now;
    this.page = page;
    this.known = known;
    this.flushed = this.log.flushedBy(known);
  }

  /** True when the entry `link` can be in use at moment `at`, given the invalidations `known` to be done by then. */
  inUse(chain: Chain, link: number, at: number, known: readonly number[]): boolean {
    if (at === this.now && this.allReadableNow(chain, link)) return true;
    let below = at;
    let done = known;
    let flushed = this.flushed;
    for (let index = link; index >= Link.context; index--) {
      const fence = this.fenceOf(chain, index, this.cacheOf(index), below, done);
      const earliest = Math.max(fence.step, latestSince(chain, index));
      below = index > Link.firstLevel ? this.walkedFrom(chain, earliest, fence.done) : earliest;
      done = fence.done;
      flushed = fence.step;
      if (!isReadable(chain, index, below, flushed)) return false;
    }
    // Choice: no cache for root entries is described (6.2), so root pointer, root and context entry are of one moment.
    for (const upper of [Link.root, Link.rootPointer])
      if (!isReadable(chain, upper, below, flushed)) return false;
    return !this.rootPointerReplaced(chain, done);
  }

  /** The fence of the IOTLB for the result of a chain, whose page has the size of its last level. */
  iotlbFence(chain: WalkedChain, link: number): Fence {
    this.tags.level = link < chain.reader.length ? chain.level[link]! : NO_PAGE_SIZE;
    return this.fenceOf(chain, link, Cache.iotlb, this.now, this.known);
  }

  /**
   * The earliest moment from `from` on at which an entry below the first table can be read: some function walks under
   * the chain's domain id then. {@link OPEN} when none ever does.
   */
  walkedFrom(chain: Chain, from: number, known: readonly number[]): number {
    if (this.inUse(chain, Link.context, from, known)) return from;
    return this.usedFrom(this.contexts(), chain.domainId, from, known);
  }

  /** The earliest moment from `from` on at which one of the contexts walks for the page under that domain id. */
  usedFrom(
    contexts: readonly ContextWindow[],
    domainId: number,
    from: number,
    known: readonly number[],
  ): number {
    let earliest = OPEN;
    for (const context of contexts) {
      if (context.domainId !== domainId || this.page >= context.walkLimit) continue;
      const moment = Math.max(from, latestSince(context, Link.context));
      if (moment < earliest && this.inUse(context, Link.context, moment, known)) earliest = moment;
    }
    return earliest;
  }

  /** True when a walk at step `now` may find the value of the link in memory. */
  readableNow(chain: Chain, link: number): boolean {
    return chain.until[link]! > this.now && chain.buffered[link]! > this.flushed;
  }

  private allReadableNow(chain: Chain, link: number): boolean {
    for (let index = Link.rootPointer; index <= link; index++)
      if (!this.readableNow(chain, index)) return false;
    return true;
  }

  private fenceOf(chain: Chain, link: number, cache: Cache, at: number, known: readonly number[]): Fence {
    const { tags } = this;
    tags.sourceId = chain.sourceId;
    tags.domainId = chain.domainId;
    tags.page = this.page;
    if (cache === Cache.pagingStructure) tags.level = chain.level[link]!;
    const fence = this.fences[link]!;
    this.log.fence(cache, tags, at, known, fence);
    return fence;
  }

  private cacheOf(link: number): Cache {
    return link === Link.context ? Cache.context : Cache.pagingStructure;
  }

  /** ESRTPS (11.4.2): what setting the root-table pointer invalidates is refilled through the new pointer only. */
  private rootPointerReplaced(chain: Chain, done: readonly number[]): boolean {
    return done.some((index) => {
      const { target, submitted } = this.log.entries[index]!;
      return target.cache === "all" && submitted > chain.since[Link.rootPointer]!;
    });
  }
}
