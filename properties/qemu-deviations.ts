/** Known deviations of QEMU's IOMMUs: one line for each architecture. */
import type { ArchitectureId } from "../model/profile.js";
import type { KnownDeviation } from "./known-deviation.js";
import { qemuAmdViDeviations } from "./qemu-amdvi-deviations.js";
import { qemuVtdDeviations } from "./qemu-vtd-deviations.js";

const deviations: Readonly<Record<ArchitectureId, readonly KnownDeviation[]>> = {
  vtd: qemuVtdDeviations,
  amdvi: qemuAmdViDeviations,
};

/** The deviations known of the IOMMU that a QEMU version has for an architecture. */
export function qemuDeviations(version: string, architecture: ArchitectureId): readonly KnownDeviation[] {
  return deviations[architecture].filter((one) =>
    one.versions.some((prefix) => version.startsWith(`${prefix}.`) || version === prefix),
  );
}
