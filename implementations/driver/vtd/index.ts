/** The VT-d driver, and its faulty variants. */
import type { DriverFactory } from "../interface.js";
import { vtdDriverWith } from "./factory.js";
import { vtdDriverVariants } from "./variants/index.js";

export type { DriverFaults } from "./faults.js";
export { vtdDriverVariants } from "./variants/index.js";
export type { DriverVariant } from "./variants/variant.js";

/** The correct driver. */
export const vtdDriver: DriverFactory = vtdDriverWith("vtd", {});

/** The correct driver as `vtd`, or the faulty variant of that id. @throws RangeError naming the known ones */
export function vtdDriverNamed(id: string): DriverFactory {
  if (id === "vtd") return vtdDriver;
  const found = vtdDriverVariants.find((one) => one.id === id);
  if (!found) {
    const known = ["vtd", ...vtdDriverVariants.map((one) => one.id)];
    throw new RangeError(`unknown driver "${id}"; known: ${known.join(", ")}`);
  }
  return found.create;
}
