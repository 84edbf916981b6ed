/** Implementations by the names users give them. */

import type { IntentGeneratorOptions } from "../generators/intents/generate.js";
import { ImplementationError, type Iommu } from "../implementations/iommu/interface.js";
import { findQemu, openQemu, qemuProfilesOf } from "../implementations/iommu/qemu/index.js";
import { deviationNamed } from "../implementations/iommu/reference/deviations.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { profiles } from "../model/vtd/profiles.js";
import type { KnownDeviation } from "../properties/known-deviation.js";
import { qemuDeviations } from "../properties/qemu-deviations.js";
import { UsageError } from "./errors.js";

export interface OpenedIommu {
  readonly iommu: Iommu;
  /** Profiles it can take. */
  readonly profiles: readonly string[];
  readonly known: readonly KnownDeviation[];
  /** How rarely its scenarios should move the root table or switch translation: chances in 256. */
  readonly steeringWeight: number;
  /** What scenarios for drivers are limited to. */
  readonly intents: Partial<IntentGeneratorOptions>;
}

/**
 * Opens an implementation. `reference:NAME` is a faulty variant of the reference.
 * @throws UsageError when the name is unknown or the program it stands for cannot be used
 */
export function openNamed(name: string, qemuPath: string | undefined): OpenedIommu {
  if (name === "qemu") return openQemuNamed(qemuPath);
  const [base, variant] = name.split(":");
  if (base !== "reference") {
    throw new UsageError(
      `unknown implementation "${name}"; known: reference, reference:VARIANT, qemu (see \`list\`)`,
    );
  }
  const iommu = new ReferenceIommu(variant === undefined ? null : variantNamed(variant));
  return { iommu, profiles: profiles.map((one) => one.id), known: [], steeringWeight: 20, intents: {} };
}

function variantNamed(id: string): ReturnType<typeof deviationNamed> {
  try {
    return deviationNamed(id);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function openQemuNamed(path: string | undefined): OpenedIommu {
  try {
    const { version, path: found } = findQemu(path);
    const iommu = openQemu({ path: found });
    return {
      iommu,
      profiles: qemuProfilesOf(version),
      known: qemuDeviations(version),
      steeringWeight: 4,
      // Another set of devices is another process, and switching translation takes milliseconds.
      intents: { topologies: ["flat"], aliasWeight: 0, resetWeight: 2 },
    };
  } catch (error) {
    if (error instanceof ImplementationError) throw new UsageError(error.message);
    throw error;
  }
}

/** True when some QEMU can be used; else why not. */
export function qemuAvailable(path: string | undefined): { available: boolean; reason: string } {
  try {
    findQemu(path);
    return { available: true, reason: "" };
  } catch (error) {
    if (error instanceof ImplementationError) return { available: false, reason: error.message };
    throw error;
  }
}
