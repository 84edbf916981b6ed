/**
 * What a conforming unit may show where a run is decided. The judge says of a value whether it may be shown; here it is
 * asked for the bits of a register one after the other, so that all values it would let pass come out.
 */
import {
  ALL_ONES,
  exactly,
  matches,
  type Pattern,
} from "../../implementations/iommu/qemu/reproducer/lines.js";
import { type Finding, OutsideModel } from "../../model/finding.js";
import type { Action, Observation, Word } from "../../model/trace.js";
import type { Follower } from "./recording.js";

type ReadAction = Action & { do: "read-register" | "poll-register" | "read-memory" | "poll-memory" };
type RequestAction = Action & { do: "request" };

/** Values are told one by one up to so many. */
const MOST_PATTERNS = 16;
const DWORD: Word = { low: 0xffffffff, high: 0 };

/** The actions before the one that decides, and what they showed. */
export interface Prefix {
  readonly actions: readonly Action[];
  readonly observations: readonly Observation[];
}

/** Asks what may follow a prefix. */
export class Admissible {
  readonly #relaxed: boolean;

  constructor(
    private readonly follower: Follower,
    private readonly prefix: Prefix,
  ) {
    this.#relaxed = this.#isWrong();
  }

  /** Effects that the request may have. */
  effectsOf(action: RequestAction): number[] {
    const { actions } = this.prefix;
    this.#follow();
    const outcomes = this.follower.oracle.outcomesOf(action.request, actions.length);
    return [...new Set(outcomes.map((one) => one.effect))];
  }

  /** Values that the read may give; null where any may but the one that was seen. */
  valuesOf(action: ReadAction, seen: Observation, finding: Finding): Pattern[] | null {
    switch (action.do) {
      case "read-register":
        return this.#registerValues(action.offset, action.width === 8 ? ALL_ONES : DWORD);
      case "poll-register": {
        const mask = { low: action.mask >>> 0, high: 0 };
        if (seen.low === 0) return [{ mask, value: { low: action.value >>> 0, high: 0 }, words: "" }];
        return this.#registerValues(action.offset, mask);
      }
      case "poll-memory":
        return seen.low === 0
          ? [{ mask: DWORD, value: { low: action.value >>> 0, high: 0 }, words: "" }]
          : null;
      case "read-memory": {
        const named = wordsNamed(finding.message).filter((word) => this.#mayFollow([action], [word]));
        return named.length > 0 ? named.map((word) => exactly(word)) : null;
      }
    }
  }

  /** Whether the prefix is let pass only with known deviations. */
  #isWrong(): boolean {
    try {
      return this.follower.follow(this.prefix.actions, this.prefix.observations, false) !== null;
    } catch (error) {
      if (!(error instanceof OutsideModel)) throw error;
      return true;
    }
  }

  #follow(): void {
    this.follower.follow(this.prefix.actions, this.prefix.observations, this.#relaxed);
  }

  #mayFollow(actions: readonly Action[], observations: readonly Observation[]): boolean {
    const { prefix } = this;
    try {
      const all = [...prefix.actions, ...actions];
      return this.follower.follow(all, [...prefix.observations, ...observations], this.#relaxed) === null;
    } catch (error) {
      if (!(error instanceof OutsideModel)) throw error;
      return true;
    }
  }

  /** Every value of the bits in `mask` that may be read there. */
  #registerValues(offset: number, mask: Word): Pattern[] {
    const may = (pattern: Pattern) => this.#mayRead(offset, pattern);
    let fixed: Pattern = { mask: { low: 0, high: 0 }, value: { low: 0, high: 0 }, words: "" };
    let open = bitsOf(mask);
    // What some bits are decides about others, so each is asked about anew until no more of them are fixed.
    for (let before = -1; before !== open.length; ) {
      before = open.length;
      open = open.filter((bit) => {
        const [clear, set] = [false, true].map((value) => may(withBit(fixed, bit, value)));
        if (clear && set) return true;
        fixed = withBit(fixed, bit, set!);
        return false;
      });
    }
    const found: Pattern[] = [];
    const search = (pattern: Pattern, depth: number): void => {
      if (found.length > MOST_PATTERNS || !may(pattern)) return;
      if (depth === open.length) found.push(pattern);
      else for (const value of [false, true]) search(withBit(pattern, open[depth]!, value), depth + 1);
    };
    search(fixed, 0);
    // Choice: where too many values are admissible to be told one by one, those bits are told that all of them have.
    return found.length > MOST_PATTERNS ? [fixed] : merged(found);
  }

  /** A register of 64 bits is read in two halves. */
  #mayRead(offset: number, { mask, value }: Pattern): boolean {
    const polls: (Action & { do: "poll-register" })[] = [];
    if (mask.low !== 0) polls.push({ do: "poll-register", offset, mask: mask.low, value: value.low });
    if (mask.high !== 0)
      polls.push({ do: "poll-register", offset: offset + 4, mask: mask.high, value: value.high });
    return this.#mayFollow(
      polls,
      polls.map(() => ({ low: 1, high: 0 })),
    );
  }
}

/** The 64-bit values that a message names. */
function wordsNamed(message: string): Word[] {
  return [...message.matchAll(/\b0x([0-9a-f]{8})([0-9a-f]{8})\b/g)].map(([, high, low]) => ({
    low: Number.parseInt(low!, 16),
    high: Number.parseInt(high!, 16),
  }));
}

function bitsOf(mask: Word): number[] {
  const isSet = (bit: number) => (((bit < 32 ? mask.low : mask.high) >>> (bit & 31)) & 1) === 1;
  return Array.from({ length: 64 }, (_, bit) => bit).filter(isSet);
}

function withBit({ mask, value, words }: Pattern, bit: number, set: boolean): Pattern {
  const one = bit < 32 ? { low: (1 << bit) >>> 0, high: 0 } : { low: 0, high: (1 << (bit - 32)) >>> 0 };
  return { mask: either(mask, one), value: set ? either(value, one) : value, words };
}

function either(one: Word, other: Word): Word {
  return { low: (one.low | other.low) >>> 0, high: (one.high | other.high) >>> 0 };
}

function without(one: Word, other: Word): Word {
  return { low: (one.low & ~other.low) >>> 0, high: (one.high & ~other.high) >>> 0 };
}

/** The same values by fewer patterns: two that differ in one bit become one that leaves it open. */
function merged(patterns: readonly Pattern[]): Pattern[] {
  for (const [index, one] of patterns.entries()) {
    for (const other of patterns.slice(index + 1)) {
      const bit = onlyDifference(one, other);
      if (bit === null) continue;
      const both = { mask: without(one.mask, bit), value: without(one.value, bit), words: one.words };
      return merged([...patterns.filter((each) => each !== one && each !== other), both]);
    }
  }
  return [...patterns];
}

/** The bit in which two patterns of one mask differ; null when there are more. */
function onlyDifference(one: Pattern, other: Pattern): Word | null {
  if (!matches(one.mask, exactly(other.mask))) return null;
  const low = (one.value.low ^ other.value.low) >>> 0;
  const high = (one.value.high ^ other.value.high) >>> 0;
  return bitsOf({ low, high }).length === 1 ? { low, high } : null;
}
