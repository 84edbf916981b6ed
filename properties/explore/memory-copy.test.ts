import { describe, expect, it } from "vitest";
import { Chance } from "../../model/words/chance.js";
import { PhysicalMemory } from "../../model/words/memory.js";
import { copyOfMemory, restoreMemory } from "./memory-copy.js";

/** Those that are copied, those that follow from them or only grow, and those that a reset sets. */
const FIELDS = [
  ...["frames", "newest", "frameHasHistory", "versionCount", "touched", "touchedCount"],
  ...["since", "until", "buffered", "lows", "highs", "older"],
  ...["freeVersions", "superseded", "lingering", "lingeringLines"],
  ...["frameCount", "pageOfFrame", "slots", "keys", "shift", "initial"],
  ...["pageCount", "visibility", "contents"],
];

/** Stores, line flushes and forgetting, here and there in four pages. */
function act(memory: PhysicalMemory, chance: Chance, from: number): void {
  for (let step = from; step < from + 30; step++) {
    const page = 1 + chance.below(4);
    const drawn = chance.below(8);
    if (drawn < 5) memory.store(page, chance.below(20), chance.bits(), chance.bits(), step);
    else if (drawn === 5) memory.fill(page, chance.below(20), chance.bits(), 0);
    else if (drawn === 6) memory.flushLine(page, chance.below(3), step);
    else
      memory.forget(
        () => step - 5,
        () => undefined,
      );
  }
}

/** Every version of every word. */
function everything(memory: PhysicalMemory): number[] {
  const found: number[] = [];
  for (let page = 1; page <= 4; page++) {
    const frame = memory.frameOf(page);
    for (let word = 0; word < 20; word++) {
      found.push(memory.low(frame, word), memory.high(frame, word));
      let version = memory.newestVersion(frame, word);
      for (; version !== 0; version = memory.olderVersion(version))
        found.push(
          memory.sinceOf(version),
          memory.untilOf(version),
          memory.bufferedOf(version),
          memory.lowOf(version),
          memory.highOf(version),
        );
    }
  }
  return found;
}

describe("copies of memories", () => {
  it("know every field", () => {
    expect(Object.keys(new PhysicalMemory(1)).sort()).toEqual([...FIELDS].sort());
  });

  it("take a memory back, whatever happened since, and it goes on as it did", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const chance = new Chance();
      chance.seed(seed);
      const memory = new PhysicalMemory(8);
      memory.reset({ needsLineFlush: seed % 2 === 0, needsBufferFlush: false });
      act(memory, chance, 1);
      const copy = copyOfMemory(memory);
      const before = everything(memory);
      act(memory, chance, 31);
      restoreMemory(memory, copy);
      expect(everything(memory)).toEqual(before);
      chance.seed(seed + 1000);
      act(memory, chance, 31);
      const first = everything(memory);
      restoreMemory(memory, copy);
      chance.seed(seed + 1000);
      act(memory, chance, 31);
      expect(everything(memory)).toEqual(first);
    }
  });
});
