/** Single entries from a command line: words, one long number, or dumps of bytes. */
import type { Word } from "../model/trace.js";
import { wordsOf } from "../model/words/shown-fields.js";
import { UsageError } from "./errors.js";
import { dumpedBytes } from "./hex.js";

/** Digits that were given, before it is known how wide the entry is. */
export type HexEntry =
  /** Bytes as they are in memory. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Words of 64 bits, or of 32 bits where none is longer and twice as many are needed; the lowest first. */
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** One number of any length. */
  | { readonly kind: "number"; readonly digits: string };

const SEPARATORS = /[\s,;{}[\]()"']+/;
const DIGITS = /^(?:0x)?([0-9a-f](?:_?[0-9a-f])*)$/i;
const DIGITS_OF_WORD = 16;

/** @throws UsageError naming what is no hex number */
export function parseHex(texts: readonly string[]): HexEntry {
  const dump = dumpedBytes(texts.flatMap((one) => one.split(/\r?\n/)));
  if (dump.length > 0) return { kind: "bytes", bytes: dump };
  const tokens = texts.flatMap((one) => one.split(SEPARATORS)).filter((one) => one !== "");
  if (tokens.length === 0) throw new UsageError("decode needs the bits of an entry in hex");
  const digits = tokens.map((token) => {
    const found = DIGITS.exec(token)?.[1];
    if (found === undefined) throw new UsageError(`"${token}" is no hex number`);
    return found;
  });
  if (tokens.length >= 4 && tokens.every((one) => /^[0-9a-f]{2}$/i.test(one)))
    return { kind: "bytes", bytes: Uint8Array.from(tokens, (one) => Number.parseInt(one, 16)) };
  const [first, ...more] = digits;
  if (more.length === 0) return { kind: "number", digits: first!.replaceAll("_", "") };
  const words = digits.map((one) => one.replaceAll("_", ""));
  const long = words.find((one) => one.length > DIGITS_OF_WORD);
  if (long !== undefined) throw new UsageError(`0x${long} is more than one word of 64 bits`);
  return { kind: "words", words };
}

/** The entry in one of these widths, in bits, as 64-bit words; null when it has none of them. */
export function entryOf(hex: HexEntry, widths: readonly number[]): Word[] | null {
  const whole = hex.kind === "words" ? widths.find((width) => hex.words.length * 64 === width) : undefined;
  const found = whole ?? [...widths].sort((a, b) => a - b).find((width) => fits(hex, width));
  return found === undefined ? null : wordsOf(numberIn(hex, found), found);
}

function fits(hex: HexEntry, width: number): boolean {
  switch (hex.kind) {
    case "bytes":
      return hex.bytes.length * 8 === width;
    case "number": {
      // Of an entry of several words one alone is not taken for all of it.
      const isOneWord = hex.digits.length <= DIGITS_OF_WORD;
      return hex.digits.length <= width / 4 && (width <= 64 || !isOneWord);
    }
    case "words":
      return hex.words.length * 64 === width || isOfHalves(hex.words, width);
  }
}

function isOfHalves(words: readonly string[], width: number): boolean {
  return words.length * 32 === width && words.every((one) => one.length <= DIGITS_OF_WORD / 2);
}

function numberIn(hex: HexEntry, width: number): bigint {
  switch (hex.kind) {
    case "bytes":
      return [...hex.bytes].reduceRight((sum, one) => (sum << 8n) | BigInt(one), 0n);
    case "number":
      return BigInt(`0x${hex.digits}`);
    case "words": {
      const bits = hex.words.length * 64 === width ? 64n : 32n;
      return hex.words.reduceRight((sum, one) => (sum << bits) | BigInt(`0x${one}`), 0n);
    }
  }
}

/** What was given, for messages. */
export function describeHex(hex: HexEntry): string {
  if (hex.kind === "bytes") return `${hex.bytes.length} bytes`;
  if (hex.kind === "words") return `${hex.words.length} words`;
  return hex.digits.length === 1 ? "a number of 1 digit" : `a number of ${hex.digits.length} digits`;
}
