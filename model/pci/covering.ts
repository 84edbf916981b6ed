/** Which remapping unit translates the requests of a function. */
import { functionNamed } from "./functions.js";
import type { FirmwarePlatform, RemappingUnit } from "./platform.js";

/**
 * The unit that covers the function by its name, its physical function's, or that of a bridge above, the nearest before the
 * others; else the one of its segment that covers the rest. Null for a device behind no IOMMU, and for an unknown name.
 */
export function unitCovering(platform: FirmwarePlatform, name: string): RemappingUnit | null {
  const one = functionNamed(platform.topology, name);
  if (one === undefined) return null;
  const units = platform.units.filter((unit) => unit.segment === one.segment);
  const bridges = one.above.map((bridge) => bridge.name).reverse();
  for (const named of [name, one.physical, ...bridges])
    if (named !== null) {
      const unit = units.find(({ covers }) => covers !== "rest" && covers.includes(named));
      if (unit !== undefined) return unit;
    }
  return units.find(({ covers }) => covers === "rest") ?? null;
}
