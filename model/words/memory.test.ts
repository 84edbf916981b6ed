import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COHERENT, type InitialContents, OPEN, PhysicalMemory, type StoreVisibility } from "./memory.js";

const LINE: StoreVisibility = { needsLineFlush: true, needsBufferFlush: false };
const BUFFER: StoreVisibility = { needsLineFlush: false, needsBufferFlush: true };
const BOTH: StoreVisibility = { needsLineFlush: true, needsBufferFlush: true };

function memoryWith(visibility: StoreVisibility, pages = 0x1000): PhysicalMemory {
  const memory = new PhysicalMemory(pages);
  memory.reset(visibility);
  return memory;
}

function read(memory: PhysicalMemory, page: number, word: number): [low: number, high: number] {
  const frame = memory.frameOf(page);
  return [memory.low(frame, word), memory.high(frame, word)];
}

/** The values a word has held, newest first: `low from since to until`. */
function windows(memory: PhysicalMemory, page: number, word: number): string[] {
  const seen: string[] = [];
  let version = memory.newestVersion(memory.frameOf(page), word);
  for (; version !== 0; version = memory.olderVersion(version)) {
    const until = memory.untilOf(version);
    seen.push(
      `${memory.lowOf(version)} from ${memory.sinceOf(version)} to ${until === OPEN ? "open" : until}`,
    );
  }
  return seen;
}

describe("sparse pages", () => {
  it("an untouched page reads as zero and has no history", () => {
    const memory = memoryWith(COHERENT);
    expect(read(memory, 0xfff, 511)).toEqual([0, 0]);
    expect(memory.hasHistory(memory.frameOf(0xfff))).toBe(false);
    expect(windows(memory, 0xfff, 511)).toEqual([]);
  });

  it("memory ends where it was said to end", () => {
    const memory = memoryWith(COHERENT, 16);
    expect(memory.frameOf(15)).toBeGreaterThanOrEqual(0);
    expect(memory.frameOf(16)).toBe(-1);
    expect(memory.frameOf(2 ** 51)).toBe(-1);
    expect(() => memory.store(16, 0, 1, 0, 1)).toThrow(new RangeError("no memory at page 0x10"));
    expect(() => memory.fill(0x20, 0, 1, 0)).toThrow(new RangeError("no memory at page 0x20"));
  });

  it("ends elsewhere after a reset that says so, and what was stored beyond is gone", () => {
    const memory = new PhysicalMemory(8, COHERENT);
    memory.store(6, 0, 11, 0, 1);
    memory.reset(COHERENT, new Map(), 4);
    expect(memory.frameOf(6)).toBe(-1);
    expect(() => memory.store(6, 0, 11, 0, 1)).toThrow(RangeError);
    memory.reset(COHERENT, new Map(), 8);
    expect(memory.low(memory.frameOf(6), 0)).toBe(0);
  });

  it("a store changes one word of one page", () => {
    const memory = memoryWith(COHERENT);
    memory.store(5, 3, 0x89abcdef, 0xffffffff, 1);
    expect(read(memory, 5, 3)).toEqual([0x89abcdef, 0xffffffff]);
    for (const [page, word] of [
      [5, 2],
      [5, 4],
      [4, 3],
      [6, 3],
    ] as const) {
      expect(read(memory, page, word)).toEqual([0, 0]);
    }
  });

  it("keeps what it holds while it grows beyond its first 64 frames and 256 slots", () => {
    const memory = memoryWith(COHERENT, 2 ** 32);
    const page = (index: number) => (index * 0x10001 + 7) % 2 ** 32;
    for (let index = 0; index < 700; index++)
      memory.store(page(index), index % 512, index + 1, ~index, index + 1);
    for (let index = 0; index < 700; index++) {
      expect(read(memory, page(index), index % 512)).toEqual([index + 1, ~index >>> 0]);
      expect(windows(memory, page(index), index % 512)).toEqual([
        `${index + 1} from ${index + 1} to open`,
        `0 from 0 to ${index + 1}`,
      ]);
    }
    expect(read(memory, page(700), 0)).toEqual([0, 0]);
  });

  it("keeps every version while the history grows beyond its first 1024", () => {
    const memory = memoryWith(COHERENT);
    for (let step = 1; step <= 3000; step++) memory.store(1, 0, step, 0, step);
    const seen = windows(memory, 1, 0);
    expect(seen).toHaveLength(3001);
    expect(seen.slice(0, 2)).toEqual(["3000 from 3000 to open", "2999 from 2999 to 3000"]);
    expect(seen[2999]).toBe("1 from 1 to 2");
    expect(seen[3000]).toBe("0 from 0 to 1");
  });

  it("reads back the last store to each word, whatever the stores", () => {
    const store = fc.tuple(fc.nat({ max: 300 }), fc.nat({ max: 511 }), fc.nat(), fc.nat());
    fc.assert(
      fc.property(fc.array(store, { maxLength: 400 }), (stores) => {
        const memory = memoryWith(COHERENT);
        const expected = new Map<number, [number, number]>();
        stores.forEach(([page, word, low, high], index) => {
          memory.store(page, word, low, high, index + 1);
          expected.set(page * 512 + word, [low, high]);
        });
        for (const [key, value] of expected) expect(read(memory, key >>> 9, key & 511)).toEqual(value);
      }),
      { numRuns: 30 },
    );
  });
});

describe("pages with contents", () => {
  const contents = (...pages: number[]): InitialContents =>
    new Map(
      pages.map((page) => [page, Uint32Array.from({ length: 1024 }, (_, half) => page * 0x10000 + half * 4)]),
    );

  it("hold them from the start, others hold zero", () => {
    const memory = new PhysicalMemory(0x1000);
    memory.reset(COHERENT, contents(3));
    expect(read(memory, 3, 1)).toEqual([0x30008, 0x3000c]);
    expect(read(memory, 4, 1)).toEqual([0, 0]);
  });

  it("keep them around a word that is filled or stored first", () => {
    const memory = new PhysicalMemory(0x1000);
    memory.reset(COHERENT, contents(3, 4));
    memory.fill(3, 0, 1, 2);
    memory.store(4, 0, 1, 2, 1);
    expect(read(memory, 3, 0)).toEqual([1, 2]);
    expect(read(memory, 3, 511)).toEqual([0x30ff8, 0x30ffc]);
    expect(read(memory, 4, 511)).toEqual([0x40ff8, 0x40ffc]);
    expect(windows(memory, 4, 0)).toEqual(["1 from 1 to open", `${0x40000} from 0 to 1`]);
  });

  it("are gone after a reset without them, and so is all content and history", () => {
    const memory = new PhysicalMemory(0x1000);
    memory.reset(COHERENT, contents(3));
    read(memory, 3, 0);
    memory.store(5, 9, 1, 1, 1);
    memory.reset(COHERENT);
    expect(read(memory, 3, 0)).toEqual([0, 0]);
    expect(read(memory, 5, 9)).toEqual([0, 0]);
    memory.fill(6, 9, 7, 7);
    expect(memory.hasHistory(memory.frameOf(6))).toBe(false);
    expect(windows(memory, 6, 9)).toEqual([]);
  });
});

describe("visibility windows", () => {
  it("coherent walks: the old value ends where the new one begins", () => {
    const memory = memoryWith(COHERENT);
    memory.fill(1, 0, 10, 0);
    memory.store(1, 0, 11, 0, 4);
    memory.store(1, 0, 12, 0, 6);
    expect(windows(memory, 1, 0)).toEqual(["12 from 6 to open", "11 from 4 to 6", "10 from 0 to 4"]);
    expect(memory.hasHistory(memory.frameOf(1))).toBe(true);
  });

  it("ECAP.C = 0: old values end when their line is written back", () => {
    const memory = memoryWith(LINE);
    memory.store(1, 7, 11, 0, 4);
    memory.store(1, 8, 12, 0, 5);
    memory.store(1, 7, 13, 0, 6);
    expect(windows(memory, 1, 7)).toEqual(["13 from 6 to open", "11 from 4 to open", "0 from 0 to open"]);
    memory.flushLine(1, 0, 9);
    expect(windows(memory, 1, 7)).toEqual(["13 from 6 to open", "11 from 4 to 9", "0 from 0 to 9"]);
    expect(windows(memory, 1, 8)).toEqual(["12 from 5 to open", "0 from 0 to open"]);
    memory.flushLine(2, 1, 10);
    expect(windows(memory, 1, 8)).toEqual(["12 from 5 to open", "0 from 0 to open"]);
    memory.flushLine(1, 1, 11);
    expect(windows(memory, 1, 8)).toEqual(["12 from 5 to open", "0 from 0 to 11"]);
  });

  it("CAP.RWBF = 1: old values end when the write buffer is flushed", () => {
    const memory = memoryWith(BUFFER);
    memory.store(1, 0, 11, 0, 4);
    memory.flushLine(1, 0, 5);
    expect(windows(memory, 1, 0)).toEqual(["11 from 4 to open", "0 from 0 to open"]);
    memory.flushBuffer(6, 6);
    expect(windows(memory, 1, 0)).toEqual(["11 from 4 to open", "0 from 0 to 6"]);
  });

  it("both: the line first, then the buffer; a line written back too late waits for the next flush", () => {
    const memory = memoryWith(BOTH);
    memory.store(1, 0, 11, 0, 2);
    memory.flushBuffer(3, 3);
    expect(windows(memory, 1, 0)).toEqual(["11 from 2 to open", "0 from 0 to open"]);
    memory.flushLine(1, 0, 4);
    expect(windows(memory, 1, 0)).toEqual(["11 from 2 to open", "0 from 0 to open"]);
    memory.flushBuffer(5, 5);
    expect(windows(memory, 1, 0)).toEqual(["11 from 2 to open", "0 from 0 to 5"]);
  });

  it("a flush of the buffer takes along what it held, not what entered it since", () => {
    const memory = memoryWith(BOTH);
    const oldest = () => {
      const newest = memory.newestVersion(memory.frameOf(1), 0);
      return memory.olderVersion(newest);
    };
    memory.store(1, 0, 11, 0, 2);
    expect(memory.bufferedOf(oldest())).toBe(OPEN);
    memory.flushLine(1, 0, 4);
    memory.flushLine(1, 0, 5);
    expect(memory.bufferedOf(oldest())).toBe(4);
    memory.flushBuffer(3, 6);
    expect(windows(memory, 1, 0)[1]).toBe("0 from 0 to open");
    memory.flushBuffer(4, 7);
    expect(windows(memory, 1, 0)[1]).toBe("0 from 0 to 7");
  });

  it("a write that snoops is seen at once even where CPU stores are not", () => {
    const memory = memoryWith(BOTH);
    memory.storeSnooped(1, 0, 11, 0, 2);
    expect(windows(memory, 1, 0)).toEqual(["11 from 2 to open", "0 from 0 to 2"]);
    memory.store(1, 0, 12, 0, 3);
    expect(windows(memory, 1, 0)[1]).toBe("11 from 2 to open");
  });

  it("a posted write leaves the value before it readable for good", () => {
    const memory = memoryWith(COHERENT);
    memory.storePosted(1, 0, 11, 0, 2);
    memory.flushLine(1, 0, 3);
    memory.flushBuffer(4, 4);
    expect(windows(memory, 1, 0)).toEqual(["11 from 2 to open", "0 from 0 to open"]);
    expect(read(memory, 1, 0)).toEqual([11, 0]);
  });

  it("a reset forgets stores that were not flushed", () => {
    const memory = memoryWith(LINE);
    memory.store(1, 0, 11, 0, 2);
    memory.reset(LINE);
    memory.store(2, 0, 12, 0, 2);
    memory.flushLine(1, 0, 5);
    expect(windows(memory, 1, 0)).toEqual([]);
    expect(windows(memory, 2, 0)).toEqual(["12 from 2 to open", "0 from 0 to open"]);
  });
});
