/**
 * What the root and context entries have said, in any value they have held: which tables requests begin with, and under
 * which domain ids (VT-d 3.4.2, 9.1, 9.3).
 */
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import type { SteeringRegisters } from "./steering.js";
import { TranslationType } from "./tables.js";
import { pageOf } from "./walk.js";

/** The context entry of a requester while it said one thing. */
export interface ContextState {
  readonly source: number;
  /** First step at which root-table pointer, root and context entry all held these values; first at which one did not. */
  readonly since: number;
  readonly until: number;
}

/** Where walks under a domain id begin. */
export interface Top {
  readonly domainId: number;
  readonly passThrough: boolean;
  /** Page of the first table, and the number of levels. */
  readonly table: number;
  readonly levels: number;
  /** The context entries that say so. */
  readonly contexts: readonly ContextState[];
  /** From the first of them to the last. */
  readonly since: number;
  readonly until: number;
}

interface OpenTop extends Top {
  contexts: ContextState[];
  since: number;
  until: number;
}

const NONE: readonly never[] = [];
const MOST_LEVELS = 5;

/** Is shown a value with its window. */
export type ValueVisitor = (low: number, high: number, since: number, until: number) => void;

/** Visits every value that a word holds or has held, the newest first. */
export function eachValue(memory: PhysicalMemory, page: number, word: number, visit: ValueVisitor): void {
  const frame = memory.frameOf(page);
  if (frame < 0) return;
  let version = memory.newestVersion(frame, word);
  if (version === 0) visit(memory.low(frame, word), memory.high(frame, word), 0, OPEN);
  for (; version !== 0; version = memory.olderVersion(version))
    visit(memory.lowOf(version), memory.highOf(version), memory.sinceOf(version), memory.untilOf(version));
}

/**
 * Visits every state that an entry of two words has been in, the newest first: both are fetched at once (chapter 9), so
 * they are of one moment between two stores.
 */
function eachPair(
  memory: PhysicalMemory,
  page: number,
  word: number,
  visit: (low: number, high: number, low2: number, since: number, until: number) => void,
): void {
  const frame = memory.frameOf(page);
  if (frame < 0) return;
  let first = memory.newestVersion(frame, word);
  let second = memory.newestVersion(frame, word + 1);
  for (let until = OPEN; ; ) {
    const sinceFirst = first === 0 ? 0 : memory.sinceOf(first);
    const sinceSecond = second === 0 ? 0 : memory.sinceOf(second);
    const since = Math.max(sinceFirst, sinceSecond);
    const low = first === 0 ? memory.low(frame, word) : memory.lowOf(first);
    const high = first === 0 ? memory.high(frame, word) : memory.highOf(first);
    const low2 = second === 0 ? memory.low(frame, word + 1) : memory.lowOf(second);
    visit(low, high, low2, since, until);
    const replaced = since === 0 ? 0 : memory.olderVersion(sinceFirst > sinceSecond ? first : second);
    if (replaced === 0) return;
    until = memory.untilOf(replaced);
    if (sinceFirst > sinceSecond) first = replaced;
    else second = replaced;
  }
}

export class Tops {
  private known = false;
  private readonly upperPages = new Set<number>();
  private readonly rootPages = new Set<number>();
  private readonly tops: OpenTop[] = [];
  private readonly byTable = new Map<number, Top[]>();
  private readonly byDomain = new Map<number, Top[]>();
  private readonly domainsByRequester = new Map<number, number[]>();
  private readonly requestersByDomain = new Map<number, number[]>();

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly steering: SteeringRegisters,
    private readonly requesters: readonly number[],
  ) {}

  /** A root or context entry, the root-table pointer or one of their windows was changed. */
  changed(): void {
    this.known = false;
  }

  /** True when the page has held root or context entries. */
  isUpper(page: number): boolean {
    this.read();
    return this.upperPages.has(page);
  }

  isRoot(page: number): boolean {
    this.read();
    return this.rootPages.has(page);
  }

  /** The tops whose first table is that page. */
  at(table: number): readonly Top[] {
    this.read();
    return this.byTable.get(table) ?? NONE;
  }

  /** The tops of a domain id. */
  of(domainId: number): readonly Top[] {
    this.read();
    return this.byDomain.get(domainId) ?? NONE;
  }

  /** The tops that translate nothing. */
  get passingThrough(): readonly Top[] {
    this.read();
    return this.tops.filter((top) => top.passThrough);
  }

  /** The domain ids that context entries of a requester have named. */
  domainsOf(requester: number): readonly number[] {
    this.read();
    return this.domainsByRequester.get(requester) ?? NONE;
  }

  /** The requesters whose context entries have named the domain id: they share caches. */
  sharing(domainId: number): readonly number[] {
    this.read();
    return this.requestersByDomain.get(domainId) ?? NONE;
  }

  private read(): void {
    if (this.known) return;
    this.known = true;
    this.tops.length = 0;
    const { byTable, byDomain, domainsByRequester, requestersByDomain, upperPages, rootPages } = this;
    for (const one of [byTable, byDomain, domainsByRequester, requestersByDomain, upperPages, rootPages])
      one.clear();
    const { rootPointer } = this.steering;
    for (let index = 0; index < rootPointer.count; index++) {
      this.rootPages.add(rootPointer.value[index]!);
      this.upperPages.add(rootPointer.value[index]!);
    }
    for (const requester of this.requesters) this.readRequester(requester);
    for (const top of this.tops) {
      append(this.byDomain, top.domainId, top);
      if (!top.passThrough) append(this.byTable, top.table, top);
    }
  }

  private readRequester(requester: number): void {
    const { rootPointer } = this.steering;
    for (let index = 0; index < rootPointer.count; index++) {
      const pointerSince = rootPointer.since[index]!;
      const pointerUntil = rootPointer.until[index]!;
      eachPair(
        this.memory,
        rootPointer.value[index]!,
        (requester >>> 8) * 2,
        (low, high, _, since, until) => {
          if ((low & 1) === 0) return;
          const page = pageOf(low, high);
          this.upperPages.add(page);
          this.readContext(requester, page, Math.max(since, pointerSince), Math.min(until, pointerUntil));
        },
      );
    }
  }

  private readContext(source: number, page: number, rootSince: number, rootUntil: number): void {
    eachPair(this.memory, page, (source & 0xff) * 2, (low, high, low2, since, until) => {
      if ((low & 1) === 0) return;
      const state = { source, since: Math.max(rootSince, since), until: Math.min(rootUntil, until) };
      if (state.since < state.until) this.add(state, low, high, low2);
    });
  }

  private add(state: ContextState, low: number, high: number, low2: number): void {
    const levels = (low2 & 7) + 2;
    if (levels > MOST_LEVELS) return;
    const domainId = (low2 >>> 8) & 0xffff;
    const passThrough = ((low >>> 2) & 3) === TranslationType.passThrough;
    const table = passThrough ? -1 : pageOf(low, high);
    let top = this.tops.find(
      (one) => one.domainId === domainId && one.table === table && (passThrough || one.levels === levels),
    );
    if (!top) {
      top = { domainId, passThrough, table, levels, contexts: [], since: state.since, until: state.until };
      this.tops.push(top);
    }
    top.contexts.push(state);
    top.since = Math.min(top.since, state.since);
    top.until = Math.max(top.until, state.until);
    appendNew(this.domainsByRequester, state.source, domainId);
    appendNew(this.requestersByDomain, domainId, state.source);
  }
}

function append<A>(lists: Map<number, A[]>, key: number, value: A): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function appendNew(lists: Map<number, number[]>, key: number, value: number): void {
  if (!lists.get(key)?.includes(value)) append(lists, key, value);
}
