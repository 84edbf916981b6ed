/**
 * The abstract IOMMU of VT-d legacy mode: a machine that may do anything legal (VT-d 6.2, 6.5). What some run of it
 * shows is admissible, and nothing else is. It says what {@link AdmissibleOutcomes} computes, by trying every run, and
 * is meant for tiny configurations only.
 */
import type { Request } from "../trace.js";
import { Exploration, type MachineState } from "../windows/abstract-exploration.js";
import type { Outcome } from "../windows/admissible.js";
import type { Pages } from "../windows/unit.js";
import { VisibleMemory } from "../words/visible-memory.js";
import { AbstractAnswers } from "./abstract-answers.js";
import { type Command, mayExecute, type Submitted } from "./abstract-commands.js";
import {
  type ContextEntry,
  contextsOf,
  type Entry,
  type Found,
  identity,
  iotlbTags,
  isFaulty,
  nameOf,
  type PagingEntry,
  type RootEntry,
  removes,
  rootOf,
  type Start,
  secondStageOf,
} from "./abstract-entries.js";
import { faultRules } from "./rules.js";
import { PAGES_BY_LEVEL } from "./tables.js";
import { tableIndex, type WalkPlatform } from "./walk.js";

interface State extends MachineState<Entry, Command> {
  readonly rootTable: number;
  /** The number of the last write-back that has left the write buffer. */
  readonly flushed: number;
}

export class AbstractMachine extends Exploration<Entry, Command, State> {
  private readonly memory: VisibleMemory;
  private enabled: boolean[];
  private protects: (readonly Pages[])[] = [[]];

  /**
   * @param functions the functions of the platform, each of which may make requests at any moment
   * @param pages the pages that requests may ask for
   */
  constructor(
    private readonly platform: WalkPlatform,
    pageCount: number,
    private readonly functions: readonly number[],
    private readonly pages: readonly number[],
    rootTable: number,
    enabled: boolean,
  ) {
    const memory = new VisibleMemory(pageCount, platform.storeVisibility);
    super({ kept: new Set(), complete: false, pending: [], rootTable, flushed: memory.written });
    this.memory = memory;
    this.enabled = [enabled];
  }

  /** Sets up memory before the first step. */
  set(page: number, word: number, low: number, high: number): void {
    this.memory.set(page, word, low, high);
  }

  store(page: number, word: number, low: number, high: number): void {
    this.explore();
    this.memory.store(page, word, low, high);
    this.memoryChanged();
  }

  flushLine(page: number, line: number): void {
    this.explore();
    this.memory.flushLine(page, line);
    this.memoryChanged();
  }

  flushBuffer(): void {
    this.explore();
    this.states = this.states.map((state) => this.bufferFlushed(state));
  }

  private bufferFlushed(state: State): State {
    return { ...state, flushed: this.memory.written, complete: false };
  }

  /** Translation is switched on or off at some moment from now on. Only requests look at it, so no state needs to. */
  commandEnabled(enabled: boolean): void {
    this.enabled.push(enabled);
  }

  observeEnabled(): void {
    this.enabled = this.enabled.slice(-1);
  }

  /** These pages are protected at some moment from now on; requests alone look at that as well. */
  commandProtected(pages: readonly Pages[]): void {
    this.protects.push(pages);
  }

  observeProtected(): void {
    this.protects = this.protects.slice(-1);
  }

  submit(...invalidations: Submitted[]): Command[] {
    this.explore();
    return invalidations.map((invalidate) => this.give({ invalidate }));
  }

  commandRootTable(setRootTable: number): Command {
    this.explore();
    return this.give({ setRootTable });
  }

  protected execute(state: State, command: Command): State {
    const pending = state.pending.filter((one) => one !== command);
    if ("setRootTable" in command)
      return { ...state, pending, rootTable: command.setRootTable, complete: false };
    const kept = [...state.kept].filter((entry) => !removes(command.invalidate.target, entry));
    // 6.8: flushing the write buffer is a pre-condition of every invalidation.
    return this.bufferFlushed({ ...state, pending, kept: new Set(kept) });
  }

  protected mayExecute(command: Command, pending: readonly Command[]): boolean {
    return mayExecute(command, pending);
  }

  protected nameOf(entry: Entry): string {
    return nameOf(entry);
  }

  protected restOf({ rootTable, flushed }: State): string {
    return `${rootTable} ${flushed}`;
  }

  protected restDominates(other: State, { rootTable, flushed }: State): boolean {
    return other.rootTable === rootTable && other.flushed <= flushed;
  }

  /** The state with every entry in its caches that could be there. */
  protected filled(state: State): State {
    const kept = new Set(state.kept);
    const full = { ...state, kept, complete: true };
    let size: number;
    do {
      size = kept.size;
      for (const sourceId of this.functions) {
        for (const context of this.contextsNow(full, sourceId))
          if (context !== "unreadable") this.keep(kept, context);
        for (const context of usableContexts(full, sourceId)) {
          for (const input of this.pages) this.fillBelow(full, kept, context, input);
        }
      }
    } while (kept.size > size);
    return full;
  }

  /** 6.1: only entries that do not fault are kept, except in Caching Mode. */
  private keep(kept: Set<Entry>, entry: Entry): void {
    if (this.platform.cachingMode || !isFaulty(entry)) kept.add(entry);
  }

  private fillBelow(state: State, kept: Set<Entry>, context: ContextEntry, input: number): void {
    if (context.passThrough) {
      if (input < this.platform.hostPageLimit)
        kept.add(this.intern({ ...iotlbTags(context, input, Number.POSITIVE_INFINITY), ...identity(input) }));
      return;
    }
    if (input >= this.platform.inputPageLimit[context.levels]!) return;
    for (const start of starts(state, context, input)) {
      for (const entry of this.entriesBelow(state, start, context, input)) this.keep(kept, entry);
    }
  }

  private entriesBelow(state: State, start: Start, context: ContextEntry, input: number): readonly Entry[] {
    const { table, level, readable, writable } = start;
    const key = `${this.numberOf(context)} ${input} ${table} ${level} ${readable} ${writable} ${state.flushed}`;
    return this.reading(key, () => {
      const { domainId } = context;
      const span = PAGES_BY_LEVEL[level]!;
      const firstPage = input - (input % span);
      return (this.secondStageNow(state, start, input) ?? []).map((found) =>
        this.intern<Entry>(
          found.end === "page" || (found.end !== "table" && level === 1)
            ? { ...iotlbTags(context, input, span), ...found }
            : { cache: "paging", domainId, level, firstPage, ...found },
        ),
      );
    });
  }

  /** What the root entry of a function's bus may read as now; nothing when it cannot be read. */
  private rootsNow({ rootTable, flushed }: State, sourceId: number): RootEntry[] | undefined {
    const bus = sourceId >>> 8;
    return this.reading(`root ${rootTable} ${bus} ${flushed}`, () => {
      const values = this.memory.read(rootTable, bus * 2, 2, flushed);
      return values?.map((value) => rootOf(this.platform, value));
    });
  }

  /** What the context entry of a function may read as now. Root entries are not kept: 6.2 has no cache for them. */
  private contextsNow(state: State, sourceId: number): (ContextEntry | "unreadable")[] {
    const found: (ContextEntry | "unreadable")[] = [];
    for (const { fault, table } of this.rootsNow(state, sourceId) ?? []) {
      if (fault) continue;
      const key = `context ${table} ${sourceId} ${state.flushed}`;
      found.push(...this.reading(key, () => this.contextsIn(state, table, sourceId)));
    }
    return found;
  }

  private contextsIn({ flushed }: State, table: number, sourceId: number): (ContextEntry | "unreadable")[] {
    const values = this.memory.read(table, (sourceId & 0xff) * 2, 2, flushed);
    if (!values) return ["unreadable"];
    return values
      .flatMap((value) => contextsOf(this.platform, sourceId, value))
      .map((entry) => this.intern(entry));
  }

  /** What the second-stage entry that a walk reads next may say now; nothing when it cannot be read. */
  private secondStageNow({ flushed }: State, start: Start, input: number): Found[] | undefined {
    const values = this.memory.read(start.table, tableIndex(input, start.level), 1, flushed);
    return values?.map((value) => secondStageOf(this.platform, start, input, value));
  }

  /** Every outcome that some run shows for the request, if it is answered now. */
  outcomes(request: Request): Outcome[] {
    this.explore();
    const shown = new AbstractAnswers(this.platform, request, this.protects);
    for (const enabled of this.enabled) {
      if (shown.decidedBeforeWalk(enabled)) continue;
      for (const state of this.states) this.answer(state, request, shown);
    }
    return [...shown.outcomes.values()];
  }

  private answer(state: State, request: Request, shown: AbstractAnswers): void {
    const { requester, page } = request;
    const { iotlbLookup } = this.platform.profile;
    for (const root of this.rootsNow(state, requester) ?? [null]) {
      const fault = root ? root.fault : faultRules.rootFetch;
      if (fault) shown.fault(fault, false);
    }
    const contexts = this.contextsNow(state, requester);
    if (contexts.includes("unreadable")) shown.fault(faultRules.contextFetch, false);
    for (const entry of [...state.kept, ...contexts]) {
      if (entry === "unreadable") continue;
      if (entry.cache === "context" && entry.sourceId === requester)
        this.answerUnder(entry, state, page, shown);
      if (entry.cache !== "iotlb" || entry.input !== page) continue;
      if (iotlbLookup !== "domain-id" && entry.sourceId === requester)
        shown.found(entry, entry.faultProcessingDisabled);
    }
  }

  /** AbstractAnswers of a request whose context entry is this one. */
  private answerUnder(context: ContextEntry, state: State, input: number, shown: AbstractAnswers): void {
    const { platform } = this;
    const { fault, faultProcessingDisabled, passThrough, domainId } = context;
    if (fault) {
      shown.fault(fault, faultProcessingDisabled);
      return;
    }
    if (platform.profile.iotlbLookup !== "source-id") {
      for (const entry of state.kept) {
        if (entry.cache !== "iotlb" || entry.input !== input || entry.domainId !== domainId) continue;
        shown.found(entry, faultProcessingDisabled);
      }
    }
    const limit = passThrough ? platform.hostPageLimit : platform.inputPageLimit[context.levels]!;
    if (input >= limit) {
      const rule = passThrough ? faultRules.passThroughBeyondWidth : faultRules.addressBeyondWidth;
      shown.fault(rule, faultProcessingDisabled);
    } else if (passThrough) {
      shown.found(identity(input), faultProcessingDisabled);
    } else {
      this.answerByWalk(context, state, input, shown);
    }
  }

  private answerByWalk(context: ContextEntry, state: State, input: number, shown: AbstractAnswers): void {
    const { faultProcessingDisabled } = context;
    for (const entry of pagingEntries(state, context.domainId, input)) {
      if (entry.end !== "table") shown.found(entry, faultProcessingDisabled);
    }
    for (const start of starts(state, context, input)) {
      const found = this.secondStageNow(state, start, input);
      const rule = start.first ? faultRules.firstTableFetch : faultRules.tableFetch;
      if (!found) shown.fault(rule, faultProcessingDisabled, start);
      for (const one of found ?? []) if (one.end !== "table") shown.found(one, faultProcessingDisabled);
    }
  }
}

/** Context entries that a request of the function may use; whatever can be read now is also kept. */
function usableContexts({ kept }: State, sourceId: number): ContextEntry[] {
  return [...kept].filter(
    (entry): entry is ContextEntry =>
      entry.cache === "context" && entry.sourceId === sourceId && !entry.fault,
  );
}

function pagingEntries({ kept }: State, domainId: number, input: number): PagingEntry[] {
  return [...kept].filter(
    (entry): entry is PagingEntry =>
      entry.cache === "paging" &&
      entry.domainId === domainId &&
      entry.firstPage === input - (input % PAGES_BY_LEVEL[entry.level]!),
  );
}

/** 6.2.5: a walk begins at the table of its context entry or below any paging-structure entry of its domain. */
function starts(state: State, context: ContextEntry, input: number): Start[] {
  const first = { table: context.table, level: context.levels, readable: 1, writable: 1, first: true };
  const further = pagingEntries(state, context.domainId, input)
    .filter(({ end }) => end === "table")
    .map(({ page, level, readable, writable }) => ({
      table: page,
      level: level - 1,
      readable,
      writable,
      first: false,
    }));
  return [first, ...further];
}
