/**
 * The reader of every admissible value. A walk is run again and again, each time with another combination of the
 * values its entries have held; the chain of what was read, with the window of each value, stays behind to be judged.
 */
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import type { RegisterWindow } from "./register-window.js";
import type { SteeringRegisters } from "./steering.js";
import { Link, type Unit } from "./unit.js";
import { Structure, type TableReader, type Translation } from "./walk.js";

/** The bit of an entry above the tables that says it is present. */
const PRESENT = 1;
/** In place of such bits: whatever the entry says, it may be kept. */
const ANY = 0;

/** As long as the longest chain: every part of it, and one more for what a walk would read next. */
function lengthOf({ shape }: Unit): number {
  return shape.firstTable + shape.levels + 1;
}

export class WindowReader implements TableReader {
  low = 0;
  high = 0;
  low2 = 0;
  high2 = 0;

  /** Length of the chain read so far. */
  length = 0;
  /** First step at which the value of each link could be read. */
  readonly since: Int32Array;
  /** First step at which it could no longer be read. */
  readonly until: Int32Array;
  /** Step from which on flushing the write buffer makes it unreadable (VT-d 6.8); without a write buffer the same. */
  readonly buffered: Int32Array;
  /** Level of the table that a link is in. */
  readonly level: Int32Array;
  /** Page and word each link was read from, and its value, for witnesses. */
  readonly page: Float64Array;
  readonly word: Int32Array;
  readonly lows: Uint32Array;
  readonly highs: Uint32Array;

  private readonly choice: Int32Array;
  private readonly more: Uint8Array;
  /** Some link of the walks since {@link begin} had a choice; most requests meet none, and are spared the search. */
  private anyChoice = true;
  private now = 0;
  private flushed = 0;
  private currentLevel = 0;

  private readonly lastDevice: number;
  private readonly twoParts: boolean;
  /** Of an entry of each structure, the bits one of which is set when a cache may keep it. */
  private readonly kept: readonly number[];

  /** @param cachesFaults entries that fault count while a cache may keep them, as on the platform unless given */
  constructor(
    private readonly unit: Unit,
    private readonly memory: PhysicalMemory,
    private readonly registers: SteeringRegisters,
    cachesFaults = unit.cachesFaults,
  ) {
    const length = lengthOf(unit);
    this.since = new Int32Array(length);
    this.until = new Int32Array(length);
    this.buffered = new Int32Array(length);
    this.level = new Int32Array(length);
    this.page = new Float64Array(length);
    this.word = new Int32Array(length);
    this.lows = new Uint32Array(length);
    this.highs = new Uint32Array(length);
    this.choice = new Int32Array(length);
    this.more = new Uint8Array(length);
    const { device, lastDevice } = unit.shape;
    this.lastDevice = lastDevice;
    this.twoParts = lastDevice > device;
    const ofDevice = cachesFaults || unit.cachesInvalidDevices ? ANY : PRESENT;
    this.kept = cachesFaults ? [ANY, ANY, ANY] : [PRESENT, ofDevice, unit.entries.presentMask];
  }

  /**
   * Prepares for the chains of a request answered at step `now`.
   * @param flushed what was in the write buffer at this step is known to have left it by then
   */
  begin(now: number, flushed = 0): void {
    this.now = now;
    this.flushed = flushed;
    this.length = 0;
    if (this.anyChoice) this.choice.fill(0);
    this.anyChoice = false;
  }

  /** Moves on to the next combination of the links from `first` on; false when all were tried. Call after each walk. */
  next(first = 0): boolean {
    if (!this.anyChoice) return false;
    for (let link = this.length - 1; link >= first; link--) {
      if (this.more[link]) {
        this.choice[link]!++;
        this.choice.fill(0, link + 1);
        this.length = 0;
        return true;
      }
    }
    return false;
  }

  /** True when a link from the pointer down to the device entry may hold another value than in the first combination. */
  hasChoiceOfDevice(): boolean {
    for (let link = Link.pointer; link <= this.lastDevice && link < this.length; link++)
      if (this.more[link]) return true;
    return false;
  }

  /** True when every link of the chain holds what memory and registers hold now. */
  isCurrent(): boolean {
    for (let link = 0; link < this.length; link++)
      if (this.until[link]! <= this.now || this.buffered[link]! <= this.flushed) return false;
    return true;
  }

  translationEnabled(): boolean {
    const { enabled } = this.registers;
    const at = enabled.count === 1 ? this.only(Link.enabled) : this.pick(Link.enabled, enabled, this.now);
    this.push(enabled.since[at]!, enabled.until[at]!, enabled.until[at]!);
    return enabled.value[at] === 1;
  }

  tablePointer(): number {
    const { tablePointer } = this.registers;
    const at = tablePointer.count === 1 ? this.only(Link.pointer) : this.pick(Link.pointer, tablePointer, 0);
    const since = Math.max(tablePointer.since[at]!, this.firstRead());
    this.push(since, tablePointer.until[at]!, tablePointer.until[at]!);
    return tablePointer.value[at]!;
  }

  /** The first step at which entries can have been read. */
  private firstRead(): number {
    return this.unit.readsWhileDisabled ? 0 : this.registers.enabled.firstNonZero;
  }

  read(structure: Structure, page: number, word: number): boolean {
    const { memory } = this;
    const frame = memory.frameOf(page);
    if (frame < 0) {
      this.place(page, word);
      this.more[this.length] = 0;
      this.push(0, OPEN, OPEN);
      return false;
    }
    const kept = this.kept[structure]!;
    if (structure === Structure.table) {
      this.place(page, word);
      this.readWord(frame, word, kept);
    } else if (structure === Structure.device && this.twoParts) {
      this.readParts(frame, page, word, kept);
    } else {
      this.place(page, word);
      this.readPair(frame, word, kept);
    }
    return true;
  }

  startLevel(walk: Translation): void {
    this.currentLevel = walk.level;
  }

  tableReached(walk: Translation): void {
    this.currentLevel = walk.level;
  }

  private place(page: number, word: number): void {
    this.page[this.length] = page;
    this.word[this.length] = word;
    this.level[this.length] = this.currentLevel;
  }

  private push(since: number, until: number, buffered: number): void {
    this.since[this.length] = since;
    this.until[this.length] = until;
    this.buffered[this.length] = buffered;
    this.lows[this.length] = this.low;
    this.highs[this.length] = this.high;
    this.length++;
  }

  private setChoice(link: number): void {
    this.more[link] = 1;
    this.anyChoice = true;
  }

  /** A register that has held one value leaves no choice. */
  private only(link: number): number {
    this.more[link] = 0;
    return 0;
  }

  /** The chosen one of the values of a register, newest first, among those in force by now that were so after step `after`. */
  private pick(link: number, { count, since, until }: RegisterWindow, after: number): number {
    let rank = this.choice[link]!;
    let found = -1;
    this.more[link] = 0;
    for (let index = count - 1; index >= 0; index--) {
      if (since[index]! > this.now || until[index]! <= after) continue;
      if (found >= 0) {
        this.setChoice(link);
        break;
      }
      if (rank-- === 0) found = index;
    }
    return found;
  }

  /**
   * An old value matters only while it can still be read or may still be in a cache; one that was stored after the
   * request was answered does not matter at all.
   */
  private usable(since: number, until: number, low: number, kept: number): boolean {
    if (since > this.now) return false;
    return until > this.now || kept === ANY || (low & kept) !== 0;
  }

  /** The two words of an entry, each of a moment of its own. */
  private readParts(frame: number, page: number, word: number, kept: number): void {
    const first = this.length;
    this.length++;
    this.place(page, word + 1);
    // What the first word says decides whether a cache keeps the second.
    this.readWord(frame, word + 1, ANY);
    this.low2 = this.low;
    this.high2 = this.high;
    const end = this.length;
    this.length = first;
    this.place(page, word);
    this.readWord(frame, word, kept);
    this.length = end;
  }

  private readWord(frame: number, word: number, kept: number): void {
    const { memory } = this;
    const link = this.length;
    let version = memory.hasHistory(frame) ? memory.newestVersion(frame, word) : 0;
    this.more[link] = 0;
    if (version === 0) {
      this.low = memory.low(frame, word);
      this.high = memory.high(frame, word);
      this.push(0, OPEN, OPEN);
      return;
    }
    let rank = this.choice[link]!;
    let found = 0;
    for (; version !== 0; version = memory.olderVersion(version)) {
      const since = memory.sinceOf(version);
      if (!this.usable(since, memory.untilOf(version), memory.lowOf(version), kept)) continue;
      if (found !== 0) {
        this.setChoice(link);
        break;
      }
      if (rank-- === 0) found = version;
    }
    // Before the oldest value that is kept, what was there is forgotten because it was not present or is out of reach:
    // version 0 is all zeros, and ended before the first step.
    this.low = memory.lowOf(found);
    this.high = memory.highOf(found);
    this.push(memory.sinceOf(found), memory.untilOf(found), memory.bufferedOf(found));
  }

  /**
   * An entry of 128 bits that is fetched at once has two words of one moment: the moments are the states between stores to
   * either word, newest first.
   */
  private readPair(frame: number, word: number, kept: number): void {
    const { memory } = this;
    const link = this.length;
    if (!memory.hasHistory(frame)) {
      this.more[link] = 0;
      this.low = memory.low(frame, word);
      this.high = memory.high(frame, word);
      this.low2 = memory.low(frame, word + 1);
      this.high2 = memory.high(frame, word + 1);
      this.push(0, OPEN, OPEN);
      return;
    }
    let first = memory.newestVersion(frame, word);
    let second = memory.newestVersion(frame, word + 1);
    let until = OPEN;
    let buffered = OPEN;
    let rank = this.choice[link]!;
    let found = false;
    let more = 0;
    let since = 0;
    let foundSince = 0;
    let foundUntil = 0;
    let foundBuffered = 0;
    this.low = 0;
    this.high = 0;
    while (true) {
      const sinceFirst = first === 0 ? 0 : memory.sinceOf(first);
      const sinceSecond = second === 0 ? 0 : memory.sinceOf(second);
      since = Math.max(sinceFirst, sinceSecond);
      const low = first === 0 ? memory.low(frame, word) : memory.lowOf(first);
      if (this.usable(since, until, low, kept)) {
        if (found) {
          more = 1;
          break;
        }
        if (rank-- === 0) {
          found = true;
          this.low = low;
          this.high = first === 0 ? memory.high(frame, word) : memory.highOf(first);
          this.low2 = second === 0 ? memory.low(frame, word + 1) : memory.lowOf(second);
          this.high2 = second === 0 ? memory.high(frame, word + 1) : memory.highOf(second);
          foundSince = since;
          foundUntil = until;
          foundBuffered = buffered;
        }
      }
      // What is older than the oldest version, if it is not from the start, was forgotten.
      if (since === 0 || memory.olderVersion(sinceFirst > sinceSecond ? first : second) === 0) break;
      const replaced = memory.olderVersion(sinceFirst > sinceSecond ? first : second);
      if (sinceFirst > sinceSecond) first = replaced;
      else second = replaced;
      until = memory.untilOf(replaced);
      buffered = memory.bufferedOf(replaced);
    }
    this.more[link] = 0;
    if (more) this.setChoice(link);
    this.push(foundSince, foundUntil, foundBuffered);
  }
}
