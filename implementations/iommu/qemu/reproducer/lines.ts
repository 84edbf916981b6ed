/**
 * What a reproducer does, whatever language it is written in: a list of commands for a QEMU that was just started, with
 * what each is for. Nothing in it depends on an answer.
 */
import type { Word } from "../../../../model/trace.js";
import type { HostPage } from "../../../../model/words/address.js";

/** Values that a reply may have: those that agree with `value` in the bits of `mask`. */
export interface Pattern {
  readonly mask: Word;
  readonly value: Word;
  /** What such a value stands for; may be empty. */
  readonly words: string;
}

/** Something to look at. Every look gives 64 bits. */
export type Look =
  | { readonly at: "memory"; readonly address: number; readonly width: 4 | 8 }
  /** The address of the page that holds `tag` at `offset`; all ones when none of the pages does. */
  | {
      readonly at: "pages";
      readonly pages: readonly HostPage[];
      readonly offset: number;
      readonly tag: number;
    };

/** Into the device's buffer, and out of it. */
export const TRANSFER = { fetch: 1, deliver: 3 } as const;

export type Line =
  | { readonly do: "heading"; readonly text: string }
  | {
      readonly do: "write";
      readonly width: 4 | 8;
      readonly address: number;
      readonly value: Word;
      readonly comment: string;
    }
  /** A write to a 32-bit port. */
  | { readonly do: "out"; readonly port: number; readonly value: number; readonly comment: string }
  /** The same 32-bit value at `count` addresses, `stride` bytes apart. */
  | {
      readonly do: "fill";
      readonly address: number;
      readonly count: number;
      readonly stride: number;
      readonly value: number;
      readonly comment: string;
    }
  /** An `edu` device copies bytes between memory and its own buffer. */
  | {
      readonly do: "transfer";
      readonly device: number;
      readonly source: Word;
      readonly target: Word;
      readonly bytes: number;
      readonly command: number;
      readonly comment: string;
    }
  /** A look whose answer the rest rests on: where it is none of these, or one of these if `unless`, there is no verdict. */
  | {
      readonly do: "check";
      readonly look: Look;
      readonly expected: Pattern;
      readonly unless: boolean;
      readonly comment: string;
    }
  /** The look that the verdict depends on. */
  | { readonly do: "decide"; readonly look: Look; readonly comment: string }
  /** From here on QEMU is expected to end or to hang. */
  | { readonly do: "expect-loss"; readonly comment: string };

/** The deviation is what QEMU shows at the line that decides, or that it does not survive. */
export type Decision =
  | {
      readonly kind: "look";
      /** What is looked at, in words. */
      readonly subject: string;
      /** By whom the value would be another one: a conforming unit, or correct software. */
      readonly by: string;
      /** What a conforming unit may show; null for anything but `inadmissible`. */
      readonly admissible: readonly Pattern[] | null;
      readonly inadmissible: Pattern | null;
      /** What it showed when this was recorded; null while that is not known. */
      readonly recorded: Word | null;
      /** What that value stands for; may be empty. */
      readonly recordedWords: string;
    }
  | { readonly kind: "loss"; readonly recorded: string };

/** Options of QEMU that make the machine, accelerator, firmware and qtest excepted. */
export interface MachineOptions {
  readonly board: readonly string[];
  /** The IOMMU, as `-device` takes it last. */
  readonly unit: string;
  /** A property that it is given in addition by versions of QEMU where it has one of that name; null for none. */
  readonly further: string | null;
}

/** Everything a reproducer needs. */
export interface Transcript {
  readonly machine: MachineOptions;
  readonly lines: readonly Line[];
  readonly decision: Decision;
}

export const ALL_ONES: Word = { low: 0xffffffff, high: 0xffffffff };
/** What a look at pages gives when none holds the tag. */
export const NOWHERE = ALL_ONES;

/** A number below 2^53 as 64 bits. */
export function wordOf(value: number): Word {
  return { low: value >>> 0, high: Math.floor(value / 2 ** 32) };
}

/** This value and no other. */
export function exactly(value: Word, words = ""): Pattern {
  return { mask: ALL_ONES, value, words };
}

/** Whether the value is of the pattern. */
export function matches(seen: Word, { mask, value }: Pattern): boolean {
  const differs = (one: number, other: number, bits: number) => ((one ^ other) & bits) !== 0;
  return !differs(seen.low, value.low, mask.low) && !differs(seen.high, value.high, mask.high);
}
