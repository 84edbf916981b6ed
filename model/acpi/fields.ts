/**
 * Declared fields of the structures in firmware tables. Reading, writing, showing and the check of reserved bits all come
 * from these declarations. Numbers are little-endian; bits are counted from bit 0 of the byte at the field's offset.
 */

/**
 * - `number`: at most 32 bits;
 * - `wide`: a 64-bit number, such as an address;
 * - `text`: one character for each byte, whatever the byte;
 * - `length`: bytes in the whole structure; follows from what is in it, so it is no value of its own;
 * - `reserved`: zero in a correct table.
 */
export type FieldKind = "number" | "wide" | "text" | "length" | "reserved";

export type FieldValue = number | bigint | string;

export interface TableField<Name extends string = string, Kind extends FieldKind = FieldKind> {
  readonly name: Name;
  readonly kind: Kind;
  /** In bytes from the beginning of the structure. */
  readonly offset: number;
  readonly low: number;
  readonly high: number;
  readonly meaning: string;
  /** Says a value as people read it. */
  readonly show?: (value: number) => string;
}

type ValueOf<Kind> = Kind extends "number" ? number : Kind extends "wide" ? bigint : string;

/** The values of declared fields by name. */
export type Values<Fields extends readonly TableField[]> = {
  readonly [One in Fields[number] as One["kind"] extends "length" | "reserved"
    ? never
    : One["name"]]: ValueOf<One["kind"]>;
};

/** Bits as the specifications print them, such as `7:1` or `0`; at most 32 of them. */
export function bits<Name extends string>(
  name: Name,
  offset: number,
  range: string,
  meaning: string,
  show?: (value: number) => string,
): TableField<Name, "number"> {
  const [high, low] = range.split(":").map(Number);
  return { name, kind: "number", offset, low: low ?? high!, high: high!, meaning, ...(show && { show }) };
}

/** A number of one to four whole bytes. */
export function number<Name extends string>(
  name: Name,
  offset: number,
  bytes: number,
  meaning: string,
  show?: (value: number) => string,
): TableField<Name, "number"> {
  return bits(name, offset, `${8 * bytes - 1}:0`, meaning, show);
}

/** A number of eight bytes. */
export function wide<Name extends string>(
  name: Name,
  offset: number,
  meaning: string,
): TableField<Name, "wide"> {
  return { name, kind: "wide", offset, low: 0, high: 63, meaning };
}

export function text<Name extends string>(
  name: Name,
  offset: number,
  bytes: number,
  meaning: string,
): TableField<Name, "text"> {
  return { name, kind: "text", offset, low: 0, high: 8 * bytes - 1, meaning };
}

/** The length of the whole structure. */
export function length(offset: number, bytes: number): TableField<"length", "length"> {
  const meaning = "bytes in the structure";
  return { name: "length", kind: "length", offset, low: 0, high: 8 * bytes - 1, meaning };
}

/** Reserved bytes. */
export function reserved(offset: number, bytes: number): TableField<string, "reserved"> {
  return reservedBits(offset, `${8 * bytes - 1}:0`);
}

/** Reserved bits. */
export function reservedBits(offset: number, range: string): TableField<string, "reserved"> {
  const { low, high } = bits("", offset, range, "");
  return { name: `reserved ${offset}.${range}`, kind: "reserved", offset, low, high, meaning: "zero" };
}

/**
 * Bytes that the fields take together.
 * @throws RangeError naming a bit that two fields have, or none
 */
export function bytesOfFields(name: string, fields: readonly TableField[]): number {
  const owned = new Set<number>();
  for (const one of fields) {
    for (let bit = 8 * one.offset + one.low; bit <= 8 * one.offset + one.high; bit++) {
      if (owned.has(bit)) throw new RangeError(`${name}: bit ${bit} of ${one.name} is taken`);
      owned.add(bit);
    }
  }
  const end = Math.max(0, ...[...owned].map((bit) => bit + 1));
  if (owned.size < end || end % 8 !== 0)
    throw new RangeError(`${name}: some bits below ${end} have no field`);
  return end / 8;
}

/** What a field holds in bytes in which its structure begins at `at`. */
export function readField(field: TableField, bytes: Uint8Array, at: number): FieldValue {
  const first = at + field.offset;
  if (field.kind === "text")
    return String.fromCharCode(...bytes.subarray(first, first + (field.high + 1) / 8));
  if (field.kind === "wide") return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(first, true);
  let all = 0;
  for (let byte = field.high >>> 3; byte >= 0; byte--) all = all * 256 + bytes[first + byte]!;
  return Math.floor(all / 2 ** field.low) % 2 ** (field.high - field.low + 1);
}

/**
 * Puts a value where the field is; its bits are zero so far.
 * @throws RangeError when the field has no room for the value
 */
export function writeField(field: TableField, value: FieldValue, bytes: Uint8Array, at: number): void {
  const width = field.high - field.low + 1;
  const first = at + field.offset;
  if (typeof value === "string") {
    if (value.length !== width / 8)
      throw new RangeError(`${field.name} has ${width / 8} characters, not ${value.length}`);
    for (let index = 0; index < value.length; index++) bytes[first + index] = value.charCodeAt(index);
    return;
  }
  if (value < 0 || value >= 2 ** width) throw new RangeError(`${field.name} has no room for ${value}`);
  if (typeof value === "bigint") {
    new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(first, value, true);
    return;
  }
  let rest = value * 2 ** field.low;
  for (let byte = 0; byte <= field.high >>> 3; byte++) {
    bytes[first + byte]! |= rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** A byte for each byte of the fields, with the bits set that are reserved. */
export function reservedMaskOf(fields: readonly TableField[], size: number): Uint8Array {
  const mask = new Uint8Array(size);
  for (const one of fields) {
    if (one.kind !== "reserved") continue;
    for (let bit = 8 * one.offset + one.low; bit <= 8 * one.offset + one.high; bit++) {
      mask[bit >>> 3]! |= 1 << (bit & 7);
    }
  }
  return mask;
}
