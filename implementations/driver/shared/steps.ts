/** Small pieces that every part of a driver yields or is given. */
import type { Word } from "../../../model/trace.js";
import type { HostPage } from "../../../model/words/address.js";
import type { Access, Answer } from "../interface.js";

/** A piece of driver code that ends with a result. */
export type Steps<Result> = Generator<Access, Result, Answer>;

/** Right after a poll: hardware that never answers leaves a driver nothing to do. @throws Error naming what it waited for */
export function expectSeen(answer: Answer, awaited: string): void {
  if (answer.low !== 1) throw new Error(`the unit never showed ${awaited}`);
}

/** The CPU writes a register of 4 or 8 bytes. */
export function register(offset: number, width: 4 | 8, low: number, high: number): Access {
  return { do: "write-register", offset, width, low, high };
}

/** The CPU loads a word. */
export function* loadWord(page: HostPage, word: number): Steps<Word> {
  return yield { do: "load", page, word };
}

/** The CPU writes the line of a word back. */
export function flushLineOf(page: HostPage, word: number): Access {
  return { do: "flush-line", page, line: word >>> 3 };
}

/** An entry with the address of a page, bits 51:12, filled in. */
export function pointingTo(page: HostPage, entry: Word): Word {
  return {
    low: (entry.low | ((page % 0x100000) << 12)) >>> 0,
    high: (entry.high | Math.floor(page / 0x100000)) >>> 0,
  };
}
