/** A ring of 128-bit entries in memory: VT-d invalidation queue, AMD-Vi command buffer and event log. */

const ENTRIES_OF_PAGE = 256;

export class Ring {
  page = 0;
  /** Number of entries. */
  length = ENTRIES_OF_PAGE;
  /** Indices of the entry that is read next, and of the first one that was not written. */
  head = 0;
  tail = 0;

  /** Starts anew in `length` entries from `page` on. */
  moveTo(page: number, length = ENTRIES_OF_PAGE): void {
    this.page = page;
    this.length = length;
    this.head = 0;
    this.tail = 0;
  }

  get isEmpty(): boolean {
    return this.head === this.tail;
  }

  /** The index behind another. */
  after(index: number): number {
    return (index + 1) % this.length;
  }

  /** Where an entry is: its page, and its first 64-bit word there. */
  placeOf(index: number): { page: number; word: number } {
    return { page: this.page + Math.floor(index / ENTRIES_OF_PAGE), word: (index % ENTRIES_OF_PAGE) * 2 };
  }
}
