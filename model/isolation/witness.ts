/** The text of a witness. */
import type { Witness } from "./exposure.js";

/** One line for each entry of the chain, and one for each thing that keeps an old value in use. */
export function describeWitness(witness: Witness): string[] {
  return witness.links.map((link) => link.name);
}
