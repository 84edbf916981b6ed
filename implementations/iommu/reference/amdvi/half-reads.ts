/**
 * Device table entries of which one 64-bit word has been read and the other has not, in units that read no more at once
 * (AMD-Vi 2.2.2).
 */
import type { Chance } from "../../../../model/words/chance.js";

interface HalfRead {
  readonly requester: number;
  readonly page: number;
  readonly word: number;
  /** The second word is the one that was read. */
  readonly second: boolean;
  readonly low: number;
  readonly high: number;
}

/** Two words of an entry as they were read. */
export interface EntryWords {
  low: number;
  high: number;
  low2: number;
  high2: number;
}

const CAPACITY = 4;

export class HalfReads {
  private readonly started: HalfRead[] = [];

  constructor(private readonly chance: Chance) {}

  clear(): void {
    this.started.length = 0;
  }

  forget(matches: (requester: number) => boolean): void {
    const kept = this.started.filter((one) => !matches(one.requester));
    this.started.splice(0, this.started.length, ...kept);
  }

  /**
   * An entry has been read: it may have been one that was read half before. The halves that memory shows now may be the
   * first of a read that goes on later.
   */
  complete(requester: number, page: number, word: number, entry: EntryWords): void {
    const { started, chance } = this;
    const now: HalfRead = chance.happens(128)
      ? { requester, page, word, second: true, low: entry.low2, high: entry.high2 }
      : { requester, page, word, second: false, low: entry.low, high: entry.high };
    const at = started.findIndex(
      (one) => one.page === page && one.word === word && one.requester === requester,
    );
    if (at >= 0 && chance.happens(128)) {
      const { second, low, high } = started.splice(at, 1)[0]!;
      if (second) Object.assign(entry, { low2: low, high2: high });
      else Object.assign(entry, { low, high });
    }
    if (started.length < CAPACITY && chance.happens(64)) started.push(now);
  }
}
