/** Firmware tables from files: binary as they are, or as the hex dumps that tools print. */
import { UsageError } from "./errors.js";

/** A row of a dump: an address with a colon, or as `hexdump -C` has it, then bytes, then perhaps the same as characters. */
const ROW = /^\s*(?:[0-9a-f]+:|[0-9a-f]{8} )\s+((?:[0-9a-f]{2} {0,2}){1,16})(?:\s.*)?$/i;
const PLAIN = /^[0-9a-fx,{}\s;]+$/i;
/** acpidump: the name and address of a table, its rows up to an empty line. */
const HEADING = /^(\w{4}) @ 0x[0-9a-f]+\s*$/i;

/**
 * The bytes of a table with that signature. Text may be a dump of one table (`xxd`, `hexdump -C`, `iasl` raw data), the
 * output of `acpidump` with more than one, or nothing but hex digits.
 * @throws UsageError naming the file when no bytes can be told
 */
export function tableBytes(content: Uint8Array, signature: string, file: string): Uint8Array {
  const text = Buffer.from(content).toString("latin1");
  if (text.startsWith(signature)) return content;
  const bytes = fromText(section(text, signature));
  if (bytes.length > 0) return bytes;
  throw new UsageError(
    `${file} is no ${signature}: expected its bytes, or a hex dump such as \`acpidump\` or \`xxd\` print`,
  );
}

/** The lines of one table, where there are several. */
function section(text: string, signature: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => HEADING.exec(line)?.[1] === signature);
  if (start < 0) return lines.some((line) => HEADING.test(line)) ? [] : lines;
  const end = lines.findIndex((line, index) => index > start && line.trim() === "");
  return lines.slice(start + 1, end < 0 ? lines.length : end);
}

/** The bytes of the rows of a dump, each with its address in front; none where no line is one. */
export function dumpedBytes(lines: readonly string[]): Uint8Array {
  const rows = lines.map((line) => ROW.exec(line)?.[1]).filter((row) => row !== undefined);
  return Uint8Array.from(rows.flatMap(pairs));
}

function fromText(lines: readonly string[]): Uint8Array {
  const dumped = dumpedBytes(lines);
  if (dumped.length > 0) return dumped;
  const text = lines.join(" ");
  return PLAIN.test(text) ? Uint8Array.from(pairs(text.replaceAll(/0x|[{},;]/gi, " "))) : new Uint8Array();
}

function pairs(text: string): number[] {
  const digits = text.replaceAll(/\s+/g, "");
  return (digits.match(/[0-9a-f]{2}/gi) ?? []).map((pair) => Number.parseInt(pair, 16));
}
