/** What all system description tables begin with (ACPI 5.2.6), and tables as a whole. */
import { number, type TableField, text, type Values } from "./fields.js";
import {
  declare,
  readStructure,
  type Structure,
  type StructureLayout,
  type StructureOf,
  sizeOf,
  writeStructure,
} from "./structure.js";

const hex = (value: number) => `0x${value.toString(16)}`;

/** The fields of the header, for the layouts of tables. */
export const headerFields = [
  text("signature", 0, 4, "which table it is"),
  number("tableLength", 4, 4, "bytes in the table"),
  number("revision", 8, 1, "of the table's form"),
  number("checksum", 9, 1, "makes the sum of all bytes zero"),
  text("oemId", 10, 6, "who made the machine"),
  text("oemTableId", 16, 8, "the maker's name of the table"),
  number("oemRevision", 24, 4, "the maker's revision of the table", hex),
  text("creatorId", 28, 4, "who made the program that made the table"),
  number("creatorRevision", 32, 4, "of that program", hex),
] as const satisfies readonly TableField[];

export type HeaderValues = Values<typeof headerFields>;

/** The layout of what ends before the fixed part of a table does. */
export const fragment = declare("fragment", "ACPI 5.2.6", [], []);

/**
 * Reads a table of that layout: structures up to the length that the header tells, further bytes in the table's rest. What
 * is too short to be a table is a {@link fragment}.
 */
export function readTable<Layout extends StructureLayout>(
  layout: Layout,
  bytes: Uint8Array,
): StructureOf<Layout> | StructureOf<typeof fragment>;
export function readTable(layout: StructureLayout, bytes: Uint8Array): Structure {
  if (bytes.length < layout.bytes) return readStructure(fragment, bytes, 0, bytes.length);
  return readStructure(layout, bytes, 0, bytes.length, Math.min(statedLength(bytes), bytes.length));
}

/** The length that a header tells; 0 if there are too few bytes. */
export function statedLength(bytes: Uint8Array): number {
  return bytes.length < 8 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
}

/** The sum of the bytes modulo 256; 0 for a table with its checksum. */
export function sumOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum + byte) & 255, 0);
}

/** The bytes with the checksum made right. Of a table that its header tells to be shorter, only that much counts. */
export function withChecksum(bytes: Uint8Array): Uint8Array {
  const sealed = bytes.slice();
  if (sealed.length < 10) return sealed;
  sealed[9] = 0;
  sealed[9] = -sumOf(sealed.subarray(0, statedLength(sealed))) & 255;
  return sealed;
}

/** A table that says its true length, in bytes and with its checksum. */
export function bytesOfTable(table: Structure): Uint8Array {
  const values = { ...table.values, tableLength: sizeOf(table), checksum: 0 };
  return withChecksum(writeStructure({ ...table, values }));
}
