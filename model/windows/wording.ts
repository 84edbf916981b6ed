/** What an architecture calls the parts of its model, and the sections of its specification that reasons refer to. */

import type { ExcuseKind } from "../isolation/exposure.js";
import type { Cache, CacheTags } from "./invalidation-log.js";

/** A 64-bit value as two halves. */
export interface PointerWord {
  readonly low: number;
  readonly high: number;
}

/** How an invalidation misses an entry. */
export interface Miss {
  readonly kind: ExcuseKind;
  /** How near it comes: of several, the nearest was most likely meant. */
  readonly near: number;
  /** What it does to the entry, and why. */
  readonly text: string;
}

/** Where the specification says what software has to do. */
export interface Sections {
  /** Where software sees that a change of a steering register is done: the words with the section in brackets. */
  readonly steering: string;
  /** Of walks that do not snoop, and of stores that wait in a write buffer: the condition and the section in brackets. */
  readonly lineFlush: string;
  readonly bufferFlush: string;
  /** When an invalidation is known to be complete: of the queue, of registers. */
  readonly queueCompletion: string;
  readonly registerCompletion: string;
  /** What is to be invalidated after a change. */
  readonly invalidation: string;
  /** Caches are filled from the cache that is named here, so that one is invalidated first. */
  readonly order: Readonly<Record<Cache, string>>;
  /** Which writes an invalidation drains. */
  readonly drain: string;
}

export interface Wording<Target = unknown> {
  /** Names of the parts of a chain above the tables, by position. */
  readonly links: readonly string[];
  /** Name of an entry in a table of `level`. */
  tableEntry(level: number): string;
  /** Names of the caches, with their articles. */
  readonly caches: Readonly<Record<Cache, string>>;
  /** Where invalidations are submitted, with its article. */
  readonly queue: string;
  readonly sections: Sections;
  /** What the pointer register holds for a table pointer. */
  pointerWord(pointer: number): PointerWord;
  /** An invalidation in words. */
  describe(target: Target): string;
  /** The invalidation that an entry would have taken, in words. */
  wanted(cache: Cache, tags: CacheTags): string;
  /** True when the invalidation is about entries of that cache. */
  concerns(target: Target, cache: Cache): boolean;
  /** How an invalidation that does not cover the entry misses it; null when it shares nothing with it. */
  missOf(target: Target, cache: Cache, tags: CacheTags): Miss | null;
}

/** A number of pages as an amount of memory, such as `2 MiB`. */
export function sizeOf(pages: number): string {
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
  let size = pages * 4;
  let unit = 0;
  for (; size >= 1024; unit++) size /= 1024;
  return `${size} ${units[unit]}`;
}
