/**
 * One state that the event log may be in (AMD-Vi 2.5, MMIO 2010h to 2020h): where the tail stands, what hardware has
 * written into the entries, and which status bits are set. States are not changed; what happens gives a new one. States
 * that differ in nothing but what was logged are one, with several histories.
 */
import type { Word } from "../trace.js";

/** The two words of an event; null for an address that the model does not know. */
export type Event = readonly [Word, Word | null];

/** What an entry of the log may hold; worked out when somebody looks at it. */
export class Contents {
  private known: readonly Event[] | null = null;

  constructor(private readonly possible: () => readonly Event[]) {}

  /** One of these; empty when nothing is known of it. */
  get events(): readonly Event[] {
    this.known ??= this.possible();
    return this.known;
  }
}

/** What hardware or software last wrote into one entry, and what was written before. */
export interface Entry {
  /** Page and index (0 to 255) of the entry in memory. */
  readonly page: number;
  readonly index: number;
  readonly contents: Contents;
  readonly older: History;
  /** Number of older ones, at most. */
  readonly depth: number;
  /** Every page that this or an older one is in. */
  readonly pages: readonly number[];
}

/** What was written into entries: one of these was the last. Histories share what they have in common. */
export type History = readonly Entry[];

/** EventLogInt: set, clear, or either of them. */
export type Flag = 0 | 1 | "either";

/**
 * The illegal command that stops the command buffer:
 * - `none`: there is none;
 * - `ahead`: hardware may find it at any moment;
 * - `found`: it has been reported and CmdBufRun is 0.
 */
export type Halt = "none" | "ahead" | "found";

export interface LogState {
  /** Index of the entry that is written next. */
  readonly tail: number;
  readonly overflow: boolean;
  /** Events are logged: EventLogEn is 1 and nothing was lost since it was set. */
  readonly running: boolean;
  readonly interrupt: Flag;
  readonly history: History;
  readonly halt: Halt;
  /** By DeviceID, the last step that can matter at or before its last reported I/O page fault: what SE looks at. */
  readonly reported: ReadonlyMap<number, number>;
}

/** Where the log is and how long: the same whatever state it is in. */
export interface LogPlace {
  readonly page: number;
  /** Number of entries. */
  readonly length: number;
  /** Index that software has read up to. */
  readonly head: number;
}

export const ENTRIES_OF_PAGE = 256;
/** With more entries than this, those that were written over are dropped. */
const MOST_ENTRIES = 2048;
/** More states than this are not told apart by EventLogInt and by what SE looks at. */
const MOST_STATES = 256;

const UNKNOWN = new Contents(() => []);
/** Before the first entry that was written. */
const NOTHING: Entry = { page: -1, index: 0, contents: UNKNOWN, older: [], depth: 0, pages: [] };
const NOTHING_WRITTEN: History = [NOTHING];
const NOTHING_REPORTED: ReadonlyMap<number, number> = new Map();

export function emptyLog(running: boolean): LogState {
  return {
    tail: 0,
    overflow: false,
    running,
    interrupt: 0,
    history: NOTHING_WRITTEN,
    halt: "none",
    reported: NOTHING_REPORTED,
  };
}

function isAt(entry: Entry, page: number, index: number): boolean {
  return entry.page === page && entry.index === index;
}

/** What is known of the entry there in the first history, or null when nothing was written to it since the run began. */
export function entryAt(history: History, page: number, index: number): Entry | null {
  let [entry] = history;
  while (entry && !isAt(entry, page, index)) [entry] = entry.older;
  return entry ?? null;
}

/** True when some history has an entry in the page. */
export function mayHold(history: History, page: number): boolean {
  for (const { pages } of history) if (pages.includes(page)) return true;
  return false;
}

/** The state with one more entry written to memory. */
function withEntry(state: LogState, page: number, index: number, contents: Contents): LogState {
  return { ...state, history: written(state.history, page, index, contents) };
}

function written(before: History, page: number, index: number, contents: Contents): History {
  const older = depthOf(before) >= MOST_ENTRIES ? lastWritten(before) : before;
  return [added(older, page, index, contents)];
}

function added(older: History, page: number, index: number, contents: Contents): Entry {
  return { page, index, contents, older, depth: depthOf(older) + 1, pages: pagesOf(older, page) };
}

function depthOf(history: History): number {
  let depth = 0;
  for (const entry of history) depth = Math.max(depth, entry.depth);
  return depth;
}

function pagesOf(history: History, page: number): readonly number[] {
  const { pages } = history[0]!;
  const isKnown = (one: number) => pages.includes(one);
  if (isKnown(page) && history.every((entry) => entry.pages.every(isKnown))) return pages;
  return [...new Set([page, ...history.flatMap((entry) => entry.pages)])];
}

/** The newest entry of every place. Nothing is known of any when there are several histories. */
function lastWritten(history: History): History {
  const places = new Map<string, Entry>();
  const seen = new Set<Entry>();
  let several = false;
  for (let left = [...history]; left.length > 0; ) {
    several ||= left.length > 1;
    const entry = left.pop()!;
    if (entry === NOTHING || seen.has(entry)) continue;
    seen.add(entry);
    const place = `${entry.page} ${entry.index}`;
    if (!places.has(place)) places.set(place, entry);
    left.push(...entry.older);
  }
  let kept = NOTHING_WRITTEN;
  for (const { page, index, contents } of places.values())
    kept = [added(kept, page, index, several ? UNKNOWN : contents)];
  return kept;
}

/** What becomes of one entry in every history; one object serves all states, as they share histories. */
export class Change {
  private readonly known = new Map<Entry, Entry | null>();

  /**
   * @param unwritten histories in which nothing was written there are possible
   * @param of the new contents of the entry; null when they are impossible
   */
  constructor(
    private readonly page: number,
    private readonly index: number,
    private readonly unwritten: boolean,
    private readonly of: (contents: Contents) => Contents | null,
  ) {}

  /** The histories that are possible, changed. */
  in(history: History): History {
    const only = this.onlyEntryIn(history);
    if (!only) return this.inEach(history);
    if (only === NOTHING) return this.unwritten ? history : [];
    const contents = this.of(only.contents);
    if (contents === only.contents) return history;
    return contents ? written(history, this.page, this.index, contents) : [];
  }

  /** The entry, or {@link NOTHING}, where no histories part before it; null where they do. */
  private onlyEntryIn(history: History): Entry | null {
    let left = history;
    while (left.length === 1) {
      const entry = left[0]!;
      if (entry === NOTHING || isAt(entry, this.page, this.index)) return entry;
      left = entry.older;
    }
    return null;
  }

  private inEach(history: History): History {
    let changes = false;
    for (const entry of history) {
      let left = this.known.get(entry);
      if (left === undefined) {
        left = this.inEntry(entry);
        this.known.set(entry, left);
      }
      changes ||= left !== entry;
    }
    return changes ? history.flatMap((entry) => this.known.get(entry) ?? []) : history;
  }

  private inEntry(entry: Entry): Entry | null {
    if (entry === NOTHING) return this.unwritten ? entry : null;
    if (isAt(entry, this.page, this.index)) {
      const contents = this.of(entry.contents);
      return contents === entry.contents ? entry : contents && { ...entry, contents };
    }
    const older = this.inEach(entry.older);
    if (older.length === 0) return null;
    return older === entry.older ? entry : { ...entry, older };
  }
}

/**
 * An event happens: the entry is one of `contents`. 2.5: without room for it it is lost, EventOverflow is set and logging
 * stops. Choice: whether EventLogInt is set when EventIntEn is 0, and whether an overflow sets it, is left open.
 */
export function logged(state: LogState, place: LogPlace, contents: Contents, signals: boolean): LogState {
  if (!state.running) return state;
  const next = (state.tail + 1) % place.length;
  const interrupt = state.interrupt === 1 ? 1 : "either";
  if (next === place.head) return { ...state, overflow: true, running: false, interrupt };
  const page = place.page + Math.floor(state.tail / ENTRIES_OF_PAGE);
  const entered = withEntry(state, page, state.tail % ENTRIES_OF_PAGE, contents);
  return { ...entered, tail: next, interrupt: signals ? 1 : interrupt };
}

/** The states with those made one that differ in nothing but what they have logged. */
export function merged(states: readonly LogState[]): readonly LogState[] {
  if (states.length < 2) return states;
  const apart = mergedWhere(states, isAlike);
  return apart.length > MOST_STATES ? mergedWhere(apart, () => true) : apart;
}

function mergedWhere(
  states: readonly LogState[],
  alike: (one: LogState, other: LogState) => boolean,
): LogState[] {
  const left: LogState[] = [];
  const byStatus = new Map<number, number[]>();
  for (const state of states) {
    const status = statusOf(state);
    let same = byStatus.get(status);
    if (!same) {
      same = [];
      byStatus.set(status, same);
    }
    const at = same.find((index) => alike(left[index]!, state));
    if (at === undefined) same.push(left.push(state) - 1);
    else left[at] = joined(left[at]!, state);
  }
  return left;
}

const HALTS: readonly Halt[] = ["none", "ahead", "found"];

/** A number for tail, EventOverflow, EventLogRun and the illegal command. */
function statusOf({ tail, overflow, running, halt }: LogState): number {
  return tail * 16 + HALTS.indexOf(halt) * 4 + (overflow ? 2 : 0) + (running ? 1 : 0);
}

/** True for states of the same status that nothing else tells apart but what they have logged. */
function isAlike(one: LogState, other: LogState): boolean {
  if (one.interrupt !== other.interrupt || one.reported.size !== other.reported.size) return false;
  for (const [device, step] of one.reported) if (other.reported.get(device) !== step) return false;
  return true;
}

function joined(one: LogState, other: LogState): LogState {
  const interrupt = one.interrupt === other.interrupt ? one.interrupt : "either";
  return { ...one, interrupt, reported: laterReported(one, other), history: either(one, other) };
}

function laterReported(one: LogState, other: LogState): ReadonlyMap<number, number> {
  if (isAlike(one, other)) return one.reported;
  const reported = new Map(one.reported);
  for (const [device, step] of other.reported)
    reported.set(device, Math.max(step, reported.get(device) ?? 0));
  return reported;
}

function either(one: LogState, other: LogState): History {
  const further = other.history.filter((entry) => !one.history.includes(entry));
  return further.length === 0 ? one.history : [...one.history, ...further];
}
