/**
 * The executable specification as a judge: it takes what software and devices did and saw, action by action, and says
 * whether a conforming unit may have shown that. What registers, queues and logs may show is each architecture's own.
 */
import type { DataStore, Oracle, Relaxation, SubmittedInvalidation } from "../architecture.js";
import type { Finding, FindingKind } from "../finding.js";
import type { RunStart } from "../run-start.js";
import {
  type Action,
  Effect,
  type Observation,
  type Request,
  taggedPages,
  type Word,
  writeTag,
} from "../trace.js";
import { showAddress, showRequester } from "../words/address.js";
import { empty } from "../words/lists.js";
import { type InitialContents, OPEN, PhysicalMemory } from "../words/memory.js";
import { Coverage, type Rule } from "../words/rule.js";
import { AdmissibleOutcomes, type Outcome } from "./admissible.js";
import { explainEffect, explainProtection } from "./explain.js";
import { actionsOf, InvalidationLog } from "./invalidation-log.js";
import { isDrained, type TranslatedWrite } from "./posted-writes.js";
import { SteeringRegisters } from "./steering.js";
import { pagesWithin, type Unit } from "./unit.js";
import type { FaultRule } from "./walk.js";

/** What a read or a poll of a register tells: the value of the bits in `mask`. */
export interface Seen {
  readonly offset: number;
  readonly value: number;
  readonly mask: number;
}

/** What is wrong with something that was seen; null when nothing is. */
export type Complaint = Pick<Finding, "kind" | "rules" | "message"> | null;

/** The rules by which requests are served, and writes drained. */
export interface ServedRules {
  readonly untranslated: Rule;
  readonly translated: Rule;
  readonly passThrough: Rule;
  readonly stale: Rule;
  readonly interrupt: Rule;
  readonly interruptRead: Rule;
  readonly zeroLengthRead: Rule;
  readonly drain: Rule;
}

export abstract class WindowsOracle<Target = unknown, Fault extends FaultRule = FaultRule> implements Oracle {
  readonly drainRule: string;
  readonly coverage: Coverage;
  readonly steering = new SteeringRegisters();
  readonly log: InvalidationLog<Target>;
  readonly admissible: AdmissibleOutcomes<Fault>;
  private readonly requesters: number[] = [];
  private readonly matching: Outcome<Fault>[] = [];
  /** What is let pass beside the admissible outcomes: known deviations of the implementation under test. */
  relaxations: readonly Relaxation[] = [];

  readonly writes: TranslatedWrite[] = [];
  readonly dataStores: DataStore[] = [];
  readonly strays = new Set<number>();
  private dataPages = new Set<number>();
  private visible = new Set<number>();
  private start!: RunStart;

  constructor(
    readonly unit: Unit<Target, Fault>,
    rules: readonly Rule[],
    private readonly served: ServedRules,
    readonly memory = new PhysicalMemory(unit.memoryPages),
  ) {
    this.drainRule = served.drain.id;
    this.coverage = new Coverage(rules);
    this.log = new InvalidationLog(unit.invalidations);
    this.admissible = new AdmissibleOutcomes(unit, this.memory, this.steering, this.log, this.requesters);
  }

  /** Takes registers, queue and logs to where the run starts. */
  protected abstract resetViews(setup: RunStart): void;
  /** The value of the table pointer that is in force where the run starts. */
  protected abstract startPointer(setup: RunStart): number;
  /** Software wrote 4 or 8 bytes to a register. */
  protected abstract writeRegister(
    offset: number,
    width: number,
    low: number,
    high: number,
    step: number,
  ): void;
  /** Software read this, 32 bits at a time. */
  protected abstract sawRegister(seen: Seen, step: number): Complaint;
  /** Software gave up waiting for this. */
  protected abstract missedRegister(seen: Seen): Complaint;
  /** Software read a word of memory that the unit may have written. */
  protected abstract sawMemory(page: number, word: number, seen: Word, step: number): Complaint;
  /** Software waited for a value that was not there before, and saw it or gave up. */
  protected abstract polledMemory(
    page: number,
    word: number,
    value: number,
    shown: boolean,
    step: number,
  ): Complaint;
  /** The page is read when software submits what is in it, and never again. */
  protected abstract isFetchedWhenSubmitted(page: number): boolean;
  /** A request had one of these outcomes. */
  protected abstract decided(request: Request, matching: readonly Outcome<Fault>[]): void;
  /** A fault as the unit reports it, in words. */
  protected abstract describeFault(rule: Fault): string;
  /** The rules of an invalidation, for coverage. */
  protected abstract rulesOf(target: Target): readonly Rule[];
  /** Forgets the oldest commands as far as they are known to be done. */
  abstract forgetCommands(): void;

  reset(setup: RunStart): void {
    this.steering.reset(setup.start === "translating", this.startPointer(setup));
    this.log.reset();
    empty(this.requesters);
    for (const requester of setup.requesters) this.requesters.push(requester);
    empty(this.writes);
    empty(this.dataStores);
    if (this.strays.size > 0) this.strays.clear();
    if (setup.dataPages !== this.start?.dataPages || setup.tablePages !== this.start?.tablePages) {
      this.dataPages = new Set(setup.dataPages);
      this.visible = new Set([...setup.dataPages, ...setup.tablePages]);
    }
    this.start = setup;
    this.memory.reset(this.unit.storeVisibility, this.startContents(setup), this.unit.memoryPages);
    this.resetViews(setup);
  }

  /** What memory holds when the run starts; the same object for the same start. */
  protected startContents({ dataPages }: RunStart): InitialContents {
    return taggedPages(dataPages);
  }

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
        this.writeRegister(action.offset, action.width, action.low, action.high, step);
        return null;
      case "read-register":
        return findingOf(this.readRegister(action.offset, action.width, seen, step), index);
      case "poll-register": {
        const asked = { offset: action.offset, value: action.value >>> 0, mask: action.mask >>> 0 };
        const complaint = seen.low === 1 ? this.sawRegister(asked, step) : this.missedRegister(asked);
        return findingOf(complaint, index);
      }
      case "read-memory":
        return findingOf(this.sawMemory(action.page, action.word, seen, step), index);
      case "poll-memory": {
        const { page, word, value } = action;
        const shown = seen.low === 1;
        return shown && this.holds(page, word, value)
          ? null
          : findingOf(this.polledMemory(page, word, value, shown, step), index);
      }
      case "request":
        return this.request(action.request, action.slot, seen.low, index);
    }
  }

  outcomesOf(request: Request, index: number): readonly Outcome<Fault>[] {
    return this.admissible.compute(request, index + 1);
  }

  private store(page: number, word: number, low: number, high: number, step: number): void {
    if (this.dataPages.has(page)) {
      this.dataStores.push({ step, page, word, low, high });
      this.memory.storeSnooped(page, word, low, high, step);
    } else if (this.isFetchedWhenSubmitted(page)) {
      this.memory.fill(page, word, low, high);
    } else {
      this.memory.store(page, word, low, high, step);
    }
  }

  private readRegister(offset: number, width: number, seen: Observation, step: number): Complaint {
    const first = this.sawRegister({ offset, value: seen.low >>> 0, mask: 0xffffffff }, step);
    if (first || width !== 8) return first;
    return this.sawRegister({ offset: offset + 4, value: seen.high >>> 0, mask: 0xffffffff }, step);
  }

  /** What was there before tells nothing. */
  private holds(page: number, word: number, value: number): boolean {
    const frame = this.memory.frameOf(page);
    return frame >= 0 && this.memory.low(frame, word) === value;
  }

  private request(request: Request, slot: number, effect: number, index: number): Finding | null {
    const step = index + 1;
    const outcomes = this.relaxed(request, this.admissible.compute(request, step));
    empty(this.matching);
    for (const one of outcomes) if (this.matches(one, request, effect)) this.matching.push(one);
    this.noteStrays(request, outcomes);
    if (this.matching.length === 0) return this.inadmissible(request, outcomes, effect, index);
    this.count(request, outcomes);
    this.decided(request, this.matching);
    if (effect >= 0 && request.type !== "read") this.landed(request, slot, effect, index);
    return null;
  }

  /** Outcomes of known deviations are those of rules of this architecture. */
  private relaxed(request: Request, outcomes: readonly Outcome<Fault>[]): readonly Outcome<Fault>[] {
    if (this.relaxations.length === 0) return outcomes;
    const further = outcomes.flatMap((outcome) =>
      this.relaxations.map((one) => (one.relaxes!(outcome, request) as Outcome<Fault> | null) ?? outcome),
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
      if (effect >= 0 && effect < this.unit.memoryPages && !this.visible.has(effect)) this.strays.add(effect);
    }
  }

  private landed(request: Request, slot: number, page: number, index: number): void {
    const step = index + 1;
    const tag = writeTag(slot);
    const domainIds = this.admissible.domainIdsOf(request, page, step);
    this.writes.push({ action: index, step, request, page, tag, domainIds });
    if (page >= this.unit.memoryPages) return;
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

  private count(request: Request, outcomes: readonly Outcome<Fault>[]): void {
    for (const one of outcomes) {
      if (one.rule) this.coverage.hit(one.rule);
    }
    const served = this.servedRule(request, this.matching[0]!);
    if (served) this.coverage.hit(served);
    if (outcomes.length > 1 && this.matching[0]!.effect >= 0) this.coverage.hit(this.served.stale);
  }

  private servedRule(request: Request, outcome: Outcome): Rule | null {
    const { served } = this;
    if (outcome.rule) return null;
    if (outcome.effect === Effect.interrupt) return served.interrupt;
    if (outcome.effect === Effect.done) {
      const isSpecial = pagesWithin(this.unit.special.input, request.page) > 0;
      return isSpecial ? served.interruptRead : served.zeroLengthRead;
    }
    if (this.steering.enabled.latest === 0) return served.untranslated;
    return outcome.effect === request.page ? served.passThrough : served.translated;
  }

  private inadmissible(
    request: Request,
    outcomes: readonly Outcome<Fault>[],
    effect: number,
    index: number,
  ): Finding {
    const keptOut = this.isKeptOut(outcomes, effect);
    const explanation = keptOut
      ? explainProtection(request, effect)
      : explainEffect(this, request, effect, index + 1);
    const kind = keptOut ? "forbidden" : kindOf(outcomes, effect, explanation.everReachable);
    const rules = new Set(outcomes.flatMap((one) => (one.rule ? [one.rule.id] : [])));
    for (const id of explanation.rules) rules.add(id);
    const expected = outcomes.map((one) => this.showOutcome(one)).join(" or ");
    const message =
      `${request.type} of ${showAddress(request.page, request.offset)} by ${showRequester(request.requester)} ` +
      `${showEffect(effect)}; admissible: ${expected}`;
    const { lines, evidence } = explanation;
    return { kind, action: index, rules: [...rules], message, witness: lines, evidence };
  }

  /** The request was to be blocked because memory is protected, and was not. */
  private isKeptOut(outcomes: readonly Outcome<Fault>[], effect: number): boolean {
    return (
      effect >= 0 && outcomes.every((one) => one.rule !== null && one.rule === this.unit.protection?.rule)
    );
  }

  private showOutcome({ effect, rule, recorded }: Outcome<Fault>): string {
    if (!rule) return `it ${showEffect(effect)}`;
    return `it is blocked, ${this.describeFault(rule)}${recorded ? "" : ", not recorded"}`;
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

  invalidations(): SubmittedInvalidation[] {
    const { wording } = this.unit;
    return this.log.entries.map((one) => ({
      ...actionsOf(one),
      text: wording.describe(one.target),
      queued: one.queued,
    }));
  }

  isDrained(write: TranslatedWrite, by: number): boolean {
    return isDrained(this.log, write, by);
  }

  finish(): void {
    for (const entry of this.log.entries) {
      for (const rule of this.rulesOf(entry.target)) this.coverage.hit(rule);
      if (entry.observed === OPEN || !entry.drainsWrites) continue;
      const isDrainedBy = ({ step, request: { requester, page }, domainIds }: TranslatedWrite) =>
        step < entry.submitted &&
        domainIds.every((domainId) => this.log.drains(entry, { requester, domainId, page, pages: 1 }));
      if (this.writes.length > 0 && this.writes.some(isDrainedBy)) this.coverage.hit(this.served.drain);
    }
  }
}

function findingOf(complaint: Complaint, action: number): Finding | null {
  return complaint && { ...complaint, action, witness: [] };
}

function kindOf(outcomes: readonly Outcome[], effect: number, everReachable: boolean): FindingKind {
  if (effect < 0) {
    const refused =
      (effect === Effect.blocked || effect === Effect.nowhere) && outcomes.every((one) => one.rule === null);
    return refused ? "refused" : "misdirected";
  }
  if (everReachable) return "stale";
  return outcomes.every((one) => one.rule !== null) ? "faulting-entry" : "forbidden";
}

/** An effect in words. */
export function showEffect(effect: number): string {
  if (effect >= 0) return `reaches page ${showAddress(effect)}`;
  if (effect === Effect.blocked) return "is blocked";
  if (effect === Effect.nowhere) return "has no effect";
  return effect === Effect.interrupt ? "goes to the interrupt unit" : "completes without touching memory";
}
