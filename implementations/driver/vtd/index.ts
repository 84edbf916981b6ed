/** The VT-d driver, and its faulty variants. */
import type { DriverFactory } from "../interface.js";
import { driverNamed } from "../shared/variant.js";
import { vtdDriverWith } from "./factory.js";
import { vtdDriverVariants } from "./variants/index.js";

export type { DriverVariant } from "../shared/variant.js";
export type { DriverFaults } from "./faults.js";
export { vtdDriverVariants } from "./variants/index.js";

/** The correct driver. */
export const vtdDriver: DriverFactory = vtdDriverWith("vtd", {});

/** The correct driver as `vtd`, or the faulty variant of that id. @throws RangeError naming the known ones */
export function vtdDriverNamed(id: string): DriverFactory {
  return driverNamed(id, "vtd", vtdDriver, vtdDriverVariants);
}
