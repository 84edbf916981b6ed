/** Every faulty variant of the AMD-Vi driver. */
import type { DriverVariant } from "../../shared/variant.js";
import { commandVariants } from "./commands.js";
import { concurrencyVariants } from "./concurrency.js";
import { deviceTableVariants } from "./device-table.js";
import { pageTableVariants } from "./page-tables.js";

export const amdViDriverVariants: readonly DriverVariant[] = [
  ...commandVariants,
  ...deviceTableVariants,
  ...pageTableVariants,
  ...concurrencyVariants,
];
