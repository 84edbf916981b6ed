/** Memory of the abstract IOMMU: what walks may see of stores where they do not snoop, or where stores are buffered. */
import type { StoreVisibility } from "../words/memory.js";

/** A 64-byte line and the states of it that walks may see, in the order of the stores. */
interface Line {
  states: number[][];
  /** How many of the states are superseded by one that was written back to memory. */
  writtenBack: number;
}

export class VisibleMemory {
  private readonly lines = new Map<number, Line>();

  /** @param pageCount pages 0 to `pageCount - 1` exist */
  constructor(
    private readonly pageCount: number,
    private readonly visibility: StoreVisibility,
  ) {}

  /** The values of the `words` 64-bit words from `word` on, each read at one moment; none when there is no memory. */
  read(page: number, word: number, words: number): number[][] | null {
    if (page >= this.pageCount) return null;
    const at = (word % 8) * 2;
    return this.line(page, word >>> 3).states.map((state) => state.slice(at, at + words * 2));
  }

  set(page: number, word: number, low: number, high: number): void {
    const state = this.line(page, word >>> 3).states.at(-1)!;
    state[(word % 8) * 2] = low;
    state[(word % 8) * 2 + 1] = high;
  }

  store(page: number, word: number, low: number, high: number): void {
    const line = this.line(page, word >>> 3);
    line.states.push([...line.states.at(-1)!]);
    this.set(page, word, low, high);
    const { needsLineFlush, needsBufferFlush } = this.visibility;
    if (!needsLineFlush) line.writtenBack = line.states.length - 1;
    if (!needsBufferFlush) this.settle(line);
  }

  flushLine(page: number, index: number): void {
    const line = this.line(page, index);
    line.writtenBack = line.states.length - 1;
    if (!this.visibility.needsBufferFlush) this.settle(line);
  }

  flushBuffer(): void {
    for (const line of this.lines.values()) this.settle(line);
  }

  private settle(line: Line): void {
    line.states.splice(0, line.writtenBack);
    line.writtenBack = 0;
  }

  private line(page: number, index: number): Line {
    const key = page * 64 + index;
    let found = this.lines.get(key);
    if (!found) {
      found = { states: [new Array(16).fill(0)], writtenBack: 0 };
      this.lines.set(key, found);
    }
    return found;
  }
}
