/**
 * Which outcomes a conforming IOMMU may show for a request, given everything software has done and observed so far:
 * the window rule of `docs/visibility-windows.md`, for VT-d legacy mode with its caches and tags (6.2).
 */
import { Effect, type Request } from "../trace.js";
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import { type Chain, ChainMoments, type ContextWindow, latestSince, NOTHING_KNOWN } from "./chain-moments.js";
import type { InvalidationLog } from "./invalidation-log.js";
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

const NO_LEVELS: readonly number[] = [];
/** What is not there to be read is not there to be cached. */
const FETCH_FAULTS: ReadonlySet<FaultRule | null> = new Set([
  faultRules.rootFetch,
  faultRules.contextFetch,
  faultRules.firstTableFetch,
  faultRules.tableFetch,
]);

/** The chain a reader has just read, with the tags that the walk found. */
export class ReadChain implements Chain {
  readonly since: ArrayLike<number>;
  readonly until: ArrayLike<number>;
  readonly level: ArrayLike<number>;
  sourceId = 0;
  domainId = 0;

  constructor(readonly reader: WindowReader) {
    this.since = reader.since;
    this.until = reader.until;
    this.level = reader.level;
  }
}

export class AdmissibleOutcomes {
  /** What the last {@link compute} found, without repetitions. */
  found: Outcome[] = [];
  observer: OutcomeObserver | null = null;

  private readonly own: ReadChain;
  private readonly other: ReadChain;
  private readonly contextReader: WindowReader;
  private readonly moments: ChainMoments;
  /** The chain that is being judged. */
  private judged: ReadChain;
  private readonly translation = new Translation();
  private readonly contextTranslation = new Translation();
  private readonly contextsByFunction = new Map<number, ContextWindow[]>();
  private allContexts: ContextWindow[] | null = null;
  private now = 0;
  private known = NOTHING_KNOWN;
  private request!: Request;
  /** The requester's context entry has only ever had one value; {@link onlyDomain} is its domain id, or -1. */
  private singleContext = false;
  private onlyDomain = -1;

  constructor(
    private readonly platform: WalkPlatform,
    memory: PhysicalMemory,
    registers: SteeringRegisters,
    log: InvalidationLog,
    /** The functions that may fill caches under a domain id they share. */
    private readonly requesters: readonly number[],
  ) {
    this.own = new ReadChain(new WindowReader(memory, registers, platform.cachingMode));
    this.other = new ReadChain(new WindowReader(memory, registers, platform.cachingMode));
    this.contextReader = new WindowReader(memory, registers, platform.cachingMode);
    this.judged = this.own;
    this.moments = new ChainMoments(log, () => this.contexts());
  }

  /**
   * Fills {@link found} with every outcome the request may have when it is answered at step `now`.
   * @param known indices of invalidations that are known to be done by then although software saw that only later
   */
  compute(request: Request, now: number, known = NOTHING_KNOWN): readonly Outcome[] {
    this.begin(request, now, known);
    if (!this.ownChains()) return this.found;
    for (const requester of this.requesters) if (requester !== request.requester) this.chainsOf(requester);
    return this.found;
  }

  private begin(request: Request, now: number, known: readonly number[]): void {
    this.now = now;
    this.known = known;
    this.request = request;
    this.found = [];
    if (this.contextsByFunction.size > 0) this.contextsByFunction.clear();
    this.allContexts = null;
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
    reader.begin(this.now);
    do {
      if (decideBeforeWalk(request, reader.translationEnabled(), translation)) {
        this.add(false);
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
    if (chain.until[last]! > now && moments.inUse(chain, last - 1, now, this.known)) return true;
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
    if (chain.until[last]! <= this.now) return false;
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
    const until = translation.passThrough ? OPEN : chain.until[last]!;
    return read < until && moments.inUse(chain, last - 1, read, done);
  }

  /** Every context entry that some function may use. */
  private contexts(): readonly ContextWindow[] {
    this.allContexts ??= this.requesters.flatMap((requester) => this.contextsOf(requester));
    return this.allContexts;
  }

  /** The context entries that a function may use; on demand only those with this FPD. */
  private contextsOf(requester: number, disabled?: boolean): readonly ContextWindow[] {
    let contexts = this.contextsByFunction.get(requester);
    if (!contexts) {
      contexts = this.readContexts(requester);
      this.contextsByFunction.set(requester, contexts);
    }
    return disabled === undefined ? contexts : contexts.filter((context) => this.hasFpd(context, disabled));
  }

  /** A context entry with that FPD, which matters to qualified faults only. */
  private hasFpd(context: { readonly faultProcessingDisabled: boolean }, disabled: boolean): boolean {
    return !this.translation.rule?.qualified || context.faultProcessingDisabled === disabled;
  }

  private readContexts(requester: number): ContextWindow[] {
    const { contextReader: reader, contextTranslation: translation } = this;
    const contexts: ContextWindow[] = [];
    reader.begin(this.now);
    do {
      reader.translationEnabled();
      if (lookUpContext(this.platform, reader, requester, this.request.page, translation)) {
        contexts.push(this.contextWindow(reader, translation, requester));
      }
    } while (reader.next(Link.rootPointer));
    return contexts;
  }

  private contextWindow(reader: WindowReader, translation: Translation, sourceId: number): ContextWindow {
    const { domainId, faultProcessingDisabled, passThrough, firstLevel } = translation;
    return {
      since: upperLinks(reader.since),
      until: upperLinks(reader.until),
      level: NO_LEVELS,
      sourceId,
      domainId,
      walkLimit: passThrough ? 0 : this.platform.inputPageLimit[firstLevel]!,
      faultProcessingDisabled,
    };
  }
}

/** A copy of what belongs to the registers, the root entry and the context entry. */
function upperLinks(of: ArrayLike<number>): readonly number[] {
  return [of[Link.enabled]!, of[Link.rootPointer]!, of[Link.root]!, of[Link.context]!];
}
