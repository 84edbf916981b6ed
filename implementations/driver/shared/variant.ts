/** Faulty variants of a driver: each is one small named difference to it. */
import type { DriverFactory } from "../interface.js";

export interface DriverVariant {
  readonly id: string;
  readonly description: string;
  /** Ids of the invariants it breaks. */
  readonly breaks: readonly string[];
  /** Where it was published; none for one that was made up. */
  readonly sources: readonly string[];
  /** Steps of a smallest counterexample, and why no shorter one shows it. */
  readonly minimum: { readonly steps: number; readonly because: string };
  /** What its driver is told to do differently. */
  readonly faults: object;
  readonly create: DriverFactory;
}

/** A function that declares variants of the driver `name`, which `driverWith` makes from what is wrong with it. */
export function variantsOf<Faults extends object>(
  name: string,
  driverWith: (name: string, faults: Faults) => DriverFactory,
) {
  return (
    id: string,
    description: string,
    breaks: readonly string[],
    steps: number,
    because: string,
    faults: Faults,
    sources: readonly string[] = [],
  ): DriverVariant => ({
    id,
    description,
    breaks,
    sources,
    minimum: { steps, because },
    faults,
    create: driverWith(`${name}:${id}`, faults),
  });
}

/** The correct driver by its own name, or the faulty variant of that id. @throws RangeError naming the known ones */
export function driverNamed(
  id: string,
  name: string,
  correct: DriverFactory,
  variants: readonly DriverVariant[],
): DriverFactory {
  if (id === name) return correct;
  const found = variants.find((one) => one.id === id);
  if (!found) {
    const known = [name, ...variants.map((one) => one.id)];
    throw new RangeError(`unknown driver "${id}"; known: ${known.join(", ")}`);
  }
  return found.create;
}
