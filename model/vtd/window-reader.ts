/**
 * The reader of every admissible value. A walk is run again and again, each time with another combination of the
 * values its entries have held; the chain of what was read, with the window of each value, stays behind to be judged.
 */
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import type { SteeringRegisters } from "./steering.js";
import { Structure, type TableReader, type Translation } from "./walk.js";

/** Entries of a chain: the two registers, root, context and up to five levels. */
const LONGEST_CHAIN = 9;

/** Position of each part in a chain. */
export const Link = { enabled: 0, rootPointer: 1, root: 2, context: 3, firstLevel: 4 } as const;

export class WindowReader implements TableReader {
  low = 0;
  high = 0;
  low2 = 0;
  high2 = 0;

  /** Length of the chain read so far. */
  length = 0;
  /** First step at which the value of each link could be read. */
  readonly since = new Int32Array(LONGEST_CHAIN);
  /** First step at which it could no longer be read. */
  readonly until = new Int32Array(LONGEST_CHAIN);
  /** Step from which on flushing the write buffer makes it unreadable (6.8); without a write buffer the same. */
  readonly buffered = new Int32Array(LONGEST_CHAIN);
  /** Level of a second-stage link. */
  readonly level = new Int32Array(LONGEST_CHAIN);
  /** Page and word each link was read from, and its value, for witnesses. */
  readonly page = new Float64Array(LONGEST_CHAIN);
  readonly word = new Int32Array(LONGEST_CHAIN);
  readonly lows = new Uint32Array(LONGEST_CHAIN);
  readonly highs = new Uint32Array(LONGEST_CHAIN);

  private readonly choice = new Int32Array(LONGEST_CHAIN);
  private readonly more = new Uint8Array(LONGEST_CHAIN);
  /** Some link of the walks since {@link begin} had a choice; most requests meet none, and are spared the search. */
  private anyChoice = true;
  private now = 0;
  private flushed = 0;
  private currentLevel = 0;

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly registers: SteeringRegisters,
    private readonly cachesFaults: boolean,
  ) {}

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

  /** True when a link from the root pointer down to `last` may hold another value than in the first combination. */
  hasChoice(last: number): boolean {
    for (let link = Link.rootPointer; link <= last && link < this.length; link++)
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
    const at =
      enabled.count === 1
        ? this.only(Link.enabled)
        : this.pick(
            Link.enabled,
            enabled.count,
            (index) => enabled.since[index]! <= this.now && enabled.until[index]! > this.now,
          );
    this.push(enabled.since[at]!, enabled.until[at]!, enabled.until[at]!);
    return enabled.value[at] === 1;
  }

  rootTable(): number {
    const { rootPointer } = this.registers;
    const at =
      rootPointer.count === 1
        ? this.only(Link.rootPointer)
        : this.pick(Link.rootPointer, rootPointer.count, (index) => rootPointer.since[index]! <= this.now);
    this.push(rootPointer.since[at]!, rootPointer.until[at]!, rootPointer.until[at]!);
    return rootPointer.value[at]!;
  }

  read(structure: Structure, page: number, word: number): boolean {
    const link = this.length;
    const { memory } = this;
    const frame = memory.frameOf(page);
    this.page[link] = page;
    this.word[link] = word;
    this.level[link] = this.currentLevel;
    if (frame < 0) {
      this.more[link] = 0;
      this.push(0, OPEN, OPEN);
      return false;
    }
    if (memory.hasHistory(frame)) {
      if (structure === Structure.secondStage) this.readWord(frame, word);
      else this.readPair(frame, word);
    } else {
      this.more[link] = 0;
      this.low = memory.low(frame, word);
      this.high = memory.high(frame, word);
      if (structure !== Structure.secondStage) {
        this.low2 = memory.low(frame, word + 1);
        this.high2 = memory.high(frame, word + 1);
      }
      this.push(0, OPEN, OPEN);
    }
    this.lows[link] = this.low;
    this.highs[link] = this.high;
    return true;
  }

  startLevel(walk: Translation): void {
    this.currentLevel = walk.level;
  }

  tableReached(walk: Translation): void {
    this.currentLevel = walk.level;
  }

  private push(since: number, until: number, buffered: number): void {
    this.since[this.length] = since;
    this.until[this.length] = until;
    this.buffered[this.length] = buffered;
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

  /** The chosen one of `count` register values, newest first, among those that are usable. */
  private pick(link: number, count: number, usable: (index: number) => boolean): number {
    let rank = this.choice[link]!;
    let found = -1;
    this.more[link] = 0;
    for (let index = count - 1; index >= 0; index--) {
      if (!usable(index)) continue;
      if (found >= 0) {
        this.setChoice(link);
        break;
      }
      if (rank-- === 0) found = index;
    }
    return found;
  }

  /**
   * An old value matters only while it can still be read or, being present, can still be in a cache; one that was stored
   * after the request was answered does not matter at all.
   */
  private usable(since: number, until: number, low: number, presentMask: number): boolean {
    if (since > this.now) return false;
    return until > this.now || (low & presentMask) !== 0 || this.cachesFaults;
  }

  private readWord(frame: number, word: number): void {
    const { memory } = this;
    const link = this.length;
    let version = memory.newestVersion(frame, word);
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
      if (!this.usable(since, memory.untilOf(version), memory.lowOf(version), 3)) continue;
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
   * An entry of 128 bits is fetched at once (chapter 9), so its two words are of one moment: the moments are the
   * states between stores to either word, newest first.
   */
  private readPair(frame: number, word: number): void {
    const { memory } = this;
    const link = this.length;
    let first = memory.newestVersion(frame, word);
    let second = memory.newestVersion(frame, word + 1);
    let until = OPEN;
    let buffered = OPEN;
    let rank = this.choice[link]!;
    let found = false;
    let more = 0;
    let since = 0;
    let foundSince = 0;
    let foundUntil = OPEN;
    let foundBuffered = OPEN;
    while (true) {
      const sinceFirst = first === 0 ? 0 : memory.sinceOf(first);
      const sinceSecond = second === 0 ? 0 : memory.sinceOf(second);
      since = Math.max(sinceFirst, sinceSecond);
      const low = first === 0 ? memory.low(frame, word) : memory.lowOf(first);
      if (this.usable(since, until, low, 1)) {
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
