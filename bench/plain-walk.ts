/**
 * The yardstick: a four-level walk as somebody would write it who needs nothing else. One flat array of words, frames
 * found by an integer hash, no checks but presence and rights.
 */
import { buildTables, type Entries } from "./tables.js";

/** Rights in the low bits, the page above them. */
const toPage = (page: number) => ({ low: ((page << 12) | 3) >>> 0, high: page >>> 20 });
const entries: Entries = { link: (_, page) => toPage(page), leaf: toPage, device: () => [] };

export class PlainWalk {
  private words = new Uint32Array(1024 * 64);
  private keys = new Uint32Array(128);
  private frames = new Int32Array(128).fill(-1);
  private shift = 25;
  private count = 0;
  private readonly top: number;

  constructor(pages: number) {
    this.top = buildTables(pages, entries, (page, word, low, high) => this.store(page, word, low, high));
  }

  /** The page that `iova` leads to, or -1. */
  translate(iova: number): number {
    let table = this.top;
    let rights = 3;
    for (let level = 3; level >= 0; level--) {
      const index = level === 3 ? (iova / 0x8000000) & 511 : (iova >>> (9 * level)) & 511;
      const at = this.frameOf(table) * 1024 + index * 2;
      const low = this.words[at]!;
      rights &= low;
      if (rights === 0) return -1;
      table = (this.words[at + 1]! & 0xfffff) * 0x100000 + (low >>> 12);
    }
    return table;
  }

  private frameOf(page: number): number {
    const { keys, frames } = this;
    let slot = Math.imul(page, 0x9e3779b1) >>> this.shift;
    while (keys[slot] !== page) slot = (slot + 1) & (keys.length - 1);
    return frames[slot]!;
  }

  private store(page: number, word: number, low: number, high: number): void {
    const at = this.madeFrame(page) * 1024 + word * 2;
    this.words[at] = low;
    this.words[at + 1] = high;
  }

  private madeFrame(page: number): number {
    let slot = this.slotOf(page);
    if (this.frames[slot] !== -1) return this.frames[slot]!;
    if (this.count * 2 >= this.keys.length) {
      this.grow();
      slot = this.slotOf(page);
    }
    this.keys[slot] = page;
    this.frames[slot] = this.count;
    return this.count++;
  }

  private slotOf(page: number): number {
    let slot = Math.imul(page, 0x9e3779b1) >>> this.shift;
    while (this.frames[slot] !== -1 && this.keys[slot] !== page) slot = (slot + 1) & (this.keys.length - 1);
    return slot;
  }

  private grow(): void {
    const { keys, frames, words } = this;
    this.words = new Uint32Array(words.length * 2);
    this.words.set(words);
    this.keys = new Uint32Array(keys.length * 2);
    this.frames = new Int32Array(keys.length * 2).fill(-1);
    this.shift--;
    frames.forEach((frame, slot) => {
      if (frame === -1) return;
      const into = this.slotOf(keys[slot]!);
      this.keys[into] = keys[slot]!;
      this.frames[into] = frame;
    });
  }
}
