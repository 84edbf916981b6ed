/** Memory of an abstract IOMMU: what walks may see of stores where they do not snoop, or where stores are buffered. */
import type { StoreVisibility } from "./memory.js";

/** A 64-byte line and its states, in the order of the stores. */
interface Line {
  readonly states: number[][];
  /** The write-backs of the line: the number of each among those of all lines, and which state it took along. */
  readonly writeBacks: { readonly number: number; readonly state: number }[];
}

export class VisibleMemory {
  /** How many times a line was written back so far. */
  private writeBacks = 0;
  private readonly lines = new Map<number, Line>();

  /** @param pageCount pages 0 to `pageCount - 1` exist */
  constructor(
    private readonly pageCount: number,
    private readonly visibility: StoreVisibility,
  ) {}

  /**
   * The values that walks may see of the `words` 64-bit words from `word` on, each read at one moment; none when there is
   * no memory.
   * @param flushed the number of the last write-back that has left the write buffer
   */
  read(page: number, word: number, words: number, flushed: number): number[][] | null {
    if (page >= this.pageCount) return null;
    const at = (word % 8) * 2;
    const { states, writeBacks } = this.line(page, word >>> 3);
    const oldest = writeBacks.findLast(({ number }) => number <= flushed)?.state ?? 0;
    return states.slice(oldest).map((state) => state.slice(at, at + words * 2));
  }

  /** The number of the last write-back that flushing the write buffer now brings to memory; without one all arrive at once. */
  get written(): number {
    return this.visibility.needsBufferFlush ? this.writeBacks : Number.POSITIVE_INFINITY;
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
    if (!this.visibility.needsLineFlush) this.flushLine(page, word >>> 3);
  }

  flushLine(page: number, index: number): void {
    const { states, writeBacks } = this.line(page, index);
    writeBacks.push({ number: ++this.writeBacks, state: states.length - 1 });
  }

  private line(page: number, index: number): Line {
    const key = page * 64 + index;
    let found = this.lines.get(key);
    if (!found) {
      found = { states: [new Array(16).fill(0)], writeBacks: [] };
      this.lines.set(key, found);
    }
    return found;
  }
}
