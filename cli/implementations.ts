/** Implementations by the names users give them. */

import type { IntentGeneratorOptions } from "../generators/intents/generate.js";
import { ImplementationError, type Iommu } from "../implementations/iommu/interface.js";
import { findQemu, openQemu, qemuProfilesOf } from "../implementations/iommu/qemu/index.js";
import { type Deviation, deviationNamed } from "../implementations/iommu/reference/deviations.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { Architecture } from "../model/architecture.js";
import type { KnownDeviation } from "../properties/known-deviation.js";
import { qemuDeviations } from "../properties/qemu-deviations.js";
import { UsageError } from "./errors.js";

export interface OpenedIommu {
  readonly iommu: Iommu;
  /** Profiles of the architecture that it can take. */
  readonly profiles: readonly string[];
  readonly known: readonly KnownDeviation[];
  /** How rarely its scenarios should move the root table or switch translation: chances in 256. */
  readonly steeringWeight: number;
  /** What scenarios for drivers are limited to. */
  readonly intents: Partial<IntentGeneratorOptions>;
}

const VARIANT = /^reference:(.*)$/;

/**
 * The architectures, of those asked for, that an implementation is a unit of. A faulty variant of the reference is one of
 * a single architecture.
 * @throws UsageError when the name is unknown, or it is of none of them
 */
export function architecturesOf(name: string, wanted: readonly Architecture[]): readonly Architecture[] {
  if (name === "qemu" || name === "reference") return wanted;
  const variant = VARIANT.exec(name)?.[1];
  if (variant === undefined) {
    throw new UsageError(
      `unknown implementation "${name}"; known: reference, reference:VARIANT, qemu (see \`list\`)`,
    );
  }
  const { architecture } = variantNamed(variant);
  const own = wanted.find((one) => one.id === architecture);
  if (own) return [own];
  throw new UsageError(
    `${name} is a unit of ${architecture}, not of ${wanted.map((one) => one.id).join(", ")}`,
  );
}

/**
 * Opens an implementation as a unit of an architecture. `reference:NAME` is a faulty variant of the reference.
 * @throws UsageError when the name is unknown or the program it stands for cannot be used
 */
export function openNamed(
  name: string,
  architecture: Architecture,
  qemuPath: string | undefined,
): OpenedIommu {
  architecturesOf(name, [architecture]);
  if (name === "qemu") return openQemuNamed(qemuPath, architecture);
  const variant = name === "reference" ? null : variantNamed(VARIANT.exec(name)![1]!);
  const profiles = architecture.profiles.map((one) => one.id);
  return { iommu: new ReferenceIommu(variant), profiles, known: [], steeringWeight: 20, intents: {} };
}

function variantNamed(id: string): Deviation {
  try {
    return deviationNamed(id);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function openQemuNamed(path: string | undefined, architecture: Architecture): OpenedIommu {
  try {
    const { version, path: found } = findQemu(path);
    const iommu = openQemu({ path: found });
    return {
      iommu,
      profiles: qemuProfilesOf(version).filter((id) => architecture.profiles.some((one) => one.id === id)),
      known: qemuDeviations(version, architecture.id),
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
