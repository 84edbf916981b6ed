/** The built-in drivers, each with its faulty variants: one line for each architecture. */
import type { ArchitectureId } from "../../model/profile.js";
import { amdViDriver, amdViDriverVariants } from "./amdvi/index.js";
import type { DriverFactory } from "./interface.js";
import type { DriverVariant } from "./shared/variant.js";
import { vtdDriver, vtdDriverVariants } from "./vtd/index.js";

export interface BuiltInDriver {
  readonly architecture: ArchitectureId;
  /** The correct driver. */
  readonly create: DriverFactory;
  readonly variants: readonly DriverVariant[];
}

export const builtInDrivers: readonly BuiltInDriver[] = [
  { architecture: "vtd", create: vtdDriver, variants: vtdDriverVariants },
  { architecture: "amdvi", create: amdViDriver, variants: amdViDriverVariants },
];

/** The built-in driver of an architecture. */
export function builtInDriverOf(architecture: ArchitectureId): BuiltInDriver {
  return builtInDrivers.find((one) => one.architecture === architecture)!;
}
