/**
 * The script by which QEMU tells firmware how to put ACPI tables together (`etc/table-loader`): of its commands only the
 * one that makes a checksum matters to tables without pointers, and it tells where each table is.
 */
import { text } from "./firmware-files.js";

const COMMAND_BYTES = 128;
const FILE_BYTES = 56;
const ADD_CHECKSUM = 3;
/** Behind the command code and the name of the file. */
const PLACE_AT = 4 + FILE_BYTES;

/** The tables in a file, in their order, each with its checksum made. */
export function tablesOf(file: Uint8Array, fileName: string, script: Uint8Array): Uint8Array[] {
  const view = new DataView(script.buffer, script.byteOffset, script.byteLength);
  const tables: Uint8Array[] = [];
  for (let at = 0; at + COMMAND_BYTES <= script.length; at += COMMAND_BYTES) {
    if (view.getUint32(at, true) !== ADD_CHECKSUM) continue;
    if (text(script.subarray(at + 4, at + PLACE_AT)) !== fileName) continue;
    const [offset, start, length] = [0, 4, 8].map((one) => view.getUint32(at + PLACE_AT + one, true)) as [
      number,
      number,
      number,
    ];
    const table = file.slice(start, start + length);
    const sum = table.reduce((total, byte) => total + byte, 0);
    table[offset - start]! -= sum;
    tables.push(table);
  }
  return tables;
}

/** The first four bytes of a table. */
export function signatureOf(table: Uint8Array): string {
  return text(table.subarray(0, 4));
}
