/** Mutants that nothing can tell from the model, each with the reason: a data file, so that a report can leave them out. */
import { readFileSync } from "node:fs";
import { isLeft } from "fp-ts/lib/Either.js";
import * as t from "io-ts";
import type { Mutant } from "./mutants.js";

const Equivalent = t.intersection([
  t.strict({ file: t.string, original: t.string, replacement: t.string, reason: t.string }),
  t.partial({ occurrence: t.number }),
]);
export type Equivalent = t.TypeOf<typeof Equivalent>;

const FILE = "bench/mutation/equivalent.json";

/**
 * The mutants known to be equivalent.
 * @throws {Error} when the data file does not fit its format
 */
export function equivalents(): readonly Equivalent[] {
  const decoded = t.array(Equivalent).decode(JSON.parse(readFileSync(FILE, "utf8")));
  if (isLeft(decoded)) throw new Error(`${FILE}: not a list of mutants with reasons`);
  return decoded.right;
}

/** What a mutant is known by. An entry without an occurrence speaks of the first. */
export function keyOf({ file, original, replacement, occurrence }: Equivalent | Mutant): string {
  return JSON.stringify([file, original, replacement, occurrence ?? 1]);
}
