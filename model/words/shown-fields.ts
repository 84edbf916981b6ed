/** Entries in words: what their values stand for, and every field as people read it. */
import type { Word } from "../trace.js";
import { showRequester } from "./address.js";
import type { Field, FieldKind, Layout } from "./layout.js";

type Says = (value: number) => string | undefined;

/** Names of values, for a field or a row of a register. */
export function names(of: Readonly<Record<number, string>>): Says {
  return (value) => of[value];
}

/** The field with what its values stand for: their names, or a function that says it. */
export function saying<P>(one: Field<P>, what: Says | Readonly<Record<number, string>>): Field<P> {
  return { ...one, says: typeof what === "function" ? what : names(what) };
}

/** A requester id, as kernels print it. */
export const asRequester: Says = showRequester;

/** An address that is given in units of 2^shift bytes. */
export function asAddress(shift: number): Says {
  return (value) => `0x${(BigInt(value) << BigInt(shift)).toString(16)}`;
}

/** 2^(value + offset) of something in the plural. */
export function asPowerOfTwo(what: string, offset = 0): Says {
  return (value) =>
    value + offset === 0 ? `1 ${what.replace(/s$/, "")}` : `${2 ** (value + offset)} ${what}`;
}

/** One field of an entry, as people read it. */
export interface ShownField {
  readonly name: string;
  /** `63:12` or `0`. */
  readonly bits: string;
  /** A number as it is, in hex from 10 on; an address in bytes. */
  readonly value: string;
  /** What the value stands for; empty where it is just a number. */
  readonly says: string;
  readonly meaning: string;
  readonly kind: FieldKind;
}

/** An entry as one number. */
export function numberOf(words: readonly Word[]): bigint {
  return words.reduceRight((sum, { low, high }) => (sum << 64n) | (BigInt(high) << 32n) | BigInt(low), 0n);
}

/** The number in 64-bit words, lowest first, as many as `bits` need. */
export function wordsOf(number: bigint, bits: number): Word[] {
  return Array.from({ length: Math.ceil(bits / 64) }, (_, index) => {
    const word = number >> BigInt(64 * index);
    return { low: Number(word & 0xffffffffn), high: Number((word >> 32n) & 0xffffffffn) };
  });
}

/** An entry in hex, its highest word first. */
export function showWords(words: readonly Word[], bits: number): string {
  const digits = numberOf(words)
    .toString(16)
    .padStart(bits / 4, "0");
  return `0x${(digits.match(/.{1,16}/g) ?? []).join("_")}`;
}

export function showBits({ high, low }: { readonly high: number; readonly low: number }): string {
  return high === low ? String(low) : `${high}:${low}`;
}

/** The bits of a field, whatever its width. */
export function rawValue({ high, low }: Field<never>, words: readonly Word[]): bigint {
  return (numberOf(words) >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
}

function showValue(one: Field<never>, value: bigint): string {
  if (one.kind === "address") return `0x${(value << BigInt(one.low % 64)).toString(16)}`;
  return value < 10n ? String(value) : `0x${value.toString(16)}`;
}

/** Every field of an entry from bit 0 on; those that are reserved or ignored only where they are not zero. */
export function shownFields(of: Layout<never>, words: readonly Word[]): ShownField[] {
  return of.fields
    .map((one) => ({ one, value: rawValue(one, words) }))
    .filter(({ one, value }) => value !== 0n || one.kind === "field" || one.kind === "address")
    .sort((a, b) => a.one.low - b.one.low)
    .map(({ one, value }) => ({
      name: one.name,
      bits: showBits(one),
      value: showValue(one, value),
      says: one.says?.(Number(value)) ?? "",
      meaning: one.meaning,
      kind: one.kind,
    }));
}
