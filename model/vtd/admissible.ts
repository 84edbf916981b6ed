/**
 * Which outcomes a conforming IOMMU may show for a request, given everything software has done and observed so far:
 * the window rule of `docs/visibility-windows.md`, for VT-d legacy mode with its caches and tags (6.2).
 */
import { Effect, type Request } from "../trace.js";
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import {
  ChainMoments,
  type ContextWindow,
  isReadable,
  latestSince,
  NOTHING_KNOWN,
  ReadChain,
} from "./chain-moments.js";
import { ContextWindows } from "./context-windows.js";
import { type InvalidationLog, NO_DOMAIN } from "./invalidation-log.js";
import { type FaultRule, faultRules } from "./rules.js";
import type { SteeringRegisters } from "./steering.js";
import {
  decide,
  decideBeforeWalk,
  lookUpContext,
  Translation,
  translate,
  type WalkPlatform,
  walk,
} from "./walk.js";
import { Link, WindowReader } from "./window-reader.js";

/** One admissible outcome: what becomes of the request and, if it is blocked, why and whether that is recorded. */
export interface Outcome {
  /** A page number, or an `Effect`. */
  readonly effect: number;
  readonly rule: FaultRule | null;
  /** False when the context entry's FPD keeps the fault from being recorded. */
  readonly recorded: boolean;
}

/** Is told of every outcome when it is found, with the chain it was found through. */
export type OutcomeObserver = (outcome: Outcome, chain: ReadChain, domainId: number) => void;

/** What is not there to be read is not there to be cached. */
const FETCH_FAULTS: ReadonlySet<FaultRule | null> = new Set([
  faultRules.rootFetch,
  faultRules.contextFetch,
  faultRules.firstTableFetch,
  faultRules.tableFetch,
]);

export class AdmissibleOutcomes {
  /** What the last {@link compute} found, without repetitions. */
  found: Outcome[] = [];
  observer: OutcomeObserver | null = null;

  private readonly own: ReadChain;
  private readonly other: ReadChain;
  private readonly contexts: ContextWindows;
  private readonly moments: ChainMoments;
  /** The chain that is being judged. */
  private judged: ReadChain;
  private readonly translation = new Translation();
  private now = 0;
  private known = NOTHING_KNOWN;
  private request!: Request;
  /** The domain id whose chains are asked about; null for all. */
  private only: number | null = null;
  /** The requester's context entry has only ever had one value; {@link onlyDomain} is its domain id, or -1. */
  private singleContext = false;
  private onlyDomain = -1;

  constructor(
    private readonly platform: WalkPlatform,
    memory: PhysicalMemory,
    private readonly registers: SteeringRegisters,
    private readonly log: InvalidationLog,
    /** The functions that may fill caches under a domain id they share. */
    private readonly requesters: readonly number[],
  ) {
    this.own = new ReadChain(new WindowReader(memory, registers, platform.cachingMode));
    this.other = new ReadChain(new WindowReader(memory, registers, platform.cachingMode));
    this.contexts = new ContextWindows(platform, memory, registers, requesters);
    this.judged = this.own;
    this.moments = new ChainMoments(log, () => this.contexts.all());
  }

  /**
   * Fills {@link found} with every outcome the request may have when it is answered at step `now`.
   * @param known indices of invalidations that are known to be done by then although software saw that only later
   * @param domainId only what is translated under this domain id, or, with {@link NO_DOMAIN}, under none; null for everything
   */
  compute(
    request: Request,
    now: number,
    known = NOTHING_KNOWN,
    domainId: number | null = null,
  ): readonly Outcome[] {
    this.begin(request, now, known);
    this.only = domainId;
    if (!this.ownChains()) return this.found;
    for (const requester of this.requesters) if (requester !== request.requester) this.chainsOf(requester);
    return this.found;
  }

  /** The domain ids under which the request may have this effect at step `now`; {@link NO_DOMAIN} for none. */
  domainIdsOf(request: Request, effect: number, now: number): readonly number[] {
    this.begin(request, now, NOTHING_KNOWN);
    const { enabled } = this.registers;
    const candidates = new Set(this.contexts.of(request.requester).map((context) => context.domainId));
    if (enabled.latest === 0 || enabled.isPending(now)) candidates.add(NO_DOMAIN);
    const leads = (domainId: number) =>
      this.compute(request, now, NOTHING_KNOWN, domainId).some((one) => one.effect === effect);
    const found = candidates.size > 1 ? [...candidates].filter(leads) : [...candidates];
    return found.length > 0 ? found : [NO_DOMAIN];
  }

  private begin(request: Request, now: number, known: readonly number[]): void {
    this.now = now;
    this.known = known;
    this.request = request;
    this.found = [];
    this.contexts.begin(now, request.page);
    this.only = null;
    this.singleContext = false;
    this.moments.begin(now, request.page, known);
  }

  /**
   * True when a walk for the request may read an entry from `page` at step `now`: on a chain of its own, or on one that it
   * shares with another function.
   */
  readsFrom(request: Request, page: number, now: number): boolean {
    this.begin(request, now, NOTHING_KNOWN);
    const { own, other, platform, translation } = this;
    own.reader.begin(now);
    do {
      if (!own.reader.translationEnabled()) continue;
      walk(platform, own.reader, request.requester, request.page, translation);
      if (this.readsOn(own, request.requester, page)) return true;
    } while (own.reader.next());
    for (const requester of this.requesters) {
      if (requester === request.requester) continue;
      other.reader.begin(now);
      do {
        other.reader.translationEnabled();
        walk(platform, other.reader, requester, request.page, translation);
        if (this.readsOn(other, requester, page)) return true;
      } while (other.reader.next(Link.rootPointer));
    }
    return false;
  }

  private readsOn(chain: ReadChain, sourceId: number, page: number): boolean {
    chain.sourceId = sourceId;
    chain.domainId = this.translation.firstLevel === 0 ? 0 : this.translation.domainId;
    for (let link = Link.root; link < chain.reader.length; link++) {
      if (chain.reader.page[link] === page && this.readsLink(chain, link)) return true;
    }
    return false;
  }

  /** The entries above a link can be in use for the request now, so that the walk goes on to read it. */
  private readsLink(chain: ReadChain, link: number): boolean {
    const { moments, now, request } = this;
    if (link > Link.firstLevel) {
      const contexts = this.contextsOf(request.requester);
      const walks = moments.usedFrom(contexts, chain.domainId, now, NOTHING_KNOWN) === now;
      return walks && moments.inUse(chain, link - 1, now, NOTHING_KNOWN);
    }
    if (chain.sourceId !== request.requester) return false;
    if (link === Link.firstLevel) return moments.inUse(chain, Link.context, now, NOTHING_KNOWN);
    if (chain.until[Link.rootPointer]! <= now) return false;
    return link === Link.root || chain.until[Link.root]! > now;
  }

  /** Chains that start at the requester's own root and context entries. False when no table is ever looked at. */
  private ownChains(): boolean {
    const { own, platform, request, translation } = this;
    const { reader } = own;
    let walked = false;
    this.judged = own;
    reader.begin(this.now, this.log.flushedBy(this.known));
    do {
      if (decideBeforeWalk(request, reader.translationEnabled(), translation)) {
        own.domainId = NO_DOMAIN;
        if (this.isAskedAbout(own)) this.add(false);
        continue;
      }
      walk(platform, reader, request.requester, request.page, translation);
      if (!walked && !reader.hasChoice(Link.context)) {
        this.singleContext = true;
        this.onlyDomain = translation.firstLevel > 0 ? translation.domainId : -1;
      }
      walked = true;
      this.judge(own, request.requester);
    } while (reader.next());
    return walked;
  }

  /** Chains of another function: its paging-structure entries are shared by domain id, and IOTLB entries may be. */
  private chainsOf(requester: number): void {
    const { other, platform, request, translation } = this;
    if (this.singleContext && this.onlyDomain < 0) return;
    this.judged = other;
    other.reader.begin(this.now);
    do {
      other.reader.translationEnabled();
      if (!lookUpContext(platform, other.reader, requester, request.page, translation)) continue;
      if (!this.sharesDomain(translation.domainId)) continue;
      translate(platform, other.reader, translation);
      this.judge(other, requester);
    } while (other.reader.next(Link.rootPointer));
  }

  /** Some context entry of the requester has that domain id. */
  private sharesDomain(domainId: number): boolean {
    if (this.singleContext) return this.onlyDomain === domainId;
    return this.contextsOf(this.request.requester).some((context) => context.domainId === domainId);
  }

  /** Adds what the chain just walked leads to, for each way in which it can have come about. */
  private judge(chain: ReadChain, sourceId: number): void {
    const { translation, request } = this;
    chain.sourceId = sourceId;
    chain.domainId = translation.firstLevel === 0 ? 0 : translation.domainId;
    if (!this.isAskedAbout(chain)) return;
    decide(this.platform, request, translation);
    const { faultProcessingDisabled } = translation;
    if (translation.optionalFault && sourceId === request.requester) this.judgeOptional(chain);
    if (sourceId === request.requester && chain.reader.isCurrent()) {
      this.add(faultProcessingDisabled);
      if (this.singleContext) return;
    }
    if (chain.reader.length - 1 <= Link.context && !translation.passThrough) {
      if (!this.isFound(faultProcessingDisabled) && this.upperChainFeasible(chain))
        this.add(faultProcessingDisabled);
      return;
    }
    for (const disabled of translation.rule?.qualified ? [false, true] : [false]) {
      if (this.isFound(disabled) || this.contextsOf(request.requester, disabled).length === 0) continue;
      if (this.feasible(chain, disabled)) this.add(disabled);
    }
  }

  private isAskedAbout({ domainId }: ReadChain): boolean {
    return this.only === null || this.only === domainId;
  }

  /** Hardware that applies the check treats the context entry like any other that faults. */
  private judgeOptional(chain: ReadChain): void {
    const { optionalFault, faultProcessingDisabled } = this.translation;
    const { domainId } = chain;
    chain.domainId = 0;
    if (this.faultyEntryFeasible(chain, true))
      this.addOutcome(Effect.blocked, optionalFault, faultProcessingDisabled);
    chain.domainId = domainId;
  }

  private add(faultProcessingDisabled: boolean): void {
    const { effect, rule, alternative } = this.translation;
    this.addOutcome(effect, rule, faultProcessingDisabled);
    if (alternative) this.addOutcome(effect, alternative, faultProcessingDisabled);
  }

  private addOutcome(effect: number, rule: FaultRule | null, faultProcessingDisabled: boolean): void {
    const recorded = rule !== null && !(rule.qualified && faultProcessingDisabled);
    if (this.includes(effect, rule, recorded)) return;
    const outcome = { effect, rule, recorded };
    this.found.push(outcome);
    this.observer?.(outcome, this.judged, this.judged.domainId);
  }

  private includes(effect: number, rule: FaultRule | null, recorded: boolean): boolean {
    return this.found.some((one) => one.effect === effect && one.rule === rule && one.recorded === recorded);
  }

  /** True when the chain just decided would add nothing. */
  private isFound(faultProcessingDisabled: boolean): boolean {
    const { effect, rule, alternative } = this.translation;
    const recorded = (one: FaultRule) => !(one.qualified && faultProcessingDisabled);
    if (!this.includes(effect, rule, rule !== null && recorded(rule))) return false;
    return !alternative || this.includes(effect, alternative, recorded(alternative));
  }

  /** A fault of the root or context entry, or an address that the context entry does not reach. */
  private upperChainFeasible(chain: ReadChain): boolean {
    if (chain.sourceId !== this.request.requester) return false;
    if (this.translation.firstLevel > 0) return this.ownContextDecides(chain);
    return this.faultyEntryFeasible(chain, chain.reader.length > Link.context && this.isEntryFault());
  }

  /** The last entry, which faults, is read now or, as `cacheable` ones may be in Caching Mode, from its cache. */
  private faultyEntryFeasible(chain: ReadChain, cacheable: boolean): boolean {
    const { moments, now, platform } = this;
    const last = chain.reader.length - 1;
    if (moments.readableNow(chain, last) && moments.inUse(chain, last - 1, now, this.known)) return true;
    return cacheable && platform.cachingMode && moments.inUse(chain, last, now, this.known);
  }

  /** The fault lies in what an entry says. */
  private isEntryFault(): boolean {
    return !FETCH_FAULTS.has(this.translation.fault);
  }

  /** The chain can answer the request under a context entry whose FPD is `disabled`. */
  private feasible(chain: ReadChain, disabled: boolean): boolean {
    if (this.translation.passThrough) {
      return this.ownContextDecides(chain) || this.iotlbFeasible(chain, disabled);
    }
    if (this.walkFeasible(chain, disabled)) return true;
    const faulty = this.translation.fault !== null || this.translation.notPresent;
    if (!faulty) return this.iotlbFeasible(chain, disabled);
    // Caching Mode (6.1): an entry that faults may be cached like any other.
    if (!this.platform.cachingMode || !this.isEntryFault()) return false;
    const last = chain.reader.length - 1;
    if (chain.level[last] === 1) return this.iotlbFeasible(chain, disabled);
    return this.walksNow(chain, disabled) && this.moments.inUse(chain, last, this.now, this.known);
  }

  private ownContextDecides(chain: ReadChain): boolean {
    if (chain.sourceId !== this.request.requester) return false;
    return this.moments.inUse(chain, Link.context, this.now, this.known);
  }

  /** The last entry is read now; those above it may come from their caches. */
  private walkFeasible(chain: ReadChain, disabled: boolean): boolean {
    const last = chain.reader.length - 1;
    if (!this.moments.readableNow(chain, last)) return false;
    if (last === Link.firstLevel) {
      return this.hasFpd(this.translation, disabled) && this.ownContextDecides(chain);
    }
    return this.walksNow(chain, disabled) && this.moments.inUse(chain, last - 1, this.now, this.known);
  }

  /** A paging-structure entry of the chain's domain can be used by the requester itself now. */
  private walksNow(chain: ReadChain, disabled: boolean): boolean {
    const contexts = this.contextsOf(this.request.requester, disabled);
    return this.moments.usedFrom(contexts, chain.domainId, this.now, this.known) === this.now;
  }

  /** The answer comes from the IOTLB, whose entry was filled at some time since its fence. */
  private iotlbFeasible(chain: ReadChain, disabled: boolean): boolean {
    const { iotlbLookup } = this.platform.profile;
    if (iotlbLookup !== "domain-id" && this.filledForRequester(chain, disabled)) return true;
    return iotlbLookup !== "source-id" && this.domainLookedUp(chain, disabled) && this.filled(chain);
  }

  /** The requester's own context entry can give the chain's domain id now. */
  private domainLookedUp(chain: ReadChain, disabled: boolean): boolean {
    return this.contextsOf(this.request.requester, disabled).some(
      (context) =>
        context.domainId === chain.domainId &&
        this.moments.inUse(context, Link.context, this.now, this.known),
    );
  }

  /** The IOTLB entry was filled for the requester, under a context entry of its own. */
  private filledForRequester(chain: ReadChain, disabled: boolean): boolean {
    const { requester } = this.request;
    if (chain.reader.length - 1 <= Link.firstLevel) {
      return chain.sourceId === requester && this.hasFpd(this.translation, disabled) && this.filled(chain);
    }
    return this.filled(chain, this.contextsOf(requester, disabled));
  }

  /** The IOTLB entry was filled for any function, or under one of the given context entries. */
  private filled(chain: ReadChain, contexts?: readonly ContextWindow[]): boolean {
    const { moments, translation } = this;
    const { length } = chain.reader;
    // A pass-through result rests on no entry below the context entry.
    const last = translation.passThrough ? length : length - 1;
    const { step, done } = moments.iotlbFence(chain, last);
    let read = Math.max(step, latestSince(chain, length - 1));
    if (contexts) read = moments.usedFrom(contexts, chain.domainId, read, done);
    else if (last > Link.firstLevel) read = moments.walkedFrom(chain, read, done);
    const readable = translation.passThrough ? read < OPEN : isReadable(chain, last, read, step);
    return readable && moments.inUse(chain, last - 1, read, done);
  }

  /** The context entries that a function may use; on demand only those with this FPD. */
  private contextsOf(requester: number, disabled?: boolean): readonly ContextWindow[] {
    const contexts = this.contexts.of(requester);
    return disabled === undefined ? contexts : contexts.filter((context) => this.hasFpd(context, disabled));
  }

  /** A context entry with that FPD, which matters to qualified faults only. */
  private hasFpd(context: { readonly faultProcessingDisabled: boolean }, disabled: boolean): boolean {
    return !this.translation.rule?.qualified || context.faultProcessingDisabled === disabled;
  }
}
