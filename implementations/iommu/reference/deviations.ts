/** Faulty variants of the reference IOMMU: each is one small named difference to it. */
import { type AmdViDeviation, amdViDeviations } from "./amdvi/deviations.js";
import { type VtdDeviation, vtdDeviations } from "./vtd/deviations.js";

export type Deviation = VtdDeviation | AmdViDeviation;

/** Those of every architecture. */
export const deviations: readonly Deviation[] = [...vtdDeviations, ...amdViDeviations];

/** The variant of that id. @throws RangeError naming the known ones */
export function deviationNamed(id: string): Deviation {
  const found = deviations.find((one) => one.id === id);
  if (!found)
    throw new RangeError(
      `unknown faulty variant "${id}"; known: ${deviations.map((one) => one.id).join(", ")}`,
    );
  return found;
}
