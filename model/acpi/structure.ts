/**
 * Structures of firmware tables: a fixed part of declared fields, then structures of a family, or bytes of another form.
 * Nothing is lost on the way from bytes to data and back, whatever the bytes are.
 */
import {
  bytesOfFields,
  type FieldValue,
  readField,
  reservedMaskOf,
  type TableField,
  type Values,
  writeField,
} from "./fields.js";

/** Structures that follow each other until the one that they are in ends. */
export interface Family {
  /** What they are called, such as `device scope`. */
  readonly name: string;
  /**
   * What all of them begin with: a field `type`, and most a field of kind `length`. Structures of a type that is not known
   * are read like this, and those that are too short for their type.
   */
  readonly head: StructureLayout;
  readonly layouts: readonly StructureLayout[];
  /** Where no field says it: the length of a structure of that type, which has `room` bytes at most; null if unknown. */
  readonly lengthOf?: (type: number, bytes: Uint8Array, at: number, room: number) => number | null;
}

export interface StructureLayout<Fields extends readonly TableField[] = readonly TableField[]> {
  readonly name: string;
  /** Of the specification, such as `VT-d 8.3`. */
  readonly section: string;
  /** Values of the field `type` by which it is recognised. */
  readonly types: readonly number[];
  readonly fields: Fields;
  /** Bytes in the fixed part. */
  readonly bytes: number;
  readonly reservedMask: Uint8Array;
  /** What follows the fixed part, if structures do. */
  readonly parts: Family | null;
  /** What follows otherwise, and how that is said; null if nothing should. */
  readonly tail: Tail | null;
}

export interface Tail {
  readonly name: string;
  readonly show: (rest: Uint8Array) => string;
}

/** A structure as data. */
export interface Structure {
  readonly layout: StructureLayout;
  readonly values: Readonly<Record<string, FieldValue>>;
  /** The fixed part with only the bits that are reserved; null if all of them are zero. */
  readonly reserved: Uint8Array | null;
  readonly parts: readonly Structure[];
  /** The tail; behind parts, bytes that are no structure of the family, which a correct table has not. */
  readonly rest: Uint8Array;
}

/** A structure of one layout: its values have their types. */
export interface StructureOf<Layout extends StructureLayout> extends Structure {
  readonly layout: Layout;
  readonly values: Values<Layout["fields"]>;
}

/** Declares a structure. @throws RangeError when its fields overlap or leave a gap */
export function declare<const Fields extends readonly TableField[]>(
  name: string,
  section: string,
  types: readonly number[],
  fields: Fields,
  then: { readonly parts?: Family; readonly tail?: Tail } = {},
): StructureLayout<Fields> {
  const bytes = bytesOfFields(name, fields);
  const reservedMask = reservedMaskOf(fields, bytes);
  return {
    name,
    section,
    types,
    fields,
    bytes,
    reservedMask,
    parts: then.parts ?? null,
    tail: then.tail ?? null,
  };
}

const NOTHING = new Uint8Array();

/** A structure of these values, with nothing in reserved places. */
export function make<Layout extends StructureLayout>(
  layout: Layout,
  values: Values<Layout["fields"]>,
  parts: readonly Structure[] = [],
  rest: Uint8Array = NOTHING,
): StructureOf<Layout> {
  return { layout, values, reserved: null, parts, rest };
}

/** Whether the structure is one of that layout. */
export function isA<Layout extends StructureLayout>(
  one: Structure,
  layout: Layout,
): one is StructureOf<Layout> {
  return one.layout === layout;
}

/** Those of that layout. */
export function allOf<Layout extends StructureLayout>(
  structures: readonly Structure[],
  layout: Layout,
): StructureOf<Layout>[] {
  return structures.filter((one) => isA(one, layout));
}

/** Bytes that a structure takes. */
export function sizeOf(one: Structure): number {
  return one.layout.bytes + one.rest.length + one.parts.reduce((sum, part) => sum + sizeOf(part), 0);
}

/** Structures with the byte at which each begins, the first one at `from`. */
export function placed<One extends Structure>(
  structures: readonly One[],
  from: number,
): { readonly offset: number; readonly structure: One }[] {
  let offset = from;
  return structures.map((structure) => {
    const here = { offset, structure };
    offset += sizeOf(structure);
    return here;
  });
}

/**
 * Reads the structure of that layout which takes the bytes from `at` on to before `end`; there are enough for its fixed
 * part. Its parts end at `partsEnd`; what comes behind them is in its rest.
 */
export function readStructure(
  layout: StructureLayout,
  bytes: Uint8Array,
  at: number,
  end: number,
  partsEnd = end,
): Structure {
  const values: Record<string, FieldValue> = {};
  for (const field of layout.fields) {
    if (field.kind !== "length" && field.kind !== "reserved")
      values[field.name] = readField(field, bytes, at);
  }
  const inReserved = layout.reservedMask.map((mask, index) => mask & bytes[at + index]!);
  const parts: Structure[] = [];
  let next = at + layout.bytes;
  while (layout.parts) {
    const part = readPart(layout.parts, bytes, next, partsEnd);
    if (!part) break;
    parts.push(part);
    next += sizeOf(part);
  }
  const reserved = inReserved.some((byte) => byte !== 0) ? inReserved : null;
  return { layout, values, reserved, parts, rest: bytes.slice(next, end) };
}

/** The structure of a family that begins at `at`; null if there is none that ends at `end` or before. */
function readPart(family: Family, bytes: Uint8Array, at: number, end: number): Structure | null {
  const { head } = family;
  if (end - at < head.bytes) return null;
  const type = Number(readField(head.fields.find((one) => one.name === "type")!, bytes, at));
  const size = lengthAt(family, type, bytes, at, end - at);
  if (size === null || size < head.bytes || size > end - at) return null;
  const layout = family.layouts.find((one) => one.types.includes(type));
  const fits = layout !== undefined && layout.bytes <= size;
  return readStructure(fits ? layout : head, bytes, at, at + size);
}

function lengthAt(family: Family, type: number, bytes: Uint8Array, at: number, room: number): number | null {
  if (family.lengthOf) return family.lengthOf(type, bytes, at, room);
  const field = family.head.fields.find((one) => one.kind === "length");
  return field ? Number(readField(field, bytes, at)) : null;
}

/** The bytes of a structure. @throws RangeError when a value, or the length, is too large for its field */
export function writeStructure(one: Structure): Uint8Array {
  const bytes = new Uint8Array(sizeOf(one));
  writeAt(one, bytes, 0);
  return bytes;
}

function writeAt(one: Structure, bytes: Uint8Array, at: number): void {
  if (one.reserved) bytes.set(one.reserved, at);
  for (const field of one.layout.fields) {
    if (field.kind === "length") writeField(field, sizeOf(one), bytes, at);
    else if (field.kind !== "reserved") writeField(field, one.values[field.name]!, bytes, at);
  }
  const partsAt = at + one.layout.bytes;
  for (const { offset, structure } of placed(one.parts, partsAt)) writeAt(structure, bytes, offset);
  bytes.set(one.rest, at + sizeOf(one) - one.rest.length);
}
