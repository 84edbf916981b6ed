/**
 * Which outcomes a conforming IOMMU may show for a request, given everything software has done and observed so far:
 * the window rule of `docs/visibility-windows.md`, for VT-d legacy mode with its caches and tags (6.2).
 */
import type { Request } from "../trace.js";
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import { Cache, type CacheTags, type Fence, type InvalidationLog } from "./invalidation-log.js";
import type { FaultRule } from "./rules.js";
import type { SteeringRegisters } from "./steering.js";
import { decide, decideBeforeWalk, Translation, walk, type WalkPlatform } from "./walk.js";
import { Link, WindowReader } from "./window-reader.js";

/** One admissible outcome: what becomes of the request and, if it is blocked, why and whether that is recorded. */
export interface Outcome {
  /** A page number, or an `Effect`. */
  readonly effect: number;
  readonly rule: FaultRule | null;
  /** False when the context entry's FPD keeps the fault from being recorded. */
  readonly recorded: boolean;
}

/** A context entry of the requester itself, under which a cached entry may have been filled or is looked up. */
interface Looker {
  readonly domainId: number;
  /** First page that its address width does not reach; 0 when it does not walk tables (pass-through). */
  readonly walkLimit: number;
  readonly since: readonly number[];
  readonly until: readonly number[];
}

/** Windows of a chain, or of its part down to the context entry. */
interface Chain {
  readonly since: ArrayLike<number>;
  readonly until: ArrayLike<number>;
  readonly level: ArrayLike<number>;
}

const NOTHING_KNOWN: readonly number[] = [];
const NO_LEVELS: readonly number[] = [];
/** Fences are asked for one link after the other, so a handful of result objects serves every request. */
const LINKS = 10;

export class AdmissibleOutcomes {
  /** What the last {@link compute} found, without repetitions. */
  readonly found: Outcome[] = [];

  private readonly own: WindowReader;
  private readonly other: WindowReader;
  private readonly translation = new Translation();
  private readonly tags: CacheTags = { sourceId: 0, domainId: 0, page: 0, level: 0 };
  private readonly fences: Fence[] = Array.from({ length: LINKS }, () => ({ step: 0, done: [] }));
  private readonly lookers: Looker[] = [];
  private now = 0;
  private request!: Request;

  constructor(
    private readonly platform: WalkPlatform,
    memory: PhysicalMemory,
    registers: SteeringRegisters,
    private readonly log: InvalidationLog,
    /** The functions that may fill caches under a domain id they share. */
    private readonly requesters: readonly number[],
  ) {
    this.own = new WindowReader(memory, registers, platform.cachingMode);
    this.other = new WindowReader(memory, registers, platform.cachingMode);
  }

  /** Fills {@link found} with every outcome the request may have when it is answered at step `now`. */
  compute(request: Request, now: number): readonly Outcome[] {
    this.now = now;
    this.request = request;
    this.found.length = 0;
    this.lookers.length = 0;
    this.ownChains();
    for (const requester of this.requesters) {
      if (requester !== request.requester && this.lookers.length > 0) this.chainsOf(requester);
    }
    return this.found;
  }

  /** Chains that start at the requester's own root and context entries. */
  private ownChains(): void {
    const { own, platform, request, translation } = this;
    own.begin(this.now);
    do {
      if (decideBeforeWalk(request, own.translationEnabled(), translation)) {
        this.add();
        continue;
      }
      walk(platform, own, request.requester, request.page, translation);
      this.rememberLooker();
      if (own.isCurrent() || this.ownChainFeasible()) {
        decide(platform, request, translation);
        this.add();
      }
    } while (own.next());
  }

  /** A context entry that passed its checks can give the domain id for look-ups. */
  private rememberLooker(): void {
    const { own, translation } = this;
    if (translation.firstLevel === 0) return;
    const { since, until } = own;
    for (const known of this.lookers) {
      if (
        known.domainId === translation.domainId &&
        known.since[Link.context] === since[Link.context] &&
        known.since[Link.root] === since[Link.root] &&
        known.since[Link.rootPointer] === since[Link.rootPointer]
      ) {
        return;
      }
    }
    this.lookers.push({
      domainId: translation.domainId,
      walkLimit: translation.passThrough ? 0 : this.platform.inputPageLimit[translation.firstLevel]!,
      since: Array.from(since.subarray(0, Link.firstLevel)),
      until: Array.from(until.subarray(0, Link.firstLevel)),
    });
  }

  private add(): void {
    const { effect, rule, alternative, faultProcessingDisabled } = this.translation;
    this.addOutcome(effect, rule, faultProcessingDisabled);
    if (alternative) this.addOutcome(effect, alternative, faultProcessingDisabled);
  }

  private addOutcome(effect: number, rule: FaultRule | null, faultProcessingDisabled: boolean): void {
    const recorded = rule !== null && !(rule.qualified && faultProcessingDisabled);
    for (const one of this.found) {
      if (one.effect === effect && one.rule === rule && one.recorded === recorded) return;
    }
    this.found.push({ effect, rule, recorded });
  }

  /** Sets the tags under which the entries of the chain were cached. */
  private tagsFor(sourceId: number, domainId: number): void {
    this.tags.sourceId = sourceId;
    this.tags.domainId = domainId;
    this.tags.page = this.request.page;
  }

  private ownChainFeasible(): boolean {
    const { own, translation, request } = this;
    this.tagsFor(request.requester, translation.domainId);
    const last = own.length - 1;
    if (last === Link.context && translation.firstLevel > 0) return this.contextDecides(own);
    if (own.until[last]! > this.now && this.ownWalkFeasible(own, last)) return true;
    if (translation.fault || translation.notPresent) {
      return this.platform.cachingMode && this.cachedFaultFeasible(own, last);
    }
    return this.iotlbFeasible(own, last, true);
  }

  /** Pass-through, or an address beyond the width: no entry below the context entry was read. */
  private contextDecides(chain: WindowReader): boolean {
    if (this.upward(chain, Link.context, this.now, NOTHING_KNOWN)) return true;
    return !this.translation.fault && this.iotlbFeasible(chain, Link.context + 1, true);
  }

  /** The last entry is read now; those above it may come from their caches. */
  private ownWalkFeasible(chain: WindowReader, last: number): boolean {
    if (last < Link.firstLevel) return this.upward(chain, last - 1, this.now, NOTHING_KNOWN);
    if (!this.upward(chain, last - 1, this.now, NOTHING_KNOWN)) return false;
    if (this.upward(chain, Link.context, this.now, NOTHING_KNOWN)) return true;
    return last > Link.firstLevel && this.walkLookedUpNow();
  }

  /** Caching Mode (6.1): an entry that faults may be cached like any other; faulting context entries under DID 0. */
  private cachedFaultFeasible(chain: WindowReader, last: number): boolean {
    const { tags } = this;
    let cache: Cache = Cache.root;
    if (last === Link.context) {
      cache = Cache.context;
      tags.domainId = 0;
    } else if (last >= Link.firstLevel) {
      cache = chain.level[last] === 1 ? Cache.iotlb : Cache.pagingStructure;
      tags.level = chain.level[last]!;
    }
    const fence = this.fences[last]!;
    this.log.fence(cache, tags, this.now, NOTHING_KNOWN, fence);
    const read = Math.max(fence.step, latestSince(chain, last));
    return read < chain.until[last]! && this.upward(chain, last - 1, read, fence.done);
  }

  /**
   * The answer comes from the IOTLB: the last entry was read at some time since the IOTLB's fence. `last` one past the
   * context entry stands for a pass-through result, which rests on no further entry.
   */
  private iotlbFeasible(chain: WindowReader, last: number, ownChain: boolean): boolean {
    const lookup = this.platform.profile.iotlbLookup;
    const bySource = lookup !== "domain-id";
    const byDomain = lookup !== "source-id";
    const fence = this.fences[last]!;
    this.log.fence(Cache.iotlb, this.tags, this.now, NOTHING_KNOWN, fence);
    const passThrough = chain.length === last;
    const read = Math.max(fence.step, latestSince(chain, passThrough ? last - 1 : last));
    const until = passThrough ? OPEN : chain.until[last]!;
    if (read >= until) return false;
    if (this.filledAt(chain, last, read, fence.done, chain, this.tags.sourceId)) {
      if (bySource && ownChain) return true;
      if (byDomain && this.domainLookedUpAt(this.now)) return true;
    }
    // Filled for the requester itself, with the upper part taken from a paging-structure cache.
    if (passThrough || last === Link.firstLevel) return false;
    return this.lookers.some((looker) => {
      if (!this.walksDomain(looker)) return false;
      const later = Math.max(read, latestSince(looker, Link.context));
      if (later >= until || !this.filledAt(chain, last, later, fence.done, looker, this.request.requester)) return false;
      return bySource || this.domainLookedUpAt(this.now);
    });
  }

  /** The IOTLB entry was filled at step `read` for the function `sourceId`, whose context entry is that of `looker`. */
  private filledAt(
    chain: Chain,
    last: number,
    read: number,
    done: readonly number[],
    looker: Pick<Chain, "since" | "until">,
    sourceId: number,
  ): boolean {
    return this.upward(chain, last - 1, read, done) && this.contextUsableAt(looker, read, done, sourceId);
  }

  /** True when the looker is a context entry whose tables are walked under the chain's domain id. */
  private walksDomain(looker: Looker): boolean {
    return looker.domainId === this.translation.domainId && this.request.page < looker.walkLimit;
  }

  /** A paging-structure entry of the chain's domain can be used by the requester itself now. */
  private walkLookedUpNow(): boolean {
    const { requester } = this.request;
    return this.lookers.some(
      (looker) => this.walksDomain(looker) && this.contextUsableAt(looker, this.now, NOTHING_KNOWN, requester),
    );
  }

  /** The requester's own context entry can give the chain's domain id at step `at`. */
  private domainLookedUpAt(at: number): boolean {
    const { domainId } = this.translation;
    return this.lookers.some(
      (looker) =>
        looker.domainId === domainId && this.contextUsableAt(looker, at, NOTHING_KNOWN, this.request.requester),
    );
  }

  /** The context entry at the end of these windows can be in use for `sourceId` at step `at`. */
  private contextUsableAt(
    links: Pick<Chain, "since" | "until">,
    at: number,
    known: readonly number[],
    sourceId: number,
  ): boolean {
    const chainSource = this.tags.sourceId;
    this.tags.sourceId = sourceId;
    const usable = this.upward({ since: links.since, until: links.until, level: NO_LEVELS }, Link.context, at, known);
    this.tags.sourceId = chainSource;
    return usable;
  }

  /**
   * Going up from `link`: each entry was read since its cache's fence, as of the moment the entry below was read.
   * Taking the earliest moment each time is complete, because fences only grow.
   */
  private upward(chain: Chain, link: number, at: number, known: readonly number[]): boolean {
    let below = at;
    let done = known;
    for (let index = link; index >= Link.root; index--) {
      const fence = this.fences[index]!;
      this.log.fence(this.cacheOf(chain, index), this.tags, below, done, fence);
      const read = Math.max(fence.step, latestSince(chain, index));
      if (read >= chain.until[index]!) return false;
      below = read;
      done = fence.done;
    }
    // The root pointer is not cached: it is read together with the root entry.
    return below < chain.until[Link.rootPointer]!;
  }

  private cacheOf(chain: Chain, link: number): Cache {
    if (link === Link.root) return Cache.root;
    if (link === Link.context) return Cache.context;
    this.tags.level = chain.level[link]!;
    return Cache.pagingStructure;
  }

  /** Chains of another function: its paging-structure entries are shared by domain id, and IOTLB entries may be. */
  private chainsOf(requester: number): void {
    const { other, platform, request, translation } = this;
    other.begin(this.now);
    do {
      if (!other.translationEnabled()) continue;
      walk(platform, other, requester, request.page, translation);
      if (translation.firstLevel === 0 || !this.sharesDomain()) continue;
      this.tagsFor(requester, translation.domainId);
      if (this.otherChainFeasible()) {
        decide(platform, request, translation);
        this.add();
      }
    } while (other.next());
  }

  private sharesDomain(): boolean {
    return this.lookers.some((looker) => looker.domainId === this.translation.domainId);
  }

  private otherChainFeasible(): boolean {
    const { other, translation } = this;
    const last = other.length - 1;
    if (translation.passThrough) return !translation.fault && this.iotlbFeasible(other, Link.context + 1, false);
    if (last < Link.firstLevel) return false;
    const walkNow = last > Link.firstLevel && other.until[last]! > this.now;
    if (walkNow && this.upward(other, last - 1, this.now, NOTHING_KNOWN) && this.walkLookedUpNow()) return true;
    return !translation.fault && !translation.notPresent && this.iotlbFeasible(other, last, false);
  }
}

/** No entry was read before it, or one above it, held its value. */
function latestSince(chain: Pick<Chain, "since">, link: number): number {
  let latest = 0;
  for (let index = Link.rootPointer; index <= link; index++) latest = Math.max(latest, chain.since[index]!);
  return latest;
}
