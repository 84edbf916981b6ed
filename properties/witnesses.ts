/**
 * Witnesses: states that the generators exist to reach. A witness that no run reaches means that a whole class of
 * mistakes cannot be found, whatever the number of runs.
 */
import type { CompiledRun } from "../generators/compile.js";
import { type GeneratorOptions, generateScenario } from "../generators/generate.js";
import type { Iommu } from "../implementations/iommu/interface.js";
import { commandRules, eventRules } from "../model/amdvi/behaviour-rules.js";
import type { ArchitectureId } from "../model/profile.js";
import type { Action, Request } from "../model/trace.js";
import { faultLogRules } from "../model/vtd/behaviour-rules.js";
import { queueRules } from "../model/vtd/queue-view.js";
import { CurrentReader } from "../model/windows/current-reader.js";
import { Cache, type Fence } from "../model/windows/invalidation-log.js";
import type { WindowsOracle } from "../model/windows/oracle.js";
import { LeadsTo, type TableEntries } from "../model/windows/unit.js";
import { Structure, Translation } from "../model/windows/walk.js";
import { OPEN, type PhysicalMemory } from "../model/words/memory.js";
import type { Rule } from "../model/words/rule.js";
import { Judge, type RunWatcher } from "./judge.js";
import { architectureDrawn } from "./subject.js";

/** States that every architecture has, by name, each with what it means. */
const common = {
  "stale-leaf": "A request may be answered with a page that its leaf entry led to before",
  "stale-upper-entry": "A request may be answered through a table that an upper entry pointed to before",
  "torn-device-entry":
    "A device entry may be cached as it was while software was halfway through changing its two words",
  "write-in-flight":
    "A page is given new content while a posted write to it may still be under way, despite a flush",
  "write-drained": "A page is given new content after a draining flush has ended a posted write to it",
  "shared-table": "A request is made by a device that shares its page tables with another",
  "superpage-change": "A superpage on the way of a request was split, or was put together from pages",
  "command-pending": "A request is made while an invalidation or another command is under way",
} as const;

/** What an architecture adds. */
interface OwnWitnesses {
  /** Rules whose use is a witness, by its name. */
  readonly rules: Readonly<Record<string, Rule>>;
  /** The domain id in the low half of the second word of a device entry. */
  domainIdOf(low: number): number;
}

const own: Readonly<Record<ArchitectureId, OwnWitnesses>> = {
  vtd: {
    rules: {
      "fault-overflow": faultLogRules.overflow,
      "fault-collapse": faultLogRules.collapse,
      "queue-error": queueRules.stop,
    },
    domainIdOf: (low) => (low >>> 8) & 0xffff,
  },
  amdvi: {
    rules: {
      "event-overflow": eventRules.overflow,
      "event-suppressed": eventRules.suppressAll,
      "command-error": commandRules.halt,
      "command-restart": commandRules.restart,
    },
    domainIdOf: (low) => low & 0xffff,
  },
};

/** The share of runs of `iommu` that reach each witness, over `runs` generated scenarios from seed 0 on. */
export function witnessShares(iommu: Iommu, runs: number, options: GeneratorOptions): Map<string, number> {
  const counter = new WitnessCounter(own[architectureDrawn(options).id]);
  const judge = new Judge(counter);
  for (let seed = 0; seed < runs; seed++) {
    judge.judge(generateScenario(seed, options), iommu);
    counter.end();
  }
  return new Map([...counter.counts].map(([witness, count]) => [witness, count / runs]));
}

/** Reads tables as they are now, but for one entry of the page tables as it was `age` stores ago. */
class OneOldEntryReader extends CurrentReader {
  /** The entry was read, and it has such a past. */
  used = false;
  /** It, or its present value, maps pages and the other one points to a table. */
  sizeChanged = false;
  private level = 0;

  constructor(
    private readonly words: PhysicalMemory,
    private readonly entries: TableEntries,
    pointer: number,
    private readonly oldLevel: number,
    private readonly age: number,
  ) {
    super(words, pointer);
  }

  override read(structure: Structure, page: number, word: number): boolean {
    if (!super.read(structure, page, word)) return false;
    if (structure !== Structure.table || this.level !== this.oldLevel) return true;
    const { words } = this;
    let version = words.newestVersion(words.frameOf(page), word);
    for (let older = 0; older < this.age && version !== 0; older++) version = words.olderVersion(version);
    if (version === 0) return true;
    this.used = true;
    const present = this.mapsPages();
    this.low = words.lowOf(version);
    this.high = words.highOf(version);
    const before = this.mapsPages();
    this.sizeChanged = present !== null && before !== null && present !== before;
    return true;
  }

  /** Whether the entry that was read maps pages; null when it is not present. */
  private mapsPages(): boolean | null {
    const { entries, level, low, high } = this;
    return (low & entries.presentMask) === 0 ? null : entries.next(level, low, high) === LeadsTo.pages;
  }

  override startLevel(out: Translation): void {
    this.level = out.level;
  }

  override tableReached(out: Translation): void {
    this.level = out.level;
  }
}

/** Remembers where the device entry of a walk was. */
class DeviceEntryFinder extends CurrentReader {
  page = -1;
  word = 0;

  override read(structure: Structure, page: number, word: number): boolean {
    if (structure === Structure.device) {
      this.page = page;
      this.word = word;
    }
    return super.read(structure, page, word);
  }
}

class WitnessCounter implements RunWatcher {
  readonly counts: Map<string, number>;
  private readonly rules: readonly (readonly [string, Rule])[];
  private readonly seen = new Set<string>();
  private readonly rulesBefore: number[] = [];
  private readonly translation = new Translation();
  private readonly fence: Fence = { step: 0, done: [] };
  private oracle!: WindowsOracle;

  constructor(private readonly witnesses: OwnWitnesses) {
    this.rules = Object.entries(witnesses.rules);
    this.counts = new Map([...Object.keys(common), ...Object.keys(witnesses.rules)].map((one) => [one, 0]));
  }

  begin(_: CompiledRun, oracle: WindowsOracle): void {
    this.oracle = oracle;
    this.seen.clear();
    for (const [index, [, rule]] of this.rules.entries())
      this.rulesBefore[index] = oracle.coverage.countOf(rule);
  }

  after(action: Action, index: number): void {
    if (action.do === "store" && this.oracle.isDataPage(action.page))
      this.contentGiven(action.page, action.word, index + 1);
    if (action.do === "request") this.requested(action.request, index);
  }

  /** Counts what the run has reached. */
  end(): void {
    for (const [index, [witness, rule]] of this.rules.entries()) {
      if (this.oracle.coverage.countOf(rule) > this.rulesBefore[index]!) this.seen.add(witness);
    }
    for (const witness of this.seen) this.counts.set(witness, this.counts.get(witness)! + 1);
  }

  private contentGiven(page: number, word: number, step: number): void {
    const { oracle } = this;
    for (const write of oracle.writes) {
      if (write.page !== page || write.request.offset >>> 3 !== word) continue;
      const flushed = oracle.log.entries.some(
        ({ submitted, observed }) => submitted > write.step && observed <= step,
      );
      if (oracle.isDrained(write, step)) this.seen.add("write-drained");
      else if (flushed) this.seen.add("write-in-flight");
    }
  }

  private requested(request: Request, index: number): void {
    const { log, steering } = this.oracle;
    const { enabled, tablePointer } = steering;
    const invalidating = log.entries.some((one) => one.observed === OPEN);
    if (invalidating || enabled.isPending(index + 1) || tablePointer.isPending(index + 1))
      this.seen.add("command-pending");
    if (enabled.latest === 0) return;
    this.lookForTornEntry(request, index + 1);
    this.lookForSharedTable(request);
    this.lookForStaleEntries(request, index);
  }

  private lookForStaleEntries(request: Request, index: number): void {
    const { memory, unit } = this.oracle;
    const pointer = this.oracle.steering.tablePointer.latest;
    const now = this.effectFrom(request, new CurrentReader(memory, pointer));
    const levels = this.translation.firstLevel;
    const outcomes = this.oracle.outcomesOf(request, index);
    for (let level = levels; level >= 1; level--) {
      for (let age = 1; ; age++) {
        const reader = new OneOldEntryReader(memory, unit.entries, pointer, level, age);
        const effect = this.effectFrom(request, reader);
        if (!reader.used) break;
        if (reader.sizeChanged) this.seen.add("superpage-change");
        const possible = outcomes.some((one) => one.rule === null && one.effect === effect);
        if (effect < 0 || effect === now || !possible) continue;
        this.seen.add(this.translation.level === level ? "stale-leaf" : "stale-upper-entry");
      }
    }
  }

  private effectFrom(request: Request, reader: CurrentReader): number {
    const { unit } = this.oracle;
    const { translation } = this;
    if (unit.lookUpDevice(reader, request.requester, request.page, translation))
      unit.translate(reader, translation);
    unit.decide(request, translation, translation.deviceAccess);
    return translation.effect;
  }

  private lookForSharedTable({ requester, page }: Request): void {
    const own = this.firstTableOf(requester, page);
    if (own === null) return;
    for (const other of this.oracle.functions) {
      if (other !== requester && this.firstTableOf(other, page) === own) this.seen.add("shared-table");
    }
  }

  private firstTableOf(requester: number, page: number): number | null {
    const { memory, steering, unit } = this.oracle;
    const reader = new CurrentReader(memory, steering.tablePointer.latest);
    const { translation } = this;
    if (!unit.lookUpDevice(reader, requester, page, translation)) return null;
    return translation.passThrough ? null : translation.table;
  }

  /** Between the stores to its two words an entry that stays valid has the old first word and the new second one. */
  private lookForTornEntry({ requester, page }: Request, now: number): void {
    const { memory, steering, unit } = this.oracle;
    const finder = new DeviceEntryFinder(memory, steering.tablePointer.latest);
    unit.lookUpDevice(finder, requester, page, this.translation);
    const frame = finder.page < 0 ? -1 : memory.frameOf(finder.page);
    if (frame < 0) return;
    const { word } = finder;
    const newest = memory.newestVersion(frame, word + 1);
    for (let second = newest; second !== 0; second = memory.olderVersion(second)) {
      const changed = memory.sinceOf(second);
      const before = memory.olderVersion(second);
      if (before === 0 || memory.lowOf(before) === memory.lowOf(second)) continue;
      let first = memory.newestVersion(frame, word);
      while (first !== 0 && memory.sinceOf(first) > changed) first = memory.olderVersion(first);
      const torn = first !== 0 && memory.untilOf(first) <= now && (memory.lowOf(first) & 1) !== 0;
      if (torn && this.mayBeCached(requester, memory.lowOf(second), memory.untilOf(first), now))
        this.seen.add("torn-device-entry");
    }
  }

  private mayBeCached(requester: number, secondLow: number, until: number, now: number): boolean {
    const tags = { requester, domainId: this.witnesses.domainIdOf(secondLow), page: 0, pages: 0 };
    this.oracle.log.fence(Cache.device, tags, now, [], this.fence);
    return this.fence.step < until;
  }
}
