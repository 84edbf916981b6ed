/** What the registers of an IOMMU held at some moment. */
import type { Word } from "../../../model/trace.js";

/** Registers as 64-bit words, by their byte offset in the window. */
export type Registers = ReadonlyMap<number, Word>;

/** Neighbouring registers, read by one command. */
export interface Block {
  readonly offset: number;
  readonly bytes: number;
}

const ZERO: Word = { low: 0, high: 0 };

/** The word at an offset; zero where nothing was read. */
export function word64(registers: Registers, offset: number): Word {
  return registers.get(offset) ?? ZERO;
}

/** The half of a word that begins at an offset. */
export function word32(registers: Registers, offset: number): number {
  const word = word64(registers, offset & ~7);
  return (offset & 4) === 0 ? word.low : word.high;
}

/** The registers that are not as expected, in words; the bits set in `ignored` may hold anything. */
export function differences(seen: Registers, expected: Registers, ignored: Registers): string[] {
  const strange: string[] = [];
  for (const [offset, word] of seen) {
    const wanted = word64(expected, offset);
    const mask = word64(ignored, offset);
    const low = (word.low ^ wanted.low) & ~mask.low;
    const high = (word.high ^ wanted.high) & ~mask.high;
    if ((low | high) !== 0)
      strange.push(`register ${offset.toString(16)}h is ${show(word)}, not ${show(wanted)}`);
  }
  return strange;
}

function show(word: Word): string {
  const digits = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
  return `${digits(word.high)}_${digits(word.low)}h`;
}
