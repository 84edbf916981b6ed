import { describe, expect, it } from "vitest";
import { Chance } from "../../../model/words/chance.js";
import { PhysicalMemory, type StoreVisibility } from "../../../model/words/memory.js";
import { StoreBuffer } from "./store-buffer.js";

function bufferWith(visibility: Partial<StoreVisibility>) {
  const memory = new PhysicalMemory(16);
  const stores = new StoreBuffer(memory, new Chance());
  stores.reset({ needsLineFlush: false, needsBufferFlush: false, ...visibility });
  const word = (page: number, at: number) => memory.low(memory.frameOf(page), at);
  return { memory, stores, word };
}

describe("stores on their way to memory", () => {
  it("are there at once where walks see everything", () => {
    const { stores, word } = bufferWith({});
    stores.store(1, 0, 5, 0);
    expect(word(1, 0)).toBe(5);
  });

  it("wait for their line to be flushed, and then for the write buffer", () => {
    const { stores, word } = bufferWith({ needsLineFlush: true, needsBufferFlush: true });
    stores.store(1, 7, 5, 0);
    stores.store(1, 8, 6, 0);
    stores.flushLine(1, 0);
    expect(word(1, 7)).toBe(0);
    stores.flushBuffer();
    expect([word(1, 7), word(1, 8)]).toEqual([5, 0]);
  });

  it("are seen by reads that snoop, and stay on their way", () => {
    const { memory, stores, word } = bufferWith({ needsLineFlush: true });
    stores.store(1, 0, 5, 0);
    stores.snoop(1);
    expect(word(1, 0)).toBe(5);
    memory.fill(1, 0, 9, 0);
    stores.flushLine(1, 0);
    expect(word(1, 0)).toBe(5);
  });

  it("of a page that is written back are not on their way any more", () => {
    const { memory, stores, word } = bufferWith({ needsLineFlush: true });
    stores.store(1, 0, 5, 0);
    stores.store(2, 0, 6, 0);
    stores.writeBack(1);
    expect([word(1, 0), word(2, 0)]).toEqual([5, 0]);
    memory.fill(1, 0, 9, 0);
    stores.flushLine(1, 0);
    stores.flushLine(2, 0);
    expect([word(1, 0), word(2, 0)]).toEqual([9, 6]);
  });
});
