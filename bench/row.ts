/** Lines of the tables that are printed. */

export type Row = readonly [what: string, figure: string, ratio: string, target: string];

/** A number for readers: small ones with one decimal. */
export function rounded(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });
}

/** The middle one of the values. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >>> 1]!;
}
