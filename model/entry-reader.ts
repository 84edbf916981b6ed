/** Gives a walk the entries that it is to find, one after the other, wherever it looks; behind the last there is nothing. */
import type { Word } from "./trace.js";
import type { TableReader } from "./windows/walk.js";

export class EntryReader implements TableReader {
  low = 0;
  high = 0;
  low2 = 0;
  high2 = 0;
  /** How many entries have been read. */
  reads = 0;

  /** @param pointer in the form of the architecture, see {@link TableReader} */
  constructor(
    private readonly pointer: number,
    private readonly entries: readonly (readonly Word[])[],
  ) {}

  translationEnabled(): boolean {
    return true;
  }

  tablePointer(): number {
    return this.pointer;
  }

  read(): boolean {
    const [first, second] = this.entries[this.reads++] ?? [];
    this.low = first?.low ?? 0;
    this.high = first?.high ?? 0;
    this.low2 = second?.low ?? 0;
    this.high2 = second?.high ?? 0;
    return true;
  }

  startLevel(): void {}

  tableReached(): void {}
}

/**
 * Every check that an entry fails, by asking again with what was wrong put right.
 * @param first the first check that these words fail
 * @param repaired the words with that put right; null when it cannot be told apart
 */
export function failedChecks<Check>(
  words: readonly Word[],
  first: (words: readonly Word[]) => Check | null,
  repaired: (check: Check, words: readonly Word[]) => readonly Word[] | null,
): Check[] {
  const failed: Check[] = [];
  let now: readonly Word[] | null = words;
  while (now) {
    const check = first(now);
    if (check === null || failed.includes(check)) break;
    failed.push(check);
    now = repaired(check, now);
  }
  return failed;
}

/** The words without the bits of a mask. */
export function without(words: readonly Word[], mask: readonly Word[]): Word[] {
  return words.map(({ low, high }, at) => ({
    low: (low & ~mask[at]!.low) >>> 0,
    high: (high & ~mask[at]!.high) >>> 0,
  }));
}
