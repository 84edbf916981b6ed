/**
 * Copies of a memory, to go back to: the words that were touched, and the versions with their windows. The fields are
 * those of {@link PhysicalMemory}; a test compares the names, so that none is left out when there are others.
 */
import type { PhysicalMemory } from "../../model/words/memory.js";

/** What {@link PhysicalMemory} keeps to itself. */
interface Fields {
  readonly frames: Uint32Array;
  readonly newest: Int32Array;
  readonly frameHasHistory: Uint8Array;
  readonly frameCount: number;
  readonly pageOfFrame: readonly number[];
  versionCount: number;
  readonly since: Int32Array;
  readonly until: Int32Array;
  readonly buffered: Int32Array;
  readonly lows: Uint32Array;
  readonly highs: Uint32Array;
  readonly older: Int32Array;
  freeVersions: number[];
  superseded: number[];
  lingering: number[];
  lingeringLines: number[];
  readonly initial: readonly (Uint32Array | null)[];
  touched: Int32Array;
  touchedCount: number;
}

/** A memory as it was. */
export interface MemoryCopy {
  /** Words that were touched, as `frame * 512 + word`. */
  readonly words: Int32Array;
  readonly lows: Uint32Array;
  readonly highs: Uint32Array;
  readonly newest: Int32Array;
  readonly frameHasHistory: Uint8Array;
  /** What is kept of each version, array by array. */
  readonly histories: readonly Int32Array[];
  readonly versionCount: number;
  /** Lists of versions, words and lines. */
  readonly lists: readonly (readonly number[])[];
}

const fieldsOf = (memory: PhysicalMemory) => memory as unknown as Fields;

/** What is kept of each version; halves of values as the same bits. */
const historiesOf = ({ since, until, buffered, lows, highs, older }: Fields) => [
  since,
  until,
  buffered,
  new Int32Array(lows.buffer),
  new Int32Array(highs.buffer),
  older,
];

const listsOf = ({ freeVersions, superseded, lingering, lingeringLines }: Fields) => [
  freeVersions,
  superseded,
  lingering,
  lingeringLines,
];

function putBack(list: number[], was: readonly number[]): void {
  list.length = was.length;
  for (let index = 0; index < was.length; index++) list[index] = was[index]!;
}

/** Copies what the memory holds and has held. */
export function copyOfMemory(memory: PhysicalMemory): MemoryCopy {
  const fields = fieldsOf(memory);
  if (fields.touchedCount === 1 << 16) throw new RangeError("more stores than a copy can tell of");
  const { frames, newest, versionCount } = fields;
  const words = fields.touched.slice(0, fields.touchedCount);
  const copy = {
    words,
    lows: new Uint32Array(words.length),
    highs: new Uint32Array(words.length),
    newest: new Int32Array(words.length),
  };
  for (let index = 0; index < words.length; index++) {
    const key = words[index]!;
    copy.lows[index] = frames[key * 2]!;
    copy.highs[index] = frames[key * 2 + 1]!;
    copy.newest[index] = newest[key]!;
  }
  return {
    ...copy,
    frameHasHistory: fields.frameHasHistory.slice(0, fields.frameCount),
    histories: historiesOf(fields).map((one) => one.slice(0, versionCount)),
    versionCount,
    lists: listsOf(fields).map((one) => one.slice()),
  };
}

/** Takes a memory, not reset since, back to a copy. */
export function restoreMemory(memory: PhysicalMemory, copy: MemoryCopy): void {
  const fields = fieldsOf(memory);
  const { frames, newest, frameHasHistory } = fields;
  clearTouched(fields);
  const { words } = copy;
  for (let index = 0; index < words.length; index++) {
    const key = words[index]!;
    fields.touched[index] = key;
    frames[key * 2] = copy.lows[index]!;
    frames[key * 2 + 1] = copy.highs[index]!;
    newest[key] = copy.newest[index]!;
  }
  fields.touchedCount = words.length;
  frameHasHistory.fill(0, 0, fields.frameCount);
  frameHasHistory.set(copy.frameHasHistory);
  for (const [index, history] of historiesOf(fields).entries()) history.set(copy.histories[index]!);
  fields.versionCount = copy.versionCount;
  for (const [index, list] of listsOf(fields).entries()) putBack(list, copy.lists[index]!);
}

/** Every word as it was at the last reset. */
function clearTouched({ touched, touchedCount, initial, frames, newest }: Fields): void {
  for (let index = 0; index < touchedCount; index++) {
    const key = touched[index]!;
    const pattern = initial[key >>> 9]!;
    const half = (key & 511) * 2;
    frames[key * 2] = pattern === null ? 0 : pattern[half]!;
    frames[key * 2 + 1] = pattern === null ? 0 : pattern[half + 1]!;
    newest[key] = 0;
  }
}

/** The words that were touched since the last reset, each once. */
export function wordsTouched(memory: PhysicalMemory): { readonly page: number; readonly word: number }[] {
  const { touched, touchedCount, pageOfFrame } = fieldsOf(memory);
  const words = new Set(touched.subarray(0, touchedCount));
  return [...words].map((key) => ({ page: pageOfFrame[key >>> 9]!, word: key & 511 }));
}
