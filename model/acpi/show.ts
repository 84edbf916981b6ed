/** Structures of firmware tables as they are shown. */
import { type FieldValue, readField, type TableField } from "./fields.js";
import type { ShownStructure } from "./firmware-table.js";
import { placed, type Structure, sizeOf } from "./structure.js";

type ShownField = ShownStructure["fields"][number];

/** Bytes as two digits each. */
export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** Text as it is in tables: in quotes, what cannot be printed as `\xNN`. */
export function quoted(value: string): string {
  const shown = Array.from(value, (one) =>
    one >= " " && one <= "~" ? one : `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${shown.join("")}"`;
}

function shownValue(field: TableField, value: FieldValue): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "bigint") return `0x${value.toString(16)}`;
  return field.show ? field.show(value) : String(value);
}

/** The reserved places of a structure that are not zero. */
export function shownReserved(one: Structure): ShownField[] {
  const bytes = one.reserved;
  if (!bytes) return [];
  return one.layout.fields.flatMap((field) => {
    if (field.kind !== "reserved") return [];
    const { name, offset, low, high } = field;
    if (low === 0 && high > 31) {
      const taken = bytes.subarray(offset, offset + (high + 1) / 8);
      return taken.some((byte) => byte !== 0) ? [{ name, value: hexBytes(taken) }] : [];
    }
    const value = Number(readField(field, bytes, 0));
    return value === 0 ? [] : [{ name, value: `0x${value.toString(16)}` }];
  });
}

/** A structure that begins at byte `offset`, and the structures in it. */
export function shownStructure(one: Structure, offset: number): ShownStructure {
  const { layout, rest } = one;
  const fields: ShownField[] = layout.fields.flatMap((field) => {
    if (field.kind === "reserved") return [];
    const value = field.kind === "length" ? sizeOf(one) : one.values[field.name]!;
    return [{ name: field.name, value: shownValue(field, value) }];
  });
  fields.push(...shownReserved(one));
  if (layout.tail) fields.push({ name: layout.tail.name, value: layout.tail.show(rest) });
  else if (rest.length > 0) fields.push({ name: "further bytes", value: hexBytes(rest) });
  const parts = placed(one.parts, offset + layout.bytes);
  return {
    name: layout.name,
    offset,
    fields,
    parts: parts.map((part) => shownStructure(part.structure, part.offset)),
  };
}
