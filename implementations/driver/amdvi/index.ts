/** The AMD-Vi driver, and its faulty variants. */
import type { DriverFactory } from "../interface.js";
import { driverNamed } from "../shared/variant.js";
import { amdViDriverWith } from "./factory.js";
import { amdViDriverVariants } from "./variants/index.js";

export type { AmdViFaults } from "./faults.js";
export { amdViDriverVariants } from "./variants/index.js";

/** The correct driver. */
export const amdViDriver: DriverFactory = amdViDriverWith("amdvi", {});

/** The correct driver as `amdvi`, or the faulty variant of that id. @throws RangeError naming the known ones */
export function amdViDriverNamed(id: string): DriverFactory {
  return driverNamed(id, "amdvi", amdViDriver, amdViDriverVariants);
}
