/**
 * The abstract IOMMU of VT-d legacy mode: a machine that may do anything legal (VT-d 6.2, 6.5). What some run of it
 * shows is admissible, and nothing else is. It says what {@link AdmissibleOutcomes} computes, by trying every run, and
 * is meant for tiny configurations only.
 *
 * The machine fills its caches at any moment from any entry that some request could need. Keeping one more entry never
 * forbids anything: several entries may stand for one tag, and any of them may be passed over. So runs that execute
 * their commands at the same moments need not be told apart; of those, the one that fills all it can shows every
 * outcome that any of them shows. What is left to try is when each invalidation and each register command executes.
 */
import type { Request } from "../trace.js";
import type { Outcome } from "./admissible.js";
import { type InvalidationTarget, PAGES_BY_LEVEL } from "./invalidation-log.js";
import { type FaultRule, faultRules } from "./rules.js";
import { TranslationType } from "./tables.js";
import { decide, decideBeforeWalk, pageOf, tableIndex, Translation, type WalkPlatform } from "./walk.js";

/** What a walk carries down, and what an entry below the context entry says. */
interface Rights {
  readonly readable: number;
  readonly writable: number;
}

/** What reading a second-stage entry leads to. `page` is the next table, or the page that the input address gets. */
interface Found extends Rights {
  readonly end: "table" | "page" | "not present" | "fault";
  readonly page: number;
}

interface RootEntry {
  readonly cache: "root";
  readonly bus: number;
  readonly fault: FaultRule | null;
  readonly table: number;
}

interface ContextEntry {
  readonly cache: "context";
  readonly sourceId: number;
  /** Zero for an entry that faults (6.1). */
  readonly domainId: number;
  readonly fault: FaultRule | null;
  readonly faultProcessingDisabled: boolean;
  readonly passThrough: boolean;
  readonly levels: number;
  readonly table: number;
}

/** An entry of `level` on the way to every page of its region. Found by domain id, so functions share it. */
interface PagingEntry extends Found {
  readonly cache: "paging";
  readonly domainId: number;
  readonly level: number;
  readonly firstPage: number;
}

/** The result for one page. A superpage may be kept in parts. */
interface IotlbEntry extends Found {
  readonly cache: "iotlb";
  readonly sourceId: number;
  readonly domainId: number;
  readonly input: number;
  readonly faultProcessingDisabled: boolean;
}

type Entry = RootEntry | ContextEntry | PagingEntry | IotlbEntry;

/** Where a walk may begin to read: the table of the context entry, or the one a paging-structure entry leads to. */
interface Start extends Rights {
  readonly table: number;
  readonly level: number;
  readonly first: boolean;
}

/** What tells runs apart: what they keep, what they have not executed yet, and which root pointer is in force. */
interface State {
  readonly kept: ReadonlySet<Entry>;
  readonly pending: readonly Command[];
  readonly rootTable: number;
}

interface Submitted {
  readonly target: InvalidationTarget;
  readonly queued: boolean;
  readonly fenceGroup: number;
}

/** Commands in the order of their submission. */
type Command = { readonly invalidate: Submitted } | { readonly setRootTable: number };

/** A 64-byte line and the states of it that walks may see, in the order of the stores. */
interface Line {
  states: number[][];
  /** How many of the states are superseded by one that was written back to memory. */
  writtenBack: number;
}

/** Memory as walks may see it where they do not snoop, or where stores wait in a buffer. */
class VisibleMemory {
  private readonly lines = new Map<number, Line>();

  constructor(private readonly platform: WalkPlatform) {}

  /** The values of the `words` 64-bit words from `word` on, each read at one moment; none when there is no memory. */
  read(pageCount: number, page: number, word: number, words: number): number[][] | null {
    if (page >= pageCount) return null;
    const at = (word % 8) * 2;
    return this.line(page, word >>> 3).states.map((state) => state.slice(at, at + words * 2));
  }

  set(page: number, word: number, low: number, high: number): void {
    const state = this.line(page, word >>> 3).states.at(-1)!;
    state[(word % 8) * 2] = low;
    state[(word % 8) * 2 + 1] = high;
  }

  store(page: number, word: number, low: number, high: number): void {
    const line = this.line(page, word >>> 3);
    line.states.push([...line.states.at(-1)!]);
    this.set(page, word, low, high);
    const { needsLineFlush, needsBufferFlush } = this.platform.storeVisibility;
    if (!needsLineFlush) line.writtenBack = line.states.length - 1;
    if (!needsBufferFlush) this.settle(line);
  }

  flushLine(page: number, index: number): void {
    const line = this.line(page, index);
    line.writtenBack = line.states.length - 1;
    if (!this.platform.storeVisibility.needsBufferFlush) this.settle(line);
  }

  flushBuffer(): void {
    for (const line of this.lines.values()) this.settle(line);
  }

  private settle(line: Line): void {
    line.states.splice(0, line.writtenBack);
    line.writtenBack = 0;
  }

  private line(page: number, index: number): Line {
    const key = page * 64 + index;
    let found = this.lines.get(key);
    if (!found) {
      found = { states: [new Array(16).fill(0)], writtenBack: 0 };
      this.lines.set(key, found);
    }
    return found;
  }
}

export class AbstractMachine {
  private readonly memory: VisibleMemory;
  private readonly interned = new Map<string, Entry>();
  private readonly numbers = new Map<Entry, number>();
  private readonly commands: Command[] = [];
  private enabled: boolean[];
  private states: State[];

  /**
   * @param functions the functions of the platform, each of which may make requests at any moment
   * @param pages the pages that requests may ask for
   */
  constructor(
    private readonly platform: WalkPlatform,
    private readonly pageCount: number,
    private readonly functions: readonly number[],
    private readonly pages: readonly number[],
    rootTable: number,
    enabled: boolean,
  ) {
    this.memory = new VisibleMemory(platform);
    this.enabled = [enabled];
    this.states = [{ kept: new Set(), pending: [], rootTable }];
  }

  /** Sets up memory before the first step. */
  set(page: number, word: number, low: number, high: number): void {
    this.memory.set(page, word, low, high);
  }

  store(page: number, word: number, low: number, high: number): void {
    this.explore();
    this.memory.store(page, word, low, high);
  }

  flushLine(page: number, line: number): void {
    this.explore();
    this.memory.flushLine(page, line);
  }

  flushBuffer(): void {
    this.explore();
    this.memory.flushBuffer();
  }

  /** Translation is switched on or off at some moment from now on. Only requests look at it, so no state needs to. */
  commandEnabled(enabled: boolean): void {
    this.enabled.push(enabled);
  }

  observeEnabled(): void {
    this.enabled = this.enabled.slice(-1);
  }

  submit(...invalidations: Submitted[]): Command[] {
    this.explore();
    return invalidations.map((invalidate) => this.command({ invalidate }));
  }

  commandRootTable(setRootTable: number): Command {
    this.explore();
    return this.command({ setRootTable });
  }

  /** Software has seen that the command was executed: runs where it was not do not exist. */
  observe(command: Command): void {
    this.explore();
    this.states = this.states.filter(({ pending }) => !pending.includes(command));
  }

  private command(command: Command): Command {
    this.commands.push(command);
    this.states = this.states.map((state) => ({ ...state, pending: [...state.pending, command] }));
    return command;
  }

  /** Between two steps: everything that can be cached is, and any commands may execute. */
  private explore(): void {
    const reached = new Map<string, State>();
    const open = this.states;
    while (open.length > 0) {
      const state = this.filled(open.pop()!);
      const key = this.keyOf(state);
      if (reached.has(key)) continue;
      reached.set(key, state);
      for (const command of state.pending) if (mayExecute(command, state.pending)) open.push(execute(state, command));
    }
    this.states = withoutDominated([...reached.values()]);
  }

  private keyOf({ kept, pending, rootTable }: State): string {
    const entries = Array.from(kept, (entry) => this.numbers.get(entry)!).sort((a, b) => a - b);
    return `${entries} ${pending.map((command) => this.commands.indexOf(command))} ${rootTable}`;
  }

  /** The one object for all entries that say the same. */
  private intern<E extends Entry>(entry: E): E {
    const key = nameOf(entry);
    const known = this.interned.get(key);
    if (known) return known as E;
    this.interned.set(key, entry);
    this.numbers.set(entry, this.numbers.size);
    return entry;
  }

  /** The state with every entry in its caches that could be there. */
  private filled(state: State): State {
    const kept = new Set(state.kept);
    const full = { ...state, kept };
    const keep = (entry: Entry, faulty: boolean) => {
      if (!faulty || this.platform.cachingMode) kept.add(this.intern(entry));
    };
    let size: number;
    do {
      size = kept.size;
      for (const sourceId of this.functions) {
        for (const root of this.rootsNow(full, sourceId) ?? []) keep(root, root.fault !== null);
        for (const context of this.contextsNow(full, sourceId)) {
          if (context !== "unreadable") keep(context, context.fault !== null);
        }
        for (const context of usableContexts(full, sourceId)) {
          for (const input of this.pages) this.fillBelow(full, context, input, keep);
        }
      }
    } while (kept.size > size);
    return full;
  }

  private fillBelow(
    state: State,
    context: ContextEntry,
    input: number,
    keep: (entry: Entry, faulty: boolean) => void,
  ): void {
    const { sourceId, domainId, faultProcessingDisabled } = context;
    const iotlb = { cache: "iotlb", sourceId, domainId, input, faultProcessingDisabled } as const;
    if (context.passThrough) {
      if (input < this.platform.hostPageLimit) keep({ ...iotlb, ...identity(input) }, false);
      return;
    }
    if (input >= this.platform.inputPageLimit[context.levels]!) return;
    for (const start of starts(state, context, input)) {
      for (const found of this.secondStageNow(start, input) ?? []) {
        const faulty = found.end === "fault" || found.end === "not present";
        if (found.end === "page" || (faulty && start.level === 1)) {
          keep({ ...iotlb, ...found }, faulty);
        } else {
          const firstPage = input - (input % PAGES_BY_LEVEL[start.level]!);
          keep({ cache: "paging", domainId, level: start.level, firstPage, ...found }, faulty);
        }
      }
    }
  }

  /** What the root entry of a function's bus may read as now; nothing when it cannot be read. */
  private rootsNow({ rootTable }: State, sourceId: number): RootEntry[] | null {
    const bus = sourceId >>> 8;
    const values = this.memory.read(this.pageCount, rootTable, bus * 2, 2);
    return values && values.map((value) => ({ cache: "root", bus, ...this.rootOf(value) }));
  }

  private rootOf(value: number[]): Pick<RootEntry, "fault" | "table"> {
    if ((value[0]! & 1) === 0) return { fault: faultRules.rootPresent, table: 0 };
    if (anyBit(value, this.platform.reserved.root)) return { fault: faultRules.rootReserved, table: 0 };
    return { fault: null, table: pageOf(value[0]!, value[1]!) };
  }

  /** What the context entry of a function may read as now, under any root entry that is kept. */
  private contextsNow(state: State, sourceId: number): (ContextEntry | "unreadable")[] {
    const found: (ContextEntry | "unreadable")[] = [];
    for (const root of state.kept) {
      if (root.cache !== "root" || root.bus !== sourceId >>> 8 || root.fault) continue;
      const values = this.memory.read(this.pageCount, root.table, (sourceId & 0xff) * 2, 2);
      if (values) found.push(...values.flatMap((value) => this.contextsOf(sourceId, value)));
      else found.push("unreadable");
    }
    return found;
  }

  /** An entry that some hardware accepts and other hardware does not is taken both ways. */
  private contextsOf(sourceId: number, value: number[]): ContextEntry[] {
    const fault = this.contextFault(value);
    if (fault) return [faultyContext(sourceId, value, fault)];
    const [low, high, low2] = value as [number, number, number];
    const accepted: ContextEntry = {
      cache: "context",
      sourceId,
      domainId: (low2 >>> 8) & 0xffff,
      fault: null,
      faultProcessingDisabled: (low & 2) !== 0,
      passThrough: typeOf(value) === TranslationType.passThrough,
      levels: levelsOf(value),
      table: pageOf(low, high),
    };
    const disputed = this.disputedFault(value);
    return disputed ? [accepted, faultyContext(sourceId, value, disputed)] : [accepted];
  }

  private contextFault(value: number[]): FaultRule | null {
    const { platform } = this;
    const [low, high, low2, high2] = value as [number, number, number, number];
    if ((low & 1) === 0) return faultRules.contextPresent;
    const type = typeOf(value);
    const checked = type === TranslationType.passThrough ? [low & 0xfff, 0, low2, high2] : [low, high, low2, high2];
    if (anyBit(checked, platform.reserved.context)) return faultRules.contextReserved;
    if (((platform.supportedLevels >>> levelsOf(value)) & 1) === 0) return faultRules.contextAddressWidth;
    const typesAllowed = [true, platform.deviceTlb, platform.passThrough, false];
    return typesAllowed[type] ? null : faultRules.contextTranslationType;
  }

  /** 9.3 can be read so that a pass-through entry needs the largest width, and an address like any other. */
  private disputedFault(value: number[]): FaultRule | null {
    if (typeOf(value) !== TranslationType.passThrough) return null;
    if (levelsOf(value) !== this.platform.largestLevels) return faultRules.contextAddressWidth;
    return anyBit(value, this.platform.reserved.context) ? faultRules.contextReserved : null;
  }

  /** What the second-stage entry that a walk reads next may say now; nothing when it cannot be read. */
  private secondStageNow(start: Start, input: number): Found[] | null {
    const values = this.memory.read(this.pageCount, start.table, tableIndex(input, start.level), 1);
    return values && values.map(([low, high]) => this.secondStageOf(start, input, low!, high!));
  }

  private secondStageOf({ level, readable, writable }: Start, input: number, low: number, high: number): Found {
    const { secondStageLow, secondStageHigh } = this.platform.reserved;
    if ((low & 3) === 0) return { end: "not present", page: 0, readable: 0, writable: 0 };
    const leaf = level === 1 || (level <= 3 && (low & 0x80) !== 0);
    const layout = level * 2 + Number(leaf);
    const rights = { readable: readable & low, writable: writable & (low >>> 1) };
    if ((low & secondStageLow[layout]!) !== 0 || (high & secondStageHigh[layout]!) !== 0) {
      return { end: "fault", page: 0, ...rights };
    }
    const base = pageOf(low, high);
    if (!leaf) return { end: "table", page: base, ...rights };
    return { end: "page", page: base + (input % PAGES_BY_LEVEL[level]!), ...rights };
  }

  /** Every outcome that some run shows for the request, if it is answered now. */
  outcomes(request: Request): Outcome[] {
    this.explore();
    const shown = new Answers(this.platform, request);
    for (const enabled of this.enabled) {
      if (shown.decidedBeforeWalk(enabled)) continue;
      for (const state of this.states) this.answer(state, request, shown);
    }
    return [...shown.outcomes.values()];
  }

  private answer(state: State, request: Request, shown: Answers): void {
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
      if (entry.cache === "root" && entry.bus === requester >>> 8 && entry.fault) shown.fault(entry.fault, false);
      if (entry.cache === "context" && entry.sourceId === requester) this.answerUnder(entry, state, page, shown);
      if (entry.cache !== "iotlb" || entry.input !== page) continue;
      if (iotlbLookup !== "domain-id" && entry.sourceId === requester) shown.found(entry, entry.faultProcessingDisabled);
    }
  }

  /** Answers of a request whose context entry is this one. */
  private answerUnder(context: ContextEntry, state: State, input: number, shown: Answers): void {
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

  private answerByWalk(context: ContextEntry, state: State, input: number, shown: Answers): void {
    const { faultProcessingDisabled } = context;
    for (const entry of pagingEntries(state, context.domainId, input)) {
      if (entry.end !== "table") shown.found(entry, faultProcessingDisabled);
    }
    for (const start of starts(state, context, input)) {
      const found = this.secondStageNow(start, input);
      const rule = start.first ? faultRules.firstTableFetch : faultRules.tableFetch;
      if (!found) shown.fault(rule, faultProcessingDisabled, start);
      for (const one of found ?? []) if (one.end !== "table") shown.found(one, faultProcessingDisabled);
    }
  }
}

/** The outcomes of one request, without repetitions. */
class Answers {
  readonly outcomes = new Map<string, Outcome>();
  private readonly translation = new Translation();

  constructor(
    private readonly platform: WalkPlatform,
    private readonly request: Request,
  ) {}

  decidedBeforeWalk(enabled: boolean): boolean {
    const decided = decideBeforeWalk(this.request, enabled, this.translation);
    if (decided) this.add(false);
    return decided;
  }

  fault(rule: FaultRule, faultProcessingDisabled: boolean, rights: Rights = { readable: 1, writable: 1 }): void {
    this.decide(rule, 0, rights, faultProcessingDisabled);
  }

  found({ end, page, readable, writable }: Found, faultProcessingDisabled: boolean): void {
    const fault = end === "fault" ? faultRules.secondStageReserved : null;
    this.decide(fault, page, { readable, writable }, faultProcessingDisabled);
  }

  private decide(fault: FaultRule | null, page: number, rights: Rights, faultProcessingDisabled: boolean): void {
    const { translation } = this;
    translation.start(this.request.page);
    translation.fault = fault;
    translation.page = page;
    translation.readable = rights.readable;
    translation.writable = rights.writable;
    decide(this.platform, this.request, translation);
    this.add(faultProcessingDisabled);
  }

  private add(faultProcessingDisabled: boolean): void {
    const { effect, rule, alternative } = this.translation;
    for (const one of alternative ? [rule, alternative] : [rule]) {
      const recorded = one !== null && !(one.qualified && faultProcessingDisabled);
      this.outcomes.set(`${effect} ${one?.id} ${recorded}`, { effect, rule: one, recorded });
    }
  }
}

/** Tags and content of an entry in one string. */
function nameOf(entry: Entry): string {
  switch (entry.cache) {
    case "root":
      return `root ${entry.bus} ${entry.table} ${entry.fault?.id}`;
    case "context":
      return `context ${entry.sourceId} ${entry.domainId} ${entry.levels} ${entry.table} ${entry.passThrough} ${entry.faultProcessingDisabled} ${entry.fault?.id}`;
    case "paging":
      return `paging ${entry.domainId} ${entry.level} ${entry.firstPage} ${entry.end} ${entry.page} ${entry.readable} ${entry.writable}`;
    default:
      return `iotlb ${entry.sourceId} ${entry.domainId} ${entry.input} ${entry.faultProcessingDisabled} ${entry.end} ${entry.page} ${entry.readable} ${entry.writable}`;
  }
}

/** Drops the states that keep nothing another one does not keep as well: whatever they can show, that one can. */
function withoutDominated(states: readonly State[]): State[] {
  const bySize = states.toSorted((a, b) => b.kept.size - a.kept.size);
  const remaining: State[] = [];
  for (const state of bySize) if (!remaining.some((other) => dominates(other, state))) remaining.push(state);
  return remaining;
}

function dominates(other: State, { kept, pending, rootTable }: State): boolean {
  if (other.rootTable !== rootTable || other.pending.length !== pending.length) return false;
  if (!pending.every((command, index) => other.pending[index] === command)) return false;
  for (const entry of kept) if (!other.kept.has(entry)) return false;
  return true;
}

/** 3.9: a pass-through address is its own translation. */
function identity(page: number): Found {
  return { end: "page", page, readable: 1, writable: 1 };
}

function typeOf(context: readonly number[]): number {
  return (context[0]! >>> 2) & 3;
}

function levelsOf(context: readonly number[]): number {
  return (context[2]! & 7) + 2;
}

/** In Caching Mode, entries that fault are kept under domain id 0 (6.1). */
function faultyContext(sourceId: number, value: readonly number[], fault: FaultRule): ContextEntry {
  const faultProcessingDisabled = (value[0]! & 2) !== 0;
  return {
    cache: "context",
    sourceId,
    domainId: 0,
    fault,
    faultProcessingDisabled,
    passThrough: false,
    levels: 0,
    table: 0,
  };
}

function anyBit(value: readonly number[], mask: Uint32Array): boolean {
  return value.some((half, index) => (half & mask[index]!) !== 0);
}

/** Context entries that a request of the function may use; whatever can be read now is also kept. */
function usableContexts({ kept }: State, sourceId: number): ContextEntry[] {
  return [...kept].filter(
    (entry): entry is ContextEntry => entry.cache === "context" && entry.sourceId === sourceId && !entry.fault,
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
    .map(({ page, level, readable, writable }) => ({ table: page, level: level - 1, readable, writable, first: false }));
  return [first, ...further];
}

/** 6.5.2.11 and the fence flag of waits order the queue; root-pointer commands are executed one after the other. */
function mayExecute(command: Command, pending: readonly Command[]): boolean {
  return pending.slice(0, pending.indexOf(command)).every((earlier) => mayOvertake(command, earlier));
}

function mayOvertake(command: Command, earlier: Command): boolean {
  if ("setRootTable" in earlier) {
    // ESRTPS (11.4.2): setting the root-table pointer invalidates everything once it is in force.
    return !("setRootTable" in command) && command.invalidate.target.cache !== "all";
  }
  if ("setRootTable" in command || !command.invalidate.queued || !earlier.invalidate.queued) return true;
  if (earlier.invalidate.fenceGroup < command.invalidate.fenceGroup) return false;
  return !(earlier.invalidate.target.cache === "context" && command.invalidate.target.cache === "iotlb");
}

function execute(state: State, command: Command): State {
  const pending = state.pending.filter((one) => one !== command);
  if ("setRootTable" in command) return { ...state, pending, rootTable: command.setRootTable };
  const kept = [...state.kept].filter((entry) => !removes(command.invalidate.target, entry));
  return { ...state, pending, kept: new Set(kept) };
}

/** 6.5.1, 6.5.3: what an invalidation must remove. */
function removes(target: InvalidationTarget, entry: Entry): boolean {
  if (target.cache === "all") return true;
  if (target.cache === "context") {
    if (entry.cache !== "root" && entry.cache !== "context") return false;
    if (target.granularity === "global") return true;
    if (entry.cache === "root" || entry.domainId !== target.domainId) return false;
    if (target.granularity === "domain") return true;
    return (entry.sourceId | target.ignoredSourceBits) === (target.sourceId | target.ignoredSourceBits);
  }
  if (entry.cache !== "paging" && entry.cache !== "iotlb") return false;
  if (target.granularity === "global") return true;
  if (entry.domainId !== target.domainId) return false;
  if (target.granularity === "domain") return true;
  if (entry.cache === "paging" && target.leafOnly) return false;
  const [first, count] = entry.cache === "iotlb" ? [entry.input, 1] : [entry.firstPage, PAGES_BY_LEVEL[entry.level]!];
  return first < target.firstPage + target.pageCount && target.firstPage < first + count;
}
