/** Known deviations of QEMU's intel-iommu, by version, each measured and held against the specification. */
import type { KnownDeviation } from "../known-deviation.js";

/** The deviations known of a QEMU version. */
export function qemuDeviations(_version: string): readonly KnownDeviation[] {
  return [];
}
