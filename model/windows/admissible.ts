/**
 * Which outcomes a conforming IOMMU may show for a request, given everything software has done and observed so far:
 * the window rule of `docs/visibility-windows.md`.
 */
import { Effect, type Request } from "../trace.js";
import type { PhysicalMemory } from "../words/memory.js";
import { ChainMoments, NOTHING_KNOWN, ReadChain } from "./chain-moments.js";
import { DeviceWindows } from "./device-windows.js";
import { Feasibility } from "./feasibility.js";
import { type InvalidationLog, NO_PAGE_SIZE } from "./invalidation-log.js";
import type { SteeringRegisters } from "./steering.js";
import { Link, type ProtectionRules, type Unit } from "./unit.js";
import { type FaultRule, NO_DOMAIN, Translation } from "./walk.js";
import { WindowReader } from "./window-reader.js";

/** One admissible outcome: what becomes of the request and, if it is blocked, why and whether that is recorded. */
export interface Outcome<Fault extends FaultRule = FaultRule> {
  /** A page number, or an `Effect`. */
  readonly effect: number;
  readonly rule: Fault | null;
  /** False when the device entry keeps the fault from being recorded. */
  readonly recorded: boolean;
}

/** Is told of every outcome when it is found, with the chain it was found through. */
export type OutcomeObserver = (outcome: Outcome, chain: ReadChain) => void;

/** An effect, and the domain ids that nothing was found to have it under yet. */
interface Sought {
  readonly effect: number;
  readonly domainIds: Set<number>;
}

export class AdmissibleOutcomes<Fault extends FaultRule = FaultRule> {
  /** What the last {@link compute} found, without repetitions. */
  found: Outcome<Fault>[] = [];
  observer: OutcomeObserver | null = null;

  private readonly own: ReadChain;
  private readonly other: ReadChain;
  private readonly devices: DeviceWindows;
  private readonly moments: ChainMoments;
  private readonly feasibility: Feasibility;
  /** The chain that is being judged. */
  private judged: ReadChain;
  private readonly translation = new Translation<Fault>();
  private now = 0;
  private known = NOTHING_KNOWN;
  private request!: Request;
  /** The domain id whose chains are asked about; null for all. */
  private only: number | null = null;
  /** What {@link domainIdsOf} looks for; null for every outcome. */
  private sought: Sought | null = null;
  /** The domain id of the chain that is being judged. */
  private domainId = NO_DOMAIN;
  /** The requester's device entry has only ever had one value; {@link onlyDomain} is its domain id, if it has one. */
  private singleDevice = false;
  private onlyDomain: number | null = null;

  constructor(
    private readonly unit: Unit<unknown, Fault>,
    memory: PhysicalMemory,
    private readonly registers: SteeringRegisters,
    private readonly log: InvalidationLog,
    /** The functions that may fill caches under a domain id they share. */
    private readonly requesters: readonly number[],
  ) {
    this.own = new ReadChain(new WindowReader(unit, memory, registers));
    this.other = new ReadChain(new WindowReader(unit, memory, registers));
    this.devices = new DeviceWindows(unit, memory, registers, requesters);
    this.judged = this.own;
    this.moments = new ChainMoments(unit, log, () => this.devices.all());
    this.feasibility = new Feasibility(unit, this.moments, this.devices, this.translation);
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
  ): readonly Outcome<Fault>[] {
    this.begin(request, now, known);
    this.only = domainId;
    this.everyChain();
    return this.found;
  }

  private everyChain(): void {
    const { requester: own } = this.request;
    if (!this.ownChains()) return;
    for (const requester of this.requesters) if (requester !== own) this.chainsOf(requester);
  }

  /** The domain ids under which the request may have this effect at step `now`; {@link NO_DOMAIN} for none. */
  domainIdsOf(request: Request, effect: number, now: number): readonly number[] {
    this.begin(request, now, NOTHING_KNOWN);
    const { enabled } = this.registers;
    const candidates = new Set(this.devices.of(request.requester).map((device) => device.domainId));
    if (enabled.latest === 0 || enabled.isPending(now)) candidates.add(NO_DOMAIN);
    if (candidates.size === 1) return [...candidates];
    this.sought = { effect, domainIds: new Set(candidates) };
    this.everyChain();
    for (const domainId of this.sought.domainIds) candidates.delete(domainId);
    return candidates.size > 0 ? [...candidates] : [NO_DOMAIN];
  }

  /** Nothing is left to be looked for. */
  private get isDone(): boolean {
    return this.sought?.domainIds.size === 0;
  }

  private begin(request: Request, now: number, known: readonly number[]): void {
    this.now = now;
    this.known = known;
    this.request = request;
    this.found = [];
    this.devices.begin(now, request.page);
    this.only = null;
    this.sought = null;
    this.singleDevice = false;
    this.moments.begin(now, request.page, known);
    this.feasibility.begin(request.requester, now, known);
  }

  /**
   * True when a walk for the request may read an entry from `page` at step `now`: on a chain of its own, or on one that it
   * shares with another function.
   */
  readsFrom(request: Request, page: number, now: number): boolean {
    this.begin(request, now, NOTHING_KNOWN);
    const { own, other } = this;
    own.reader.begin(now);
    do {
      if (!own.reader.translationEnabled()) continue;
      this.walk(own, request.requester);
      if (this.readsOn(own, page)) return true;
    } while (own.reader.next());
    for (const requester of this.requesters) {
      if (requester === request.requester) continue;
      other.reader.begin(now);
      do {
        other.reader.translationEnabled();
        this.walk(other, requester);
        if (this.readsOn(other, page)) return true;
      } while (other.reader.next(Link.pointer));
    }
    return false;
  }

  private readsOn(chain: ReadChain, page: number): boolean {
    for (let link: number = Link.firstEntry; link <= chain.last; link++)
      if (chain.reader.page[link] === page && this.feasibility.reads(chain, link)) return true;
    return false;
  }

  /** Walks for a function, as far down as is asked about. */
  private walk(chain: ReadChain, requester: number): void {
    const { unit, translation, request } = this;
    const passed = unit.lookUpDevice(chain.reader, requester, request.page, translation);
    if (passed && this.isAskedAbout(translation)) unit.translate(chain.reader, translation);
    chain.found(unit, requester, passed, translation);
  }

  /** Chains that start at the requester's own device entry. False when no table is ever looked at. */
  private ownChains(): boolean {
    const { own, unit, request, translation } = this;
    const { reader } = own;
    let walked = false;
    this.judged = own;
    reader.begin(this.now, this.log.flushedBy(this.known));
    do {
      if (unit.decideBeforeWalk(request, reader.translationEnabled(), translation)) {
        own.requester = request.requester;
        own.domainId = NO_DOMAIN;
        own.passThrough = true;
        own.pages = NO_PAGE_SIZE;
        this.domainId = NO_DOMAIN;
        if (this.isAskedAbout(own)) this.add(false);
        continue;
      }
      this.walk(own, request.requester);
      if (!walked && !reader.hasChoiceOfDevice()) {
        this.singleDevice = true;
        this.onlyDomain = own.passed ? own.domainId : null;
      }
      walked = true;
      this.judge(own);
    } while (!this.isDone && reader.next());
    return walked;
  }

  /** Chains of another function: its table entries are shared by domain id, and cached translations may be. */
  private chainsOf(requester: number): void {
    const { other, unit, request, translation } = this;
    if (this.singleDevice && this.onlyDomain === null) return;
    // Where rights are shared, the device entries of every function are known already.
    if (this.feasibility.sharesRights && !this.sharesSome(requester)) return;
    this.judged = other;
    other.reader.begin(this.now);
    do {
      other.reader.translationEnabled();
      if (!unit.lookUpDevice(other.reader, requester, request.page, translation)) continue;
      if (!this.isAskedAbout(translation) || !this.sharesDomain(translation.domainId)) continue;
      unit.translate(other.reader, translation);
      other.found(unit, requester, true, translation);
      this.judge(other);
    } while (!this.isDone && other.reader.next(Link.pointer));
  }

  /** Some device entry of the function has a domain id that one of the requester's has. */
  private sharesSome(requester: number): boolean {
    for (const device of this.devices.of(requester)) if (this.sharesDomain(device.domainId)) return true;
    return false;
  }

  /** Some device entry of the requester has that domain id. */
  private sharesDomain(domainId: number): boolean {
    if (domainId === NO_DOMAIN) return false;
    if (this.singleDevice) return this.onlyDomain === domainId;
    for (const device of this.devices.of(this.request.requester))
      if (device.domainId === domainId) return true;
    return false;
  }

  /** Adds what the chain just walked leads to, for each way in which it can have come about. */
  private judge(chain: ReadChain): void {
    if (!this.isAskedAbout(chain)) return;
    this.domainId = chain.domainId;
    const { translation, request, unit, feasibility } = this;
    const isOwn = chain.requester === request.requester;
    const { suppresses } = translation;
    if (translation.optionalFault && isOwn) this.judgeOptional(chain);
    unit.decide(request, translation, translation.deviceAccess);
    if (isOwn && chain.reader.isCurrent()) {
      this.add(suppresses);
      if (this.singleDevice && !feasibility.sharesRights) return;
    }
    if (chain.last < unit.shape.firstTable && !chain.passThrough) {
      if (isOwn && !this.isFound(suppresses) && feasibility.ofDevice(chain)) this.add(suppresses);
      return;
    }
    let decided = translation.deviceAccess;
    for (const access of feasibility.accesses()) {
      if (access !== decided) unit.decide(request, translation, access);
      decided = access;
      this.judgeWith(chain, access);
    }
  }

  /** The same, for answers with the rights of device entries that give just these, by which it was decided. */
  private judgeWith(chain: ReadChain, access: number): void {
    const { translation, feasibility } = this;
    const { rule, alternative } = translation;
    const suppressible = rule?.suppressible === true || alternative?.suppressible === true;
    if (!suppressible) {
      if (!this.isFound(false) && feasibility.ofAnswer(chain, access, null)) this.add(false);
      return;
    }
    if (!this.isFound(false) && feasibility.ofAnswer(chain, access, false)) this.add(false);
    if (!this.isFound(true) && feasibility.ofAnswer(chain, access, true)) this.add(true);
  }

  private isAskedAbout({ domainId }: { readonly domainId: number }): boolean {
    if (this.sought) return this.sought.domainIds.has(domainId);
    return this.only === null || this.only === domainId;
  }

  /** Hardware that applies the check treats the device entry like any other that faults. */
  private judgeOptional(chain: ReadChain): void {
    const { optionalFault, suppresses } = this.translation;
    const { domainId } = chain;
    chain.domainId = 0;
    if (this.feasibility.ofFaultyEntry(chain, true))
      this.addOutcome(Effect.blocked, optionalFault, suppresses);
    chain.domainId = domainId;
  }

  private add(suppresses: boolean): void {
    const { effect, rule, alternative } = this.translation;
    if (this.unit.protection && rule === null && !this.registers.protection.isUnused) {
      this.addUnprotected(effect, this.unit.protection);
      return;
    }
    this.addOutcome(effect, rule, suppresses);
    if (alternative) this.addOutcome(effect, alternative, suppresses);
  }

  /** A request that tables let pass: what becomes of it where memory may be protected. */
  private addUnprotected(effect: number, { rule, ofTranslated }: ProtectionRules<Fault>): void {
    const { protection } = this.registers;
    const { page } = this.translation;
    const isAccess = effect >= 0;
    // Choice: a zero-length read of protected memory, which touches none, may be blocked or not.
    const mayFail = (isAccess || effect === Effect.done) && protection.mayProtect(page, true, this.now);
    const isExempt = !isAccess || (!ofTranslated && !this.judged.passThrough);
    if (!mayFail || isExempt || protection.mayProtect(page, false, this.now))
      this.include(effect, null, false);
    if (mayFail) this.include(Effect.blocked, rule, false);
  }

  private addOutcome(effect: number, rule: Fault | null, suppresses: boolean): void {
    this.include(effect, rule, rule !== null && !(rule.suppressible && suppresses));
  }

  private include(effect: number, rule: Fault | null, recorded: boolean): void {
    if (this.sought) {
      if (effect === this.sought.effect) this.sought.domainIds.delete(this.domainId);
      return;
    }
    if (this.includes(effect, rule, recorded)) return;
    const outcome = { effect, rule, recorded };
    this.found.push(outcome);
    this.observer?.(outcome, this.judged);
  }

  /** Where memory may be protected, what tables let pass may be blocked. */
  private isSought(effect: number): boolean {
    return effect === this.sought?.effect || !this.registers.protection.isUnused;
  }

  private includes(effect: number, rule: Fault | null, recorded: boolean): boolean {
    for (const one of this.found)
      if (one.effect === effect && one.rule === rule && one.recorded === recorded) return true;
    return false;
  }

  /** True when the chain just decided would add nothing. */
  private isFound(suppresses: boolean): boolean {
    const { effect, rule, alternative } = this.translation;
    // Which page a request without data is for decides whether it may be blocked.
    if (effect === Effect.done && !this.registers.protection.isUnused) return false;
    if (this.sought) return !this.sought.domainIds.has(this.domainId) || !this.isSought(effect);
    const recorded = (one: Fault) => !(one.suppressible && suppresses);
    if (!this.includes(effect, rule, rule !== null && recorded(rule))) return false;
    return !alternative || this.includes(effect, alternative, recorded(alternative));
  }
}
