/** Faulty variants of the driver: each is one small named difference to it. */
import type { DriverFactory } from "../../interface.js";
import { vtdDriverWith } from "../factory.js";
import type { DriverFaults } from "../faults.js";

export interface DriverVariant {
  readonly id: string;
  readonly description: string;
  /** Ids of the invariants it breaks. */
  readonly breaks: readonly string[];
  /** Steps of a smallest counterexample, and why no shorter one shows it. */
  readonly minimum: { readonly steps: number; readonly because: string };
  readonly create: DriverFactory;
}

/** Declares a variant. */
export function variant(
  id: string,
  description: string,
  breaks: readonly string[],
  steps: number,
  because: string,
  faults: DriverFaults,
): DriverVariant {
  return {
    id,
    description,
    breaks,
    minimum: { steps, because },
    create: vtdDriverWith(`vtd:${id}`, faults),
  };
}
