/**
 * Witnesses: states that the generator exists to reach. A witness that no run reaches means that a whole class of
 * mistakes cannot be found, whatever the number of runs.
 */
import type { CompiledRun } from "../generators/compile.js";
import { defaultOptions, type GeneratorOptions, generateScenario } from "../generators/generate.js";
import type { Iommu } from "../implementations/iommu/interface.js";
import type { Action, Request } from "../model/trace.js";
import { faultLogRules } from "../model/vtd/behaviour-rules.js";
import { CurrentReader } from "../model/vtd/current-reader.js";
import { Cache, type Fence } from "../model/vtd/invalidation-log.js";
import type { VtdOracle } from "../model/vtd/oracle.js";
import { isDrained } from "../model/vtd/posted-writes.js";
import { queueRules } from "../model/vtd/queue-view.js";
import { decide, lookUpContext, pageOf, Structure, Translation, walk } from "../model/vtd/walk.js";
import { OPEN, type PhysicalMemory } from "../model/words/memory.js";
import type { Rule } from "../model/words/rule.js";
import { Judge, type RunWatcher } from "./judge.js";

/** The states, by name, each with what it means. */
export const witnesses = {
  "stale-leaf": "A request may be answered with a page that its leaf entry led to before",
  "stale-upper-entry": "A request may be answered through a table that an upper entry pointed to before",
  "torn-context": "A context entry may be cached as it was while software was halfway through changing it",
  "write-in-flight":
    "A page is given new content while a posted write to it may still be under way, despite a flush",
  "write-drained": "A page is given new content after a draining flush has ended a posted write to it",
  "fault-overflow": "A fault finds its recording register in use",
  "fault-collapse": "A requester with a fault pending causes another",
  "queue-error": "A bad descriptor stops the queue",
  "command-pending": "A request is made while a register command is under way",
  "shared-table": "A request is made by a device that shares its page tables with another",
  "superpage-change": "A superpage on the way of a request was split, or was put together from pages",
} as const;
export type Witness = keyof typeof witnesses;

/** Rules whose use is a witness. */
const WITNESS_RULES: readonly (readonly [Witness, Rule])[] = [
  ["fault-overflow", faultLogRules.overflow],
  ["fault-collapse", faultLogRules.collapse],
  ["queue-error", queueRules.stop],
];

/** The share of runs of `iommu` that reach each witness, over `runs` generated scenarios from seed `seed` on. */
export function witnessShares(
  iommu: Iommu,
  runs: number,
  seed = 0,
  options: GeneratorOptions = defaultOptions,
): Map<Witness, number> {
  const counter = new WitnessCounter();
  const judge = new Judge(counter);
  for (let run = 0; run < runs; run++) {
    judge.judge(generateScenario(seed + run, options), iommu);
    counter.end();
  }
  return new Map([...counter.counts].map(([witness, count]) => [witness, count / runs]));
}

/** Reads tables as they are now, but for one entry of the second stage as it was `age` stores ago. */
class OneOldEntryReader extends CurrentReader {
  /** The entry was read, and it has such a past. */
  used = false;
  /** It, or its present value, maps a page and the other one points to a table. */
  sizeChanged = false;
  private level = 0;

  constructor(
    private readonly words: PhysicalMemory,
    rootPage: number,
    private readonly oldLevel: number,
    private readonly age: number,
  ) {
    super(words, rootPage);
  }

  override read(structure: Structure, page: number, word: number): boolean {
    if (!super.read(structure, page, word)) return false;
    if (structure !== Structure.secondStage || this.level !== this.oldLevel) return true;
    const { words } = this;
    let version = words.newestVersion(words.frameOf(page), word);
    for (let older = 0; older < this.age && version !== 0; older++) version = words.olderVersion(version);
    if (version === 0) return true;
    this.used = true;
    const before = words.lowOf(version);
    this.sizeChanged =
      this.level > 1 && (before & 3) !== 0 && (this.low & 3) !== 0 && ((before ^ this.low) & 0x80) !== 0;
    this.low = before;
    this.high = words.highOf(version);
    return true;
  }

  override startLevel(out: Translation): void {
    this.level = out.level;
  }

  override tableReached(out: Translation): void {
    this.level = out.level;
  }
}

class WitnessCounter implements RunWatcher {
  readonly counts = new Map<Witness, number>((Object.keys(witnesses) as Witness[]).map((one) => [one, 0]));
  private readonly seen = new Set<Witness>();
  private readonly rulesBefore: number[] = [];
  private readonly translation = new Translation();
  private readonly fence: Fence = { step: 0, done: [] };
  private oracle!: VtdOracle;

  begin(_: CompiledRun, oracle: VtdOracle): void {
    this.oracle = oracle;
    this.seen.clear();
    for (const [index, [, rule]] of WITNESS_RULES.entries())
      this.rulesBefore[index] = oracle.coverage.countOf(rule);
  }

  after(action: Action, index: number): void {
    if (action.do === "store" && this.oracle.isDataPage(action.page))
      this.contentGiven(action.page, action.word, index + 1);
    if (action.do === "request") this.requested(action.request, index);
  }

  /** Counts what the run has reached. */
  end(): void {
    for (const [index, [witness, rule]] of WITNESS_RULES.entries()) {
      if (this.oracle.coverage.countOf(rule) > this.rulesBefore[index]!) this.seen.add(witness);
    }
    for (const witness of this.seen) this.counts.set(witness, this.counts.get(witness)! + 1);
  }

  private contentGiven(page: number, word: number, step: number): void {
    const { log, queue, writes } = this.oracle;
    for (const write of writes) {
      if (write.page !== page || write.request.offset >>> 3 !== word) continue;
      const flushed = log.entries.some(
        ({ submitted, observed }) => submitted > write.step && observed <= step,
      );
      if (isDrained(queue, write, step)) this.seen.add("write-drained");
      else if (flushed) this.seen.add("write-in-flight");
    }
  }

  private requested(request: Request, index: number): void {
    const { enabled, rootPointer } = this.oracle.steering;
    const commanded = this.oracle.log.entries.some((one) => !one.queued && one.observed === OPEN);
    if (commanded || enabled.isPending(index + 1) || rootPointer.isPending(index + 1))
      this.seen.add("command-pending");
    if (enabled.latest === 0) return;
    this.lookForTornContext(request, index + 1);
    this.lookForSharedTable(request);
    this.lookForStaleEntries(request, index);
  }

  private lookForStaleEntries(request: Request, index: number): void {
    const now = this.effectFrom(request, this.currentReader());
    const levels = this.translation.firstLevel;
    const outcomes = this.oracle.outcomesOf(request, index);
    for (let level = levels; level >= 1; level--) {
      for (let age = 1; ; age++) {
        const reader = new OneOldEntryReader(
          this.oracle.memory,
          this.oracle.steering.rootPointer.latest,
          level,
          age,
        );
        const effect = this.effectFrom(request, reader);
        if (!reader.used) break;
        if (reader.sizeChanged) this.seen.add("superpage-change");
        const possible = outcomes.some((one) => one.rule === null && one.effect === effect);
        if (effect < 0 || effect === now || !possible) continue;
        this.seen.add(this.translation.level === level ? "stale-leaf" : "stale-upper-entry");
      }
    }
  }

  private currentReader(): CurrentReader {
    return new CurrentReader(this.oracle.memory, this.oracle.steering.rootPointer.latest);
  }

  private effectFrom(request: Request, reader: CurrentReader): number {
    walk(this.oracle.platform, reader, request.requester, request.page, this.translation);
    decide(this.oracle.platform, request, this.translation);
    return this.translation.effect;
  }

  private lookForSharedTable({ requester, page }: Request): void {
    const own = this.firstTableOf(requester, page);
    if (own === null) return;
    for (const other of this.oracle.functions) {
      if (other !== requester && this.firstTableOf(other, page) === own) this.seen.add("shared-table");
    }
  }

  private firstTableOf(requester: number, page: number): number | null {
    const { translation } = this;
    if (!lookUpContext(this.oracle.platform, this.currentReader(), requester, page, translation)) return null;
    return translation.passThrough ? null : translation.table;
  }

  /** Between the stores to its two halves an entry that stays present has the old first half and the new second one. */
  private lookForTornContext({ requester }: Request, now: number): void {
    const { memory, steering } = this.oracle;
    const reader = this.currentReader();
    if (!reader.read(Structure.root, steering.rootPointer.latest, (requester >>> 8) * 2)) return;
    const frame = memory.frameOf(pageOf(reader.low, reader.high));
    if (frame < 0) return;
    const word = (requester & 0xff) * 2;
    const newest = memory.newestVersion(frame, word + 1);
    for (let second = newest; second !== 0; second = memory.olderVersion(second)) {
      const changed = memory.sinceOf(second);
      const before = memory.olderVersion(second);
      if (before === 0 || memory.lowOf(before) === memory.lowOf(second)) continue;
      let first = memory.newestVersion(frame, word);
      while (first !== 0 && memory.sinceOf(first) > changed) first = memory.olderVersion(first);
      const torn = first !== 0 && memory.untilOf(first) <= now && (memory.lowOf(first) & 1) !== 0;
      if (torn && this.mayBeCached(requester, memory.lowOf(second), memory.untilOf(first), now)) {
        this.seen.add("torn-context");
      }
    }
  }

  private mayBeCached(sourceId: number, secondLow: number, until: number, now: number): boolean {
    const tags = { sourceId, domainId: (secondLow >>> 8) & 0xffff, page: 0, level: 0 };
    this.oracle.log.fence(Cache.context, tags, now, [], this.fence);
    return this.fence.step < until;
  }
}
