/**
 * The executable specification as a judge: it takes what software and devices did and saw, action by action, and says
 * whether a conforming VT-d unit in legacy mode may have shown that.
 */
import type * as architecture from "../architecture.js";
import type { DataStore, Oracle, Relaxation } from "../architecture.js";
import type { Finding, FindingKind } from "../finding.js";
import type { RunStart } from "../run-start.js";
import { type Action, Effect, type Observation, pageTag, type Request, writeTag } from "../trace.js";
import { showAddress, showRequester } from "../words/address.js";
import { COHERENT, OPEN, PhysicalMemory } from "../words/memory.js";
import { Coverage, type Rule } from "../words/rule.js";
import { AdmissibleOutcomes, type Outcome } from "./admissible.js";
import { invalidationRules, servedRules, vtdRules } from "./behaviour-rules.js";
import { explainEffect } from "./explain.js";
import { FaultLogView } from "./fault-view.js";
import { drains, InvalidationLog, type InvalidationTarget } from "./invalidation-log.js";
import { isDrained } from "./posted-writes.js";
import { QueueView, queueRules } from "./queue-view.js";
import { RegisterView } from "./register-view.js";
import { SteeringRegisters } from "./steering.js";
import { inInterruptRange, type WalkPlatform } from "./walk.js";

/** A write that a device was seen to make, with its tags. */
export interface LandedWrite extends architecture.LandedWrite {
  /** The domain ids it may have been translated under; {@link NO_DOMAIN} for none. */
  readonly domainIds: readonly number[];
}

export class VtdOracle implements Oracle {
  readonly drainRule = invalidationRules.drain.id;
  readonly coverage = new Coverage(vtdRules);
  readonly memory: PhysicalMemory;
  readonly steering = new SteeringRegisters();
  readonly log = new InvalidationLog();
  readonly queue: QueueView;
  readonly faults: FaultLogView;
  private readonly registers: RegisterView;
  readonly admissible: AdmissibleOutcomes;
  private readonly requesters: number[] = [];
  private readonly matching: Outcome[] = [];
  /** What is let pass beside the admissible outcomes: known deviations of the implementation under test. */
  relaxations: readonly Relaxation[] = [];

  readonly writes: LandedWrite[] = [];
  readonly dataStores: DataStore[] = [];
  readonly strays = new Set<number>();
  private dataPages = new Set<number>();
  private visible = new Set<number>();
  private start!: RunStart;

  constructor(readonly platform: WalkPlatform) {
    this.memory = new PhysicalMemory(platform.profile.memoryPages, COHERENT, pageTag);
    this.queue = new QueueView(platform, this.memory, this.log, this.coverage);
    this.faults = new FaultLogView(platform, this.coverage);
    this.registers = new RegisterView(
      platform,
      this.memory,
      this.steering,
      this.log,
      this.queue,
      this.faults,
      this.coverage,
    );
    this.admissible = new AdmissibleOutcomes(platform, this.memory, this.steering, this.log, this.requesters);
  }

  /** Forgets everything and takes up the state a run starts from. */
  reset(setup: RunStart): void {
    const translating = setup.start === "translating";
    this.steering.reset(translating, setup.rootPage);
    this.log.reset();
    this.queue.reset(translating && this.platform.queuedInvalidation, setup.queuePage);
    this.faults.reset();
    this.registers.reset(translating, setup.rootPage, setup.queuePage);
    this.requesters.length = 0;
    this.requesters.push(...setup.requesters);
    this.writes.length = 0;
    this.dataStores.length = 0;
    this.strays.clear();
    if (setup.dataPages !== this.start?.dataPages || setup.tablePages !== this.start?.tablePages) {
      this.dataPages = new Set(setup.dataPages);
      this.visible = new Set([...setup.dataPages, ...setup.tablePages]);
    }
    this.start = setup;
    this.memory.reset(this.platform.storeVisibility, this.dataPages);
  }

  /**
   * Takes one action with what it showed; returns what is wrong with that, or null.
   * @throws OutsideModel when the specification does not say what follows
   */
  perform(action: Action, seen: Observation, index: number): Finding | null {
    const step = index + 1;
    switch (action.do) {
      case "store":
        this.store(action.page, action.word, action.low, action.high, step);
        return null;
      case "flush-line":
        this.memory.flushLine(action.page, action.line, step);
        return null;
      case "write-register":
        this.registers.write(action.offset, action.width, action.low, action.high, step);
        return null;
      case "read-register":
        return this.readRegister(action.offset, action.width, seen, index);
      case "poll-register": {
        const asked = { offset: action.offset, value: action.value >>> 0, mask: action.mask >>> 0 };
        const complaint = seen.low === 1 ? this.registers.saw(asked, step) : this.registers.missed(asked);
        return complaint && { ...complaint, action: index, witness: [] };
      }
      case "read-memory":
        return null;
      case "poll-memory":
        return this.pollMemory(action.page, action.word, action.value, seen.low === 1, index);
      case "request":
        return this.request(action.request, action.slot, seen.low, index);
    }
  }

  /** Every outcome the request may have if it were answered after the actions taken so far. */
  outcomesOf(request: Request, index: number): readonly Outcome[] {
    return this.admissible.compute(request, index + 1);
  }

  private store(page: number, word: number, low: number, high: number, step: number): void {
    if (this.dataPages.has(page)) {
      this.dataStores.push({ step, page, word, low, high });
      this.memory.storeSnooped(page, word, low, high, step);
    } else if (page === this.queue.queuePage) {
      this.memory.fill(page, word, low, high);
    } else {
      this.memory.store(page, word, low, high, step);
    }
  }

  private readRegister(offset: number, width: number, seen: Observation, index: number): Finding | null {
    const step = index + 1;
    const first = this.registers.saw({ offset, value: seen.low >>> 0, mask: 0xffffffff }, step);
    const second =
      first ??
      (width === 8
        ? this.registers.saw({ offset: offset + 4, value: seen.high >>> 0, mask: 0xffffffff }, step)
        : null);
    return second && { ...second, action: index, witness: [] };
  }

  /** Software waited for a status write. */
  private pollMemory(
    page: number,
    word: number,
    value: number,
    shown: boolean,
    index: number,
  ): Finding | null {
    const step = index + 1;
    const item = this.queue.pendingStatus(page, word * 2, value);
    const frame = this.memory.frameOf(page);
    // What was there before tells nothing.
    if (shown && frame >= 0 && this.memory.low(frame, word) === value) return null;
    if (!shown) {
      if (!item || this.queue.bad) return null;
      return this.completionFinding(
        index,
        `the status value 0x${value.toString(16)} of a wait was never written`,
      );
    }
    if (!item) {
      const reason = this.queue.bad
        ? `the queue stands at the bad descriptor ${this.queue.bad.index}`
        : "no wait asks for it";
      return this.completionFinding(
        index,
        `the status value 0x${value.toString(16)} was written although ${reason}`,
      );
    }
    this.coverage.hit(queueRules.statusWrite);
    for (const one of this.queue.complete(item, step)) {
      const { status, interrupt } = one.wait!;
      this.registers.waitCompleted(interrupt, one.submitted);
      if (status) this.writeStatus(status.page, status.dword, status.data);
    }
    return null;
  }

  /** 6.5.2.9: a wait descriptor writes one DWORD. */
  private writeStatus(page: number, dword: number, data: number): void {
    const frame = this.memory.frameOf(page);
    if (frame < 0) return;
    const word = dword >>> 1;
    const upper = (dword & 1) !== 0;
    const low = upper ? this.memory.low(frame, word) : data;
    const high = upper ? data : this.memory.high(frame, word);
    this.memory.fill(page, word, low, high);
  }

  private completionFinding(action: number, message: string): Finding {
    return { kind: "completion", action, rules: [queueRules.statusWrite.id], message, witness: [] };
  }

  private request(request: Request, slot: number, effect: number, index: number): Finding | null {
    const step = index + 1;
    const outcomes = this.relaxed(request, this.admissible.compute(request, step));
    this.matching.length = 0;
    for (const one of outcomes) if (this.matches(one, request, effect)) this.matching.push(one);
    this.noteStrays(request, outcomes);
    if (this.matching.length === 0) return this.inadmissible(request, outcomes, effect, index);
    this.count(request, outcomes);
    this.faults.outcome(request, this.matching);
    if (effect >= 0 && request.type !== "read") this.landed(request, slot, effect, index);
    return null;
  }

  /** Outcomes of known deviations are those of rules of this architecture. */
  private relaxed(request: Request, outcomes: readonly Outcome[]): readonly Outcome[] {
    if (this.relaxations.length === 0) return outcomes;
    const further = outcomes.flatMap((outcome) =>
      this.relaxations.map((one) => (one.relaxes!(outcome, request) as Outcome | null) ?? outcome),
    );
    return [...new Set([...outcomes, ...further])];
  }

  /** `nowhere` is what an observer sees of a blocked request, and of one that went where nobody can look. */
  private matches(outcome: Outcome, request: Request, effect: number): boolean {
    if (effect !== Effect.nowhere) return outcome.effect === effect;
    return outcome.effect < 0 || !this.isVisible(request, outcome.effect);
  }

  /** A write leaves its mark in data pages and tables; what a read brings tells data pages only. */
  private isVisible(request: Request, page: number): boolean {
    return request.type === "read" ? this.dataPages.has(page) : this.visible.has(page);
  }

  /** Pages outside the run that a device may have written: whoever owns the memory has to clear them. */
  private noteStrays(request: Request, outcomes: readonly Outcome[]): void {
    if (request.type === "read" || request.length === 0) return;
    for (const { effect } of outcomes) {
      if (effect >= 0 && effect < this.platform.profile.memoryPages && !this.visible.has(effect))
        this.strays.add(effect);
    }
  }

  private landed(request: Request, slot: number, page: number, index: number): void {
    const step = index + 1;
    const tag = writeTag(slot);
    const domainIds = this.admissible.domainIdsOf(request, page, step);
    this.writes.push({ action: index, step, request, page, tag, domainIds });
    if (page >= this.platform.profile.memoryPages) return;
    const word = request.offset >>> 3;
    const frame = this.memory.frameOf(page);
    const upperHalf = (request.offset & 4) !== 0;
    const both = request.length === 8;
    const low = upperHalf ? this.memory.low(frame, word) : tag;
    const high = upperHalf || both ? tag : this.memory.high(frame, word);
    // Posted writes to data pages may be under way for long; a write into a table is one that every walk sees.
    if (this.dataPages.has(page)) this.memory.storePosted(page, word, low, high, step);
    else this.memory.storeSnooped(page, word, low, high, step);
  }

  private count(request: Request, outcomes: readonly Outcome[]): void {
    for (const one of outcomes) {
      if (one.rule) this.coverage.hit(one.rule);
    }
    const served = this.servedRule(request, this.matching[0]!);
    if (served) this.coverage.hit(served);
    if (outcomes.length > 1 && this.matching[0]!.effect >= 0) this.coverage.hit(servedRules.stale);
  }

  private servedRule(request: Request, outcome: Outcome): Rule | null {
    if (outcome.rule) return null;
    if (outcome.effect === Effect.interrupt) return servedRules.interrupt;
    if (outcome.effect === Effect.done) {
      return inInterruptRange(request.page) ? servedRules.interruptRead : servedRules.zeroLengthRead;
    }
    if (this.steering.enabled.latest === 0) return servedRules.untranslated;
    return outcome.effect === request.page ? servedRules.passThrough : servedRules.translated;
  }

  private inadmissible(
    request: Request,
    outcomes: readonly Outcome[],
    effect: number,
    index: number,
  ): Finding {
    const explanation = explainEffect(this, request, effect, index + 1);
    const kind = this.kindOf(outcomes, effect, explanation.everReachable);
    const rules = new Set(outcomes.flatMap((one) => (one.rule ? [one.rule.id] : [])));
    for (const id of explanation.rules) rules.add(id);
    const expected = outcomes.map(showOutcome).join(" or ");
    const message =
      `${request.type} of ${showAddress(request.page, request.offset)} by ${showRequester(request.requester)} ` +
      `${showEffect(effect)}; admissible: ${expected}`;
    return { kind, action: index, rules: [...rules], message, witness: explanation.lines };
  }

  private kindOf(outcomes: readonly Outcome[], effect: number, everReachable: boolean): FindingKind {
    if (effect < 0) {
      const refused =
        (effect === Effect.blocked || effect === Effect.nowhere) &&
        outcomes.every((one) => one.rule === null);
      return refused ? "refused" : "misdirected";
    }
    if (everReachable) return "stale";
    return outcomes.every((one) => one.rule !== null) ? "faulting-entry" : "forbidden";
  }

  /** The functions that issue requests in this run. */
  get functions(): readonly number[] {
    return this.requesters;
  }

  /** The pages whose contents the run can be held to. */
  isDataPage(page: number): boolean {
    return this.dataPages.has(page);
  }

  /** Forgets where writes landed and what was stored to data pages: the contents of memory cannot be judged any more. */
  forgetContents(): void {
    this.writes.length = 0;
    this.dataStores.length = 0;
  }

  /** True when the write had reached memory by step `by`. */
  isDrained(write: LandedWrite, by: number): boolean {
    return isDrained(this.queue, write, by);
  }

  /** Counts the kinds of invalidation that were submitted, and drains with writes to drain; called once for a run. */
  finish(): void {
    for (const { invalidation } of this.queue.drains) {
      const { target, submitted, observed } = invalidation;
      const isDrained = ({ step, request, domainIds }: LandedWrite) =>
        step < submitted && domainIds.every((id) => drains(target, id, request.page, 1));
      if (observed !== OPEN && this.writes.some(isDrained)) this.coverage.hit(invalidationRules.drain);
    }
    for (const entry of this.log.entries) {
      const rule = invalidationRule(entry.target);
      if (rule) this.coverage.hit(rule);
      if (entry.target.cache === "iotlb" && entry.target.granularity === "page" && entry.target.leafOnly) {
        this.coverage.hit(invalidationRules.iotlbLeafOnly);
      }
    }
  }
}

function invalidationRule(target: InvalidationTarget): Rule | null {
  if (target.cache === "all") return null;
  if (target.cache === "context") {
    const { contextGlobal, contextDomain, contextDevice } = invalidationRules;
    return { global: contextGlobal, domain: contextDomain, device: contextDevice }[target.granularity];
  }
  const { iotlbGlobal, iotlbDomain, iotlbPage } = invalidationRules;
  return { global: iotlbGlobal, domain: iotlbDomain, page: iotlbPage }[target.granularity];
}

/** An effect in words. */
export function showEffect(effect: number): string {
  if (effect >= 0) return `reaches page ${showAddress(effect)}`;
  if (effect === Effect.blocked) return "is blocked";
  if (effect === Effect.nowhere) return "has no effect";
  return effect === Effect.interrupt ? "goes to the interrupt unit" : "completes without touching memory";
}

function showOutcome(outcome: Outcome): string {
  if (!outcome.rule) return `it ${showEffect(outcome.effect)}`;
  const { reason, condition, id } = outcome.rule;
  return `it is blocked, reason ${reason.toString(16)}h (${condition}, ${id})${outcome.recorded ? "" : ", not recorded"}`;
}
