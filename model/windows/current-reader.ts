/** The reader of what memory and registers hold now: a plain walk, as a unit without caches would make it. */

import type { PhysicalMemory } from "../words/memory.js";
import { Structure, type TableReader, type Translation } from "./walk.js";

export class CurrentReader implements TableReader {
  low = 0;
  high = 0;
  low2 = 0;
  high2 = 0;

  constructor(
    private readonly memory: PhysicalMemory,
    public pointer: number,
    public enabled = true,
  ) {}

  translationEnabled(): boolean {
    return this.enabled;
  }

  tablePointer(): number {
    return this.pointer;
  }

  read(structure: Structure, page: number, word: number): boolean {
    const { memory } = this;
    const frame = memory.frameOf(page);
    if (frame < 0) return false;
    this.low = memory.low(frame, word);
    this.high = memory.high(frame, word);
    if (structure === Structure.table) return true;
    this.low2 = memory.low(frame, word + 1);
    this.high2 = memory.high(frame, word + 1);
    return true;
  }

  startLevel(_: Translation): void {}

  tableReached(_: Translation): void {}
}
