/** What walks may see of stores: with walks that snoop or not, with a write buffer or without. */
import { describe, expect, it } from "vitest";
import { VisibleMemory } from "./visible-memory.js";

const NEVER = Number.POSITIVE_INFINITY;
const memory = (needsLineFlush: boolean, needsBufferFlush = false) =>
  new VisibleMemory(4, { needsLineFlush, needsBufferFlush });

describe("memory that walks snoop", () => {
  it("shows the last store, and zero before the first", () => {
    const snooped = memory(false);
    expect(snooped.read(1, 5, 1, NEVER)).toEqual([[0, 0]]);
    snooped.store(1, 5, 7, 8);
    snooped.store(1, 5, 9, 10);
    expect(snooped.read(1, 5, 1, NEVER)).toEqual([[9, 10]]);
    expect(snooped.read(1, 4, 2, NEVER)).toEqual([[0, 0, 9, 10]]);
    expect(snooped.written).toBe(NEVER);
  });

  it("ends where there are no pages any more", () => {
    expect(memory(false).read(3, 0, 1, NEVER)).toEqual([[0, 0]]);
    expect(memory(false).read(4, 0, 1, NEVER)).toBeNull();
  });

  it("has a line of its own for each 64 bytes of each page", () => {
    const lines = memory(false);
    lines.store(0, 511, 1, 0);
    lines.store(1, 0, 2, 0);
    lines.store(1, 7, 3, 0);
    lines.store(1, 8, 4, 0);
    const low = (page: number, word: number) => lines.read(page, word, 1, NEVER)![0]![0];
    expect([low(0, 511), low(1, 0), low(1, 7), low(1, 8), low(0, 504), low(1, 504)]).toEqual([
      1, 2, 3, 4, 0, 0,
    ]);
  });
});

describe("memory that walks do not snoop", () => {
  it("shows every state of a line since it was written back last", () => {
    const buffered = memory(true);
    buffered.store(2, 0, 1, 0);
    buffered.store(2, 1, 2, 0);
    expect(buffered.read(2, 0, 2, NEVER)).toEqual([
      [0, 0, 0, 0],
      [1, 0, 0, 0],
      [1, 0, 2, 0],
    ]);
    buffered.flushLine(2, 0);
    expect(buffered.read(2, 0, 2, NEVER)).toEqual([[1, 0, 2, 0]]);
    buffered.store(2, 0, 3, 0);
    expect(buffered.read(2, 0, 1, NEVER)).toEqual([
      [1, 0],
      [3, 0],
    ]);
    buffered.flushLine(2, 1);
    expect(buffered.read(2, 0, 1, NEVER)).toHaveLength(2);
  });

  it("starts with what it is given, in every state", () => {
    const filled = memory(true);
    filled.set(1, 3, 5, 6);
    expect(filled.read(1, 3, 1, NEVER)).toEqual([[5, 6]]);
  });
});

describe("a write buffer", () => {
  it("keeps what was written back until it is flushed", () => {
    const behind = memory(false, true);
    expect(behind.written).toBe(0);
    behind.store(1, 0, 1, 0);
    expect(behind.written).toBe(1);
    behind.store(1, 0, 2, 0);
    const [none, first] = [0, 1];
    expect(behind.read(1, 0, 1, none)!.map(([low]) => low)).toEqual([0, 1, 2]);
    expect(behind.read(1, 0, 1, first)!.map(([low]) => low)).toEqual([1, 2]);
    expect(behind.read(1, 0, 1, behind.written)!.map(([low]) => low)).toEqual([2]);
  });

  it("numbers the write-backs of all lines in their order", () => {
    const lines = memory(true, true);
    lines.store(1, 0, 1, 0);
    lines.flushLine(1, 0);
    lines.store(1, 8, 2, 0);
    lines.flushLine(1, 1);
    expect(lines.written).toBe(2);
    expect(lines.read(1, 0, 1, 1)).toEqual([[1, 0]]);
    expect(lines.read(1, 8, 1, 1)).toHaveLength(2);
    expect(lines.read(1, 8, 1, 2)).toEqual([[2, 0]]);
  });
});
