/** Every faulty variant of the VT-d driver. */

import type { DriverVariant } from "../../shared/variant.js";
import { concurrencyVariants } from "./concurrency.js";
import { contextVariants } from "./contexts.js";
import { invalidationVariants } from "./invalidations.js";
import { tableVariants } from "./tables.js";

export const vtdDriverVariants: readonly DriverVariant[] = [
  ...invalidationVariants,
  ...contextVariants,
  ...tableVariants,
  ...concurrencyVariants,
];
