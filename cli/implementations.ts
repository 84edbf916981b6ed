/** Implementations by the names users give them. */

import type { IntentGeneratorOptions } from "../generators/intents/generate.js";
import { openExternal } from "../implementations/iommu/external/index.js";
import { ImplementationError, type Iommu } from "../implementations/iommu/interface.js";
import { findQemu, openQemu, qemuProfilesOf } from "../implementations/iommu/qemu/index.js";
import { type Deviation, deviationNamed } from "../implementations/iommu/reference/deviations.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { Architecture } from "../model/architecture.js";
import type { ArchitectureId } from "../model/profile.js";
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

/** How to open an implementation, beside its name. */
export interface OpeningOptions {
  /** Path of QEMU. */
  readonly qemu: string | undefined;
  /** How long a line of a program may be awaited. */
  readonly timeoutMs: number | undefined;
}

const VARIANT = /^reference:(.*)$/;
/** A program that speaks the protocol, as a shell command. */
const PROGRAM = /^exec:(.*)$/s;

/**
 * The architectures, of those asked for, that an implementation is a unit of. A faulty variant of the reference is one of
 * a single architecture; a program says what it is.
 * @throws UsageError when the name is unknown, the program cannot be used, or it is of none of them
 */
export function architecturesOf(
  name: string,
  wanted: readonly Architecture[],
  options: OpeningOptions,
): readonly Architecture[] {
  if (name === "qemu" || name === "reference") return wanted;
  const own = ownArchitecturesOf(name, options);
  const both = wanted.filter((one) => own.includes(one.id));
  if (both.length > 0) return both;
  throw new UsageError(
    `${name} is a unit of ${own.join(", ")}, not of ${wanted.map((one) => one.id).join(", ")}`,
  );
}

function ownArchitecturesOf(name: string, options: OpeningOptions): readonly ArchitectureId[] {
  const command = PROGRAM.exec(name)?.[1];
  if (command !== undefined) {
    const program = openExternal(command, options);
    try {
      return asUsage(() => program.hello().architectures);
    } finally {
      program.close();
    }
  }
  const variant = VARIANT.exec(name)?.[1];
  if (variant !== undefined) return [variantNamed(variant).architecture];
  throw new UsageError(
    `unknown implementation "${name}"; known: reference, reference:VARIANT, qemu (see \`list\`), exec:COMMAND`,
  );
}

/**
 * Opens an implementation as a unit of an architecture. `reference:NAME` is a faulty variant of the reference,
 * `exec:COMMAND` a program that speaks the protocol.
 * @throws UsageError when the name is unknown or the program it stands for cannot be used
 */
export function openNamed(name: string, architecture: Architecture, options: OpeningOptions): OpenedIommu {
  const command = PROGRAM.exec(name)?.[1];
  if (command !== undefined) return openProgram(command, architecture, options);
  architecturesOf(name, [architecture], options);
  if (name === "qemu") return openQemuNamed(options.qemu, architecture);
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

function openProgram(command: string, architecture: Architecture, options: OpeningOptions): OpenedIommu {
  const iommu = openExternal(command, options);
  try {
    const { architectures, profiles } = asUsage(() => iommu.hello());
    if (!architectures.includes(architecture.id))
      throw new UsageError(
        `${iommu.name} is a unit of ${architectures.join(", ")}, not of ${architecture.id}`,
      );
    const own = architecture.profiles.map((one) => one.id);
    const taken = profiles === undefined ? own : own.filter((id) => profiles.includes(id));
    if (taken.length > 0) return { iommu, profiles: taken, known: [], steeringWeight: 20, intents: {} };
    throw new UsageError(
      `${iommu.name} takes none of the profiles of ${architecture.id} (${own.join(", ")}), but ${profiles!.join(", ")}`,
    );
  } catch (error) {
    iommu.close();
    throw error;
  }
}

function openQemuNamed(path: string | undefined, architecture: Architecture): OpenedIommu {
  return asUsage(() => {
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
  });
}

/** An implementation that cannot be used at all is not what was asked for. */
function asUsage<T>(work: () => T): T {
  try {
    return work();
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
