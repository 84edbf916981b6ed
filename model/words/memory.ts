/**
 * Sparse physical memory in typed-array pages. Every 64-bit word keeps its history: the values it has held and
 * the steps between which hardware may have read each of them (visibility windows).
 */

/** The step at which a window that is still open ends. */
export const OPEN = 0x7fffffff;

/** Frame 0 is the page of zeros that stands for every page nobody has written to yet. */
const ZERO_FRAME = 0;
const NO_FRAME = -1;

/** When a CPU store becomes the only value that table walks can see. */
export interface StoreVisibility {
  /** Walks do not snoop: the old value stays visible until its line is flushed (VT-d ECAP.C = 0). */
  readonly needsLineFlush: boolean;
  /** Stores wait in a write buffer until that is flushed (VT-d CAP.RWBF = 1). */
  readonly needsBufferFlush: boolean;
}

export const COHERENT: StoreVisibility = { needsLineFlush: false, needsBufferFlush: false };

/** A superseded value whose window is still open because its line, or the write buffer, was not flushed. */
interface Lingering {
  readonly version: number;
  readonly line: number;
  lineFlushed: boolean;
}

export class PhysicalMemory {
  private frames = new Uint32Array(64 * 1024);
  /** Per word: its newest version in the history, 0 when it was never stored to. */
  private newest = new Int32Array(64 * 512);
  private frameHasHistory = new Uint8Array(64);
  private frameCount = 1;

  private slots = new Int32Array(256).fill(NO_FRAME);
  private keys = new Uint32Array(256);
  private shift = 24;

  private versionCount = 1;
  private since = new Int32Array(1024);
  private until = new Int32Array(1024);
  private lows = new Uint32Array(1024);
  private highs = new Uint32Array(1024);
  private older = new Int32Array(1024);
  private lingering: Lingering[] = [];

  private patterned: ReadonlySet<number> | null = null;

  /**
   * @param pageCount pages 0 to `pageCount - 1` exist; an access beyond them is an error
   * @param pattern what byte `offset` (a multiple of 4) of a patterned page holds at first
   */
  constructor(
    readonly pageCount: number,
    private visibility: StoreVisibility = COHERENT,
    private readonly pattern: (page: number, offset: number) => number = () => 0,
  ) {}

  /** Everything zero but the patterned pages, no history, as new; keeps its buffers. */
  reset(visibility: StoreVisibility, patterned: ReadonlySet<number> | null = null): void {
    this.visibility = visibility;
    this.patterned = patterned;
    this.frames.fill(0, 0, this.frameCount * 1024);
    this.newest.fill(0, 0, this.frameCount * 512);
    this.frameHasHistory.fill(0, 0, this.frameCount);
    this.frameCount = 1;
    this.slots.fill(NO_FRAME);
    this.versionCount = 1;
    this.lingering.length = 0;
  }

  /** The frame that holds a page, or -1 when no such memory exists. The frame of an untouched page reads as zero. */
  frameOf(page: number): number {
    if (page >= this.pageCount) return NO_FRAME;
    const mask = this.slots.length - 1;
    let slot = Math.imul(page, 0x9e3779b1) >>> this.shift;
    while (true) {
      const frame = this.slots[slot]!;
      if (frame === NO_FRAME) return this.patterned?.has(page) ? this.writableFrame(page) : ZERO_FRAME;
      if (this.keys[slot] === page) return frame;
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
    const at = this.writableFrame(page) * 1024 + word * 2;
    this.frames[at] = low;
    this.frames[at + 1] = high;
  }

  /** A CPU store at step `step`: the old value's window ends now, or later where walks do not snoop. */
  store(page: number, word: number, low: number, high: number, step: number): void {
    const frame = this.writableFrame(page);
    const at = frame * 1024 + word * 2;
    const key = frame * 512 + word;
    let old = this.newest[key]!;
    if (old === 0) old = this.addVersion(0, this.frames[at]!, this.frames[at + 1]!, 0);
    if (this.visibility.needsLineFlush || this.visibility.needsBufferFlush) {
      const line = page * 64 + (word >>> 3);
      this.lingering.push({ version: old, line, lineFlushed: !this.visibility.needsLineFlush });
    } else {
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
    const newest = this.newest[this.frameOf(page) * 512 + word]!;
    this.until[this.older[newest]!] = OPEN;
  }

  /** The CPU has written a 64-byte line back at step `step`: older values of its words are gone. */
  flushLine(page: number, line: number, step: number): void {
    const flushed = page * 64 + line;
    for (const one of this.lingering) if (one.line === flushed) one.lineFlushed = true;
    if (!this.visibility.needsBufferFlush) this.flushBuffer(step);
  }

  /** The write buffer is known to be empty at step `step`. */
  flushBuffer(step: number): void {
    if (this.lingering.length === 0) return;
    for (const one of this.lingering) if (one.lineFlushed) this.until[one.version] = step;
    this.lingering = this.lingering.filter((one) => !one.lineFlushed);
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

  lowOf(version: number): number {
    return this.lows[version]!;
  }

  highOf(version: number): number {
    return this.highs[version]!;
  }

  private addVersion(since: number, low: number, high: number, older: number): number {
    const version = this.versionCount++;
    if (version === this.since.length) this.growVersions();
    this.since[version] = since;
    this.until[version] = OPEN;
    this.lows[version] = low;
    this.highs[version] = high;
    this.older[version] = older;
    return version;
  }

  private growVersions(): void {
    const size = this.since.length * 2;
    this.since = grown(this.since, new Int32Array(size));
    this.until = grown(this.until, new Int32Array(size));
    this.lows = grown(this.lows, new Uint32Array(size));
    this.highs = grown(this.highs, new Uint32Array(size));
    this.older = grown(this.older, new Int32Array(size));
  }

  private writableFrame(page: number): number {
    const { patterned } = this;
    this.patterned = null;
    const found = this.frameOf(page);
    this.patterned = patterned;
    if (found > ZERO_FRAME) return found;
    if (found === NO_FRAME) throw new RangeError(`no memory at page 0x${page.toString(16)}`);
    const frame = this.frameCount++;
    if (frame * 2 > this.slots.length) this.growSlots();
    if (frame === this.frameHasHistory.length) this.growFrames();
    this.insert(page, frame);
    if (patterned?.has(page)) this.fillPattern(page, frame);
    return frame;
  }

  private fillPattern(page: number, frame: number): void {
    for (let index = 0; index < 1024; index++) this.frames[frame * 1024 + index] = this.pattern(page, index * 4);
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
