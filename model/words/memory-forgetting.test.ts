/** Memory that forgets the oldest values of its words. */
import { beforeEach, describe, expect, it } from "vitest";
import { COHERENT, OPEN, PhysicalMemory } from "./memory.js";

const memory = new PhysicalMemory(0x1000);

/** The values a word has held, newest first: `low from since to until`. */
function windows(page: number, word: number): string[] {
  const seen: string[] = [];
  let version = memory.newestVersion(memory.frameOf(page), word);
  for (; version !== 0; version = memory.olderVersion(version)) {
    const until = memory.untilOf(version);
    const end = until === OPEN ? "open" : until;
    seen.push(`${memory.lowOf(version)} from ${memory.sinceOf(version)} to ${end}`);
  }
  return seen;
}

function superseded(): string[] {
  const words: string[] = [];
  memory.eachSuperseded((page, word, until) => words.push(`${page}:${word} until ${until}`));
  return words;
}

const ignore = () => {};

beforeEach(() => {
  memory.reset(COHERENT);
  for (const step of [2, 4, 6]) memory.store(1, 3, step, 0, step);
  memory.store(2, 0, 5, 0, 5);
});

describe("forgetting old values", () => {
  it("keeps what could still be read at the step, reports the rest, oldest last", () => {
    const gone: number[][] = [];
    memory.forget(
      (page) => (page === 1 ? 4 : 0),
      (...value) => gone.push(value),
    );
    expect(windows(1, 3)).toEqual(["6 from 6 to open", "4 from 4 to 6"]);
    expect(windows(2, 0)).toEqual(["5 from 5 to open", "0 from 0 to 5"]);
    expect(gone).toEqual([
      [1, 3, 2, 0],
      [1, 3, 0, 0],
    ]);
  });

  it("keeps the newest value of a word whatever the step", () => {
    memory.forget(() => OPEN - 1, ignore);
    expect(windows(1, 3)).toEqual(["6 from 6 to open"]);
    expect(superseded()).toEqual([]);
  });

  it("keeps an old value between two that could be read: windows of pairs of words stay whole", () => {
    memory.storePosted(1, 3, 8, 0, 8);
    memory.store(1, 3, 9, 0, 9);
    memory.forget(() => 20, ignore);
    expect(windows(1, 3)).toEqual(["9 from 9 to open", "8 from 8 to 9", "6 from 6 to open"]);
  });

  it("names every word with an older value once, with the end of the oldest", () => {
    expect(superseded()).toEqual(["1:3 until 2", "2:0 until 5"]);
    memory.forget((page) => (page === 1 ? 4 : 5), ignore);
    expect(superseded()).toEqual(["1:3 until 6"]);
    memory.store(2, 0, 7, 0, 7);
    expect(superseded()).toEqual(["1:3 until 6", "2:0 until 7"]);
  });

  it("takes no more room however often a word is stored to", () => {
    for (let step = 10; step < 5000; step++) {
      memory.store(1, 3, step, 0, step);
      memory.forget(() => step, ignore);
      expect(memory.versions).toBeLessThan(6);
    }
    expect(windows(1, 3)).toEqual(["4999 from 4999 to open"]);
  });

  it("a value that nothing is older than loses its window when it was stored early enough", () => {
    memory.forget(() => 20, ignore);
    memory.settle(6);
    expect(windows(2, 0)).toEqual([]);
    expect(memory.low(memory.frameOf(2), 0)).toBe(5);
    expect(windows(1, 3)).toEqual(["6 from 6 to open"]);
    memory.settle(7);
    expect(memory.versions).toBe(0);
    memory.store(2, 0, 30, 0, 30);
    expect(windows(2, 0)).toEqual(["30 from 30 to open", "5 from 0 to 30"]);
  });

  it("is as new after a reset", () => {
    memory.forget(() => 20, ignore);
    memory.reset(COHERENT);
    expect(superseded()).toEqual([]);
    expect(memory.versions).toBe(0);
    expect(windows(1, 3)).toEqual([]);
    expect(memory.low(memory.frameOf(1), 3)).toBe(0);
  });

  it("a reset after more stores than it keeps track of puts every word right", () => {
    for (let step = 10; step < 70_000; step++) memory.store(3, step % 512, step, 0, step);
    memory.reset(COHERENT);
    expect(memory.low(memory.frameOf(3), 7)).toBe(0);
    expect(memory.hasHistory(memory.frameOf(3))).toBe(false);
  });
});
