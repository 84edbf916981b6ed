/**
 * Sparse physical memory in typed-array pages. Every 64-bit word keeps its history: the values it has held and
 * the steps between which hardware may have read each of them (visibility windows).
 */

import { empty, shorten } from "./lists.js";

/** The step at which a window that is still open ends. */
export const OPEN = 0x7fffffff;

/** Frame 0 is the page of zeros that stands for every page nobody has written to yet. */
const ZERO_FRAME = 0;
const NO_FRAME = -1;
/** With more frames, or more stores, than this, starting anew is better than looking after them. */
const KEPT_FRAMES = 256;
const MOST_TOUCHED = 1 << 16;

/** When a CPU store becomes the only value that table walks can see. */
export interface StoreVisibility {
  /** Walks do not snoop: the old value stays visible until its line is flushed (VT-d ECAP.C = 0). */
  readonly needsLineFlush: boolean;
  /** Stores wait in a write buffer until that is flushed (VT-d CAP.RWBF = 1). */
  readonly needsBufferFlush: boolean;
}

export const COHERENT: StoreVisibility = { needsLineFlush: false, needsBufferFlush: false };

/** What pages hold at first that are not zero: 1,024 halves by page. */
export type InitialContents = ReadonlyMap<number, Uint32Array>;

const ZEROS: InitialContents = new Map();

export class PhysicalMemory {
  private frames = new Uint32Array(64 * 1024);
  /** Per word: its newest version in the history, 0 when it was never stored to. */
  private newest = new Int32Array(64 * 512);
  private frameHasHistory = new Uint8Array(64);
  private frameCount = 1;
  private pageOfFrame: number[] = [NO_FRAME];

  private slots = new Int32Array(256).fill(NO_FRAME);
  private keys = new Uint32Array(256);
  private shift = 24;

  private versionCount = 1;
  private since = new Int32Array(1024);
  private until = new Int32Array(1024);
  private buffered = new Int32Array(1024);
  private lows = new Uint32Array(1024);
  private highs = new Uint32Array(1024);
  private older = new Int32Array(1024);
  /** Versions that were forgotten, to be used again. */
  private freeVersions: number[] = [];
  /** Words that have an older version: `frame * 512 + word`, each once. */
  private superseded: number[] = [];
  /** Superseded values whose windows are still open because their lines, or the write buffer, were not flushed. */
  private readonly lingering: number[] = [];
  /** Lines of memory (`page * 64 + line`) that they are in. */
  private readonly lingeringLines: number[] = [];

  private contents: InitialContents = ZEROS;
  /** What a page holds at first, by frame; null for a page of zeros. */
  private initial: (Uint32Array | null)[] = [null];
  /** Words stored to since the last reset: `frame * 512 + word`, with repetitions. */
  private touched = new Int32Array(1024);
  private touchedCount = 0;

  /** @param pageCount pages 0 to `pageCount - 1` exist; an access beyond them is an error */
  constructor(
    public pageCount: number,
    private visibility: StoreVisibility = COHERENT,
  ) {}

  /** Everything zero but the pages with contents, no history, as new; keeps its buffers, for any number of pages. */
  reset(visibility: StoreVisibility, contents = ZEROS, pageCount = this.pageCount): void {
    this.visibility = visibility;
    this.pageCount = pageCount;
    const few = this.frameCount <= KEPT_FRAMES && this.touchedCount < MOST_TOUCHED;
    if (contents === this.contents && few) this.restoreTouched();
    else this.forgetFrames();
    this.contents = contents;
    this.touchedCount = 0;
    this.versionCount = 1;
    empty(this.freeVersions);
    empty(this.superseded);
    empty(this.lingering);
    empty(this.lingeringLines);
  }

  /** Runs touch few words of the same few pages: putting those right is far less work than clearing every page. */
  private restoreTouched(): void {
    const { touched, initial, frames, newest, frameHasHistory } = this;
    for (let index = 0; index < this.touchedCount; index++) {
      const key = touched[index]!;
      const frame = key >>> 9;
      const pattern = initial[frame]!;
      const half = (key & 511) * 2;
      frames[key * 2] = pattern === null ? 0 : pattern[half]!;
      frames[key * 2 + 1] = pattern === null ? 0 : pattern[half + 1]!;
      newest[key] = 0;
      frameHasHistory[frame] = 0;
    }
  }

  private forgetFrames(): void {
    this.frames.fill(0, 0, this.frameCount * 1024);
    this.newest.fill(0, 0, this.frameCount * 512);
    this.frameHasHistory.fill(0, 0, this.frameCount);
    this.initial.length = 1;
    this.pageOfFrame.length = 1;
    this.frameCount = 1;
    this.slots.fill(NO_FRAME);
  }

  /** The frame that holds a page, or -1 when no such memory exists. The frame of an untouched page reads as zero. */
  frameOf(page: number): number {
    if (page >= this.pageCount) return NO_FRAME;
    const frame = this.find(page);
    if (frame !== NO_FRAME) return frame;
    return this.contents.has(page) ? this.addFrame(page) : ZERO_FRAME;
  }

  /** The frame a page was given, or -1. */
  private find(page: number): number {
    const { slots, keys } = this;
    const mask = slots.length - 1;
    let slot = Math.imul(page, 0x9e3779b1) >>> this.shift;
    while (true) {
      const frame = slots[slot]!;
      if (frame === NO_FRAME || keys[slot] === page) return frame;
      slot = (slot + 1) & mask;
    }
  }

  /** Low 32 bits of word `word` (0 to 511) of a frame. */
  low(frame: number, word: number): number {
    return this.frames[frame * 1024 + word * 2]!;
  }

  /** High 32 bits of word `word` (0 to 511) of a frame. */
  high(frame: number, word: number): number {
    return this.frames[frame * 1024 + word * 2 + 1]!;
  }

  /** Sets a word as if it had always held this value: no step, no history. */
  fill(page: number, word: number, low: number, high: number): void {
    const key = this.writableFrame(page) * 512 + word;
    this.touch(key);
    this.frames[key * 2] = low;
    this.frames[key * 2 + 1] = high;
  }

  /** A CPU store at step `step`: the old value's window ends now, or later where walks do not snoop. */
  store(page: number, word: number, low: number, high: number, step: number): void {
    const frame = this.writableFrame(page);
    const key = frame * 512 + word;
    const at = key * 2;
    this.touch(key);
    let old = this.newest[key]!;
    if (old === 0) old = this.addVersion(0, this.frames[at]!, this.frames[at + 1]!, 0);
    if (this.older[old] === 0) this.superseded.push(key);
    if (this.visibility.needsLineFlush || this.visibility.needsBufferFlush) {
      this.lingering.push(old);
      this.lingeringLines.push(page * 64 + (word >>> 3));
      if (!this.visibility.needsLineFlush) this.buffered[old] = step;
    } else {
      this.buffered[old] = step;
      this.until[old] = step;
    }
    this.newest[key] = this.addVersion(step, low, high, old);
    this.frameHasHistory[frame] = 1;
    this.frames[at] = low;
    this.frames[at + 1] = high;
  }

  /** A write by a device or by the IOMMU itself at step `step`: memory sees it at once. */
  storeSnooped(page: number, word: number, low: number, high: number, step: number): void {
    const visibility = this.visibility;
    this.visibility = COHERENT;
    this.store(page, word, low, high, step);
    this.visibility = visibility;
  }

  /** A write by a device that may still be on its way: the old value may be read for good. */
  storePosted(page: number, word: number, low: number, high: number, step: number): void {
    this.storeSnooped(page, word, low, high, step);
    const old = this.older[this.newest[this.frameOf(page) * 512 + word]!]!;
    this.buffered[old] = OPEN;
    this.until[old] = OPEN;
  }

  /** The CPU has written a 64-byte line back at step `step`: older values of its words are gone. */
  flushLine(page: number, line: number, step: number): void {
    const flushed = page * 64 + line;
    const { buffered, lingering, lingeringLines } = this;
    for (let index = 0; index < lingering.length; index++) {
      const version = lingering[index]!;
      if (lingeringLines[index] === flushed && buffered[version] === OPEN) buffered[version] = step;
    }
    if (!this.visibility.needsBufferFlush) this.flushBuffer(step, step);
  }

  /** What the write buffer held at step `held` is known at step `step` to have left it. */
  flushBuffer(held: number, step: number): void {
    const { buffered, until, lingering, lingeringLines } = this;
    let kept = 0;
    for (let index = 0; index < lingering.length; index++) {
      const version = lingering[index]!;
      if (buffered[version]! <= held) {
        until[version] = step;
      } else {
        lingering[kept] = version;
        lingeringLines[kept++] = lingeringLines[index]!;
      }
    }
    shorten(lingering, kept);
    shorten(lingeringLines, kept);
  }

  /** True when some word of the frame was stored to since the memory was set up. */
  hasHistory(frame: number): boolean {
    return this.frameHasHistory[frame] === 1;
  }

  /** The newest version of a word, to be followed with {@link olderVersion}; 0 when it was never stored to. */
  newestVersion(frame: number, word: number): number {
    return this.newest[frame * 512 + word]!;
  }

  olderVersion(version: number): number {
    return this.older[version]!;
  }

  /** First step at which the version could be read. */
  sinceOf(version: number): number {
    return this.since[version]!;
  }

  /** First step at which the version can no longer be read; {@link OPEN} when it still can. */
  untilOf(version: number): number {
    return this.until[version]!;
  }

  /**
   * Step at which its replacement was in the write buffer, so that whatever flushes that later ends the version's being
   * readable; {@link OPEN} when it is not there yet. Without a write buffer the same as {@link untilOf}.
   */
  bufferedOf(version: number): number {
    return this.buffered[version]!;
  }

  lowOf(version: number): number {
    return this.lows[version]!;
  }

  highOf(version: number): number {
    return this.highs[version]!;
  }

  /** True when some word has an older version. */
  get hasSuperseded(): boolean {
    return this.superseded.length > 0;
  }

  /** Values that are kept with their windows. */
  get versions(): number {
    return this.versionCount - 1 - this.freeVersions.length;
  }

  /** Visits every word that has an older version, with the end of its oldest ({@link untilOf}, {@link bufferedOf}). */
  eachSuperseded(visit: (page: number, word: number, until: number, buffered: number) => void): void {
    for (const key of this.superseded) {
      let version = this.newest[key]!;
      while (this.older[version] !== 0) version = this.older[version]!;
      visit(this.pageOfFrame[key >>> 9]!, key & 511, this.until[version]!, this.buffered[version]!);
    }
  }

  /**
   * Forgets the oldest values of words, up to the first that could still be read at step `endedBy(page, word)`. The newest
   * value of a word stays. Every value is reported once it is gone.
   */
  forget(
    endedBy: (page: number, word: number) => number,
    gone: (page: number, word: number, low: number, high: number) => void,
  ): void {
    this.superseded = this.superseded.filter((key) => {
      const page = this.pageOfFrame[key >>> 9]!;
      this.forgetWord(key, endedBy(page, key & 511), (low, high) => gone(page, key & 511, low, high));
      return this.older[this.newest[key]!] !== 0;
    });
  }

  private forgetWord(key: number, end: number, gone: (low: number, high: number) => void): void {
    const { older, until, lows, highs } = this;
    let kept = this.newest[key]!;
    for (let version = older[kept]!; version !== 0; version = older[version]!)
      if (until[version]! > end) kept = version;
    let version = older[kept]!;
    older[kept] = 0;
    while (version !== 0) {
      this.freeVersions.push(version);
      gone(lows[version]!, highs[version]!);
      version = older[version]!;
    }
  }

  /** Lets the only values of words that were stored before a step count as having been there from the start. */
  settle(before: number): void {
    const { newest, older, since } = this;
    for (let key = 0; key < this.frameCount * 512; key++) {
      const version = newest[key]!;
      if (version === 0 || older[version] !== 0 || since[version]! >= before) continue;
      newest[key] = 0;
      this.freeVersions.push(version);
    }
  }

  private touch(key: number): void {
    if (this.touchedCount === MOST_TOUCHED) return;
    if (this.touchedCount === this.touched.length) {
      this.touched = grown(this.touched, new Int32Array(this.touched.length * 2));
    }
    this.touched[this.touchedCount++] = key;
  }

  private addVersion(since: number, low: number, high: number, older: number): number {
    const version = this.freeVersions.pop() ?? this.versionCount++;
    if (version === this.since.length) this.growVersions();
    this.since[version] = since;
    this.until[version] = OPEN;
    this.buffered[version] = OPEN;
    this.lows[version] = low;
    this.highs[version] = high;
    this.older[version] = older;
    return version;
  }

  private growVersions(): void {
    const size = this.since.length * 2;
    this.since = grown(this.since, new Int32Array(size));
    this.until = grown(this.until, new Int32Array(size));
    this.buffered = grown(this.buffered, new Int32Array(size));
    this.lows = grown(this.lows, new Uint32Array(size));
    this.highs = grown(this.highs, new Uint32Array(size));
    this.older = grown(this.older, new Int32Array(size));
  }

  private writableFrame(page: number): number {
    if (page >= this.pageCount) throw new RangeError(`no memory at page 0x${page.toString(16)}`);
    const frame = this.find(page);
    return frame === NO_FRAME ? this.addFrame(page) : frame;
  }

  private addFrame(page: number): number {
    const frame = this.frameCount++;
    if (frame * 2 > this.slots.length) this.growSlots();
    if (frame === this.frameHasHistory.length) this.growFrames();
    this.insert(page, frame);
    this.pageOfFrame.push(page);
    const halves = this.contents.get(page) ?? null;
    if (halves) this.frames.set(halves, frame * 1024);
    this.initial.push(halves);
    return frame;
  }

  private insert(page: number, frame: number): void {
    const mask = this.slots.length - 1;
    let slot = Math.imul(page, 0x9e3779b1) >>> this.shift;
    while (this.slots[slot] !== NO_FRAME) slot = (slot + 1) & mask;
    this.slots[slot] = frame;
    this.keys[slot] = page;
  }

  private growFrames(): void {
    const size = this.frameHasHistory.length * 2;
    this.frames = grown(this.frames, new Uint32Array(size * 1024));
    this.newest = grown(this.newest, new Int32Array(size * 512));
    this.frameHasHistory = grown(this.frameHasHistory, new Uint8Array(size));
  }

  private growSlots(): void {
    const { slots, keys } = this;
    this.slots = new Int32Array(slots.length * 2).fill(NO_FRAME);
    this.keys = new Uint32Array(slots.length * 2);
    this.shift--;
    slots.forEach((frame, slot) => {
      if (frame !== NO_FRAME) this.insert(keys[slot]!, frame);
    });
  }
}

function grown<A extends { set(from: ArrayLike<number>): void; readonly length: number }>(
  from: A & ArrayLike<number>,
  into: A,
): A {
  into.set(from);
  return into;
}
