/**
 * One state that the event log may be in (AMD-Vi 2.5, MMIO 2010h to 2020h): where the tail stands, what hardware has
 * written into the entries, and which status bits are set. States are not changed; what happens gives a new one.
 */
import type { Word } from "../trace.js";

/** The two words of an event; null for an address that the model does not know. */
export type Event = readonly [Word, Word | null];

/** What hardware or software last wrote into one entry: one of these. */
export interface Entry {
  /** Page and index (0 to 255) of the entry in memory. */
  readonly page: number;
  readonly index: number;
  /** Every content it may have; empty when nothing is known of it. */
  readonly contents: readonly Event[];
  readonly older: Entry | null;
  /** Number of older ones. */
  readonly depth: number;
}

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
  readonly newest: Entry | null;
  readonly halt: Halt;
  /** By DeviceID, the step at which its last I/O page fault was reported: what SE looks at. */
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

export function emptyLog(running: boolean): LogState {
  return {
    tail: 0,
    overflow: false,
    running,
    interrupt: 0,
    newest: null,
    halt: "none",
    reported: new Map(),
  };
}

/** What is known of the entry there, or null when nothing was written to it since the run began. */
export function entryAt(state: LogState, page: number, index: number): Entry | null {
  let entry = state.newest;
  while (entry && (entry.page !== page || entry.index !== index)) entry = entry.older;
  return entry;
}

/** The state with one more entry written to memory. */
export function withEntry(
  state: LogState,
  page: number,
  index: number,
  contents: readonly Event[],
): LogState {
  const older = state.newest && state.newest.depth >= MOST_ENTRIES ? lastWritten(state.newest) : state.newest;
  return { ...state, newest: added(older, page, index, contents) };
}

function added(older: Entry | null, page: number, index: number, contents: readonly Event[]): Entry {
  return { page, index, contents, older, depth: older ? older.depth + 1 : 0 };
}

/** The newest entry of every place. */
function lastWritten(newest: Entry): Entry | null {
  const places = new Map<string, Entry>();
  for (let entry: Entry | null = newest; entry; entry = entry.older) {
    const place = `${entry.page} ${entry.index}`;
    if (!places.has(place)) places.set(place, entry);
  }
  let kept: Entry | null = null;
  for (const { page, index, contents } of places.values()) kept = added(kept, page, index, contents);
  return kept;
}

/**
 * An event happens: it is one of `contents`. 2.5: without room for it it is lost, EventOverflow is set and logging stops.
 * Choice: whether EventLogInt is set when EventIntEn is 0, and whether an overflow sets it, is left open.
 */
export function logged(
  state: LogState,
  place: LogPlace,
  contents: readonly Event[],
  signals: boolean,
): LogState {
  if (!state.running) return state;
  const next = (state.tail + 1) % place.length;
  const interrupt = state.interrupt === 1 ? 1 : "either";
  if (next === place.head) return { ...state, overflow: true, running: false, interrupt };
  const page = place.page + Math.floor(state.tail / ENTRIES_OF_PAGE);
  const entered = withEntry(state, page, state.tail % ENTRIES_OF_PAGE, contents);
  return { ...entered, tail: next, interrupt: signals ? 1 : interrupt };
}

/**
 * The states with those made one that differ in nothing but what they have logged: of each entry, any content that one of
 * them gives is possible then, whatever the other entries hold.
 */
export function merged(states: readonly LogState[]): LogState[] {
  const byKey = new Map<string, LogState>();
  for (const state of states) {
    const { tail, overflow, running, halt } = state;
    const key = `${tail} ${overflow} ${running} ${halt}`;
    const like = byKey.get(key);
    byKey.set(key, like ? joined(like, state) : state);
  }
  return [...byKey.values()];
}

function joined(one: LogState, other: LogState): LogState {
  const reported = new Map(one.reported);
  for (const [device, step] of other.reported)
    reported.set(device, Math.max(step, reported.get(device) ?? 0));
  const interrupt = one.interrupt === other.interrupt ? one.interrupt : "either";
  return { ...one, reported, interrupt, newest: joinedEntries(one, other) };
}

function joinedEntries(one: LogState, other: LogState): Entry | null {
  if (one.newest === other.newest) return one.newest;
  const places = new Map<string, Entry>();
  for (const state of [one, other])
    for (let entry = state.newest; entry; entry = entry.older)
      places.set(`${entry.page} ${entry.index}`, entry);
  let newest: Entry | null = null;
  for (const { page, index } of places.values()) {
    const contents = union(entryAt(one, page, index), entryAt(other, page, index));
    newest = added(newest, page, index, contents);
  }
  return newest;
}

/** Nothing is known of an entry that one of the states has not written. */
function union(one: Entry | null, other: Entry | null): readonly Event[] {
  if (!one || !other || one.contents.length === 0 || other.contents.length === 0) return [];
  if (one.contents === other.contents) return one.contents;
  const nameOf = (event: Event) => event.map((word) => (word ? `${word.low}:${word.high}` : "any")).join();
  return [...new Map([...one.contents, ...other.contents].map((event) => [nameOf(event), event])).values()];
}
