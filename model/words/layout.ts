/**
 * Declared layouts of table entries, registers, descriptors and records. Everything that knows where a bit is
 * (encoding, decoding, display, reserved-bit checks, documentation, tests) reads these declarations.
 */
import type { Word } from "../trace.js";

/**
 * - `field`: has a meaning; `reservedWhen` names the platforms on which it is reserved instead;
 * - `address`: a page number whose bits at and above the host address width are reserved;
 * - `reserved`: hardware checks that it is zero;
 * - `ignored`: hardware never looks at it.
 */
export type FieldKind = "field" | "address" | "reserved" | "ignored";

export interface Field<Platform = unknown> {
  readonly name: string;
  /** Highest and lowest bit, both included, counted from bit 0 of the whole entry. */
  readonly high: number;
  readonly low: number;
  readonly kind: FieldKind;
  readonly meaning: string;
  /** Lowest bit from which on the field is reserved on this platform; `low` means all of it. */
  readonly reservedFrom?: (platform: Platform) => number;
  /** What a value stands for, where that is more than a number. */
  readonly says?: (value: number) => string | undefined;
}

export interface Layout<Platform = unknown> {
  readonly name: string;
  readonly section: string;
  /** Bits in the whole entry, a multiple of 64 (or 32 for a register). */
  readonly width: number;
  readonly fields: readonly Field<Platform>[];
}

/** Bits as the specifications print them: `"63:12"` or `"0"`. */
function parseBits(bits: string): { high: number; low: number } {
  const [high, low] = bits.split(":").map(Number);
  return { high: high!, low: low ?? high! };
}

/** A field with a meaning of its own. `reservedFrom` as in {@link Field}. */
export function field<P>(
  name: string,
  bits: string,
  meaning: string,
  reservedFrom?: (platform: P) => number,
): Field<P> {
  return { name, ...parseBits(bits), kind: "field", meaning, ...(reservedFrom && { reservedFrom }) };
}

/** A page number; bits at and above the host address width are reserved. */
export function address<P>(name: string, bits: string, meaning: string): Field<P> {
  return { name, ...parseBits(bits), kind: "address", meaning };
}

/** Bits that hardware checks to be zero. */
export function reserved<P>(bits: string): Field<P> {
  return { name: `reserved ${bits}`, ...parseBits(bits), kind: "reserved", meaning: "must be zero" };
}

/** Bits that hardware never looks at. */
export function ignored<P>(bits: string): Field<P> {
  return { name: `ignored ${bits}`, ...parseBits(bits), kind: "ignored", meaning: "hardware does not look" };
}

/**
 * Declares a layout and checks that its fields cover every bit exactly once.
 * @throws RangeError naming the bit that is declared twice or not at all
 */
export function layout<P>(name: string, section: string, width: number, fields: Field<P>[]): Layout<P> {
  const owner: (string | undefined)[] = new Array(width).fill(undefined);
  for (const one of fields) {
    for (let bit = one.low; bit <= one.high; bit++) {
      if (bit >= width || owner[bit] !== undefined)
        throw new RangeError(`${name}: bit ${bit} of ${one.name} is taken`);
      owner[bit] = one.name;
    }
  }
  const missing = owner.indexOf(undefined);
  if (missing >= 0) throw new RangeError(`${name}: bit ${missing} is not declared`);
  return { name, section, width, fields };
}

/** The field of that name. @throws RangeError when the layout has none */
export function fieldOf<P>(of: Layout<P>, name: string): Field<P> {
  const found = of.fields.find((one) => one.name === name);
  if (!found) throw new RangeError(`${of.name} has no field ${name}`);
  return found;
}

/** The words with every 64 bits of a layout's width, all zero. */
function blankWords(width: number): { low: number; high: number }[] {
  return Array.from({ length: Math.ceil(width / 64) }, () => ({ low: 0, high: 0 }));
}

/** Bit `bit` of an entry given as 64-bit words. */
function bitOf(words: readonly Word[], bit: number): number {
  const word = words[bit >>> 6]!;
  const half = bit & 32 ? word.high : word.low;
  return (half >>> (bit & 31)) & 1;
}

function setBit(words: { low: number; high: number }[], bit: number): void {
  const word = words[bit >>> 6]!;
  const mask = 1 << (bit & 31);
  if (bit & 32) word.high = (word.high | mask) >>> 0;
  else word.low = (word.low | mask) >>> 0;
}

/** The part of a field that lies in one 32-bit half of an entry. */
interface Piece {
  /** Number of the half, counted from bit 0 of the entry. */
  readonly half: number;
  /** The field's value times this, cut to a whole number, has the piece's bits where they belong. */
  readonly scale: number;
  readonly mask: number;
}

function piecesOf<P>({ low, high }: Field<P>): Piece[] {
  const pieces: Piece[] = [];
  for (let half = low >>> 5; half <= high >>> 5; half++) {
    const first = Math.max(low - half * 32, 0);
    const last = Math.min(high - half * 32, 31);
    const mask = (2 ** (last + 1) - 2 ** first) | 0;
    pieces.push({ half, scale: 2 ** (low - half * 32), mask });
  }
  return pieces;
}

/**
 * A function that encodes entries of a layout from the values of these fields; every other bit is zero. Where the fields
 * go is worked out once, for those who encode many.
 * @throws RangeError when the layout has no field of a given name
 */
export function encoderOf<P, Name extends string>(
  of: Layout<P>,
  names: readonly Name[],
): (values: Readonly<Record<Name, number>>) => Word[] {
  const pieces = names.flatMap((name) => piecesOf(fieldOf(of, name)).map((piece) => ({ name, ...piece })));
  const halves = new Int32Array(Math.ceil(of.width / 64) * 2);
  return (values) => {
    halves.fill(0);
    for (const { name, half, scale, mask } of pieces)
      halves[half]! |= Math.floor(values[name] * scale) & mask;
    const words: Word[] = [];
    for (let at = 0; at < halves.length; at += 2) {
      words.push({ low: halves[at]! >>> 0, high: halves[at + 1]! >>> 0 });
    }
    return words;
  };
}

/**
 * The entry with the given field values, every other bit zero, as 64-bit words, lowest first. Values are taken
 * modulo the field's width; an address field takes a page number.
 * @throws RangeError when the layout has no field of a given name
 */
export function encode<P>(of: Layout<P>, values: Readonly<Record<string, number>>): Word[] {
  const names = Object.keys(values);
  const key = names.join();
  let known = encoders.get(of);
  if (!known) {
    known = new Map();
    encoders.set(of, known);
  }
  let encoder = known.get(key);
  if (!encoder) {
    encoder = encoderOf(of, names);
    known.set(key, encoder);
  }
  return encoder(values);
}

/** Encoders by layout and the names of the given fields: the same few are asked for over and over. */
const encoders = new WeakMap<object, Map<string, (values: Readonly<Record<string, number>>) => Word[]>>();

/** One field's value; exact up to 53 bits, an address field gives a page number. */
export function readField<P>(of: Layout<P>, name: string, words: readonly Word[]): number {
  const { low, high } = fieldOf(of, name);
  let value = 0;
  for (let bit = high; bit >= low; bit--) value = value * 2 + bitOf(words, bit);
  return value;
}

/** Every field with a meaning, by name. */
export function decode<P>(of: Layout<P>, words: readonly Word[]): Record<string, number> {
  let decoder = decoders.get(of);
  if (!decoder) {
    decoder = decoderOf(of);
    decoders.set(of, decoder);
  }
  return decoder(words);
}

const decoders = new WeakMap<object, (words: readonly Word[]) => Record<string, number>>();

/**
 * A function that decodes entries of a layout: every field with a meaning, by name. Where the fields are is worked out
 * once, for those who decode many.
 */
export function decoderOf<P>(of: Layout<P>): (words: readonly Word[]) => Record<string, number> {
  const named = of.fields.filter((one) => one.kind === "field" || one.kind === "address");
  const fields = named.map((one) => ({ name: one.name, pieces: piecesOf(one) }));
  return (words) => {
    const values: Record<string, number> = {};
    for (const { name, pieces } of fields) {
      let value = 0;
      for (const { half, scale, mask } of pieces) value += ((halfOf(words, half) & mask) >>> 0) / scale;
      values[name] = value;
    }
    return values;
  };
}

function halfOf(words: readonly Word[], half: number): number {
  const word = words[half >>> 1]!;
  return half & 1 ? word.high : word.low;
}

/** The bits of an entry that must be zero on this platform, as 64-bit words. */
export function reservedMask<P extends { readonly hostAddressWidth: number }>(
  of: Layout<P>,
  platform: P,
): Word[] {
  return maskOf(of, (one) => firstReserved(one, platform));
}

/** The lowest bit from which on a field is reserved on this platform; infinite when none of it is. */
export function firstReserved<P extends { readonly hostAddressWidth: number }>(
  one: Field<P>,
  platform: P,
): number {
  if (one.kind === "reserved") return one.low;
  const missing = one.reservedFrom?.(platform) ?? Number.POSITIVE_INFINITY;
  if (one.kind !== "address") return missing;
  // Address bits are counted from the start of the word that holds the address.
  return Math.min(missing, one.low - (one.low % 64) + (platform.hostAddressWidth % 64 || 64));
}

/** The bits of an entry that hardware never looks at, as 64-bit words. */
export function ignoredMask<P>(of: Layout<P>): Word[] {
  return maskOf(of, (one) => (one.kind === "ignored" ? one.low : Number.POSITIVE_INFINITY));
}

/** The mask of one field, as 64-bit words. */
export function fieldMask<P>(of: Layout<P>, name: string): Word[] {
  return maskOf(of, (one) => (one.name === name ? one.low : Number.POSITIVE_INFINITY));
}

function maskOf<P>(of: Layout<P>, from: (one: Field<P>) => number): Word[] {
  const words = blankWords(of.width);
  for (const one of of.fields) {
    for (let bit = Math.max(one.low, from(one)); bit <= one.high; bit++) setBit(words, bit);
  }
  return words;
}
