/** Tables on standard output. */
import type { Row } from "./row.js";

/** Prints rows below their columns, figures to the right. */
export function print(title: string, columns: Row, rows: readonly Row[]): void {
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => row[at]!.length)));
  const line = (row: Row) =>
    row
      .map((cell, at) => (at === 0 || at === 3 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join("  ")
      .trimEnd();
  console.log(`${title}\n`);
  for (const row of [columns, ...rows]) console.log(`  ${line(row)}`);
  console.log("");
}
