/** Firmware tables of real machines. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FirmwareTables } from "../firmware-table.js";

/** A table that was found in public, and what is wrong with it. */
export interface RealTable {
  readonly machine: string;
  readonly source: string;
  readonly bytes: Uint8Array;
  /** Ids of the rules that the table by itself breaks, sorted. */
  readonly findings: readonly string[];
}

/** The tables with a signature in a folder, one to a line of `dmar.jsonl` or `ivrs.jsonl`; none if it has no such file. */
export function realTables(signature: FirmwareTables["signature"], folder: string): RealTable[] {
  const path = join(folder, `${signature.toLowerCase()}.jsonl`);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => {
    const { machine, source, findings, bytes } = JSON.parse(line);
    return { machine, source, findings, bytes: Uint8Array.from(Buffer.from(bytes, "hex")) };
  });
}
