/** Every faulty variant of the VT-d driver. */
import { concurrencyVariants } from "./concurrency.js";
import { contextVariants } from "./contexts.js";
import { invalidationVariants } from "./invalidations.js";
import { tableVariants } from "./tables.js";
import type { DriverVariant } from "./variant.js";

export const vtdDriverVariants: readonly DriverVariant[] = [
  ...invalidationVariants,
  ...contextVariants,
  ...tableVariants,
  ...concurrencyVariants,
];
