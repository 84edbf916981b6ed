/** Faulty variants of platform software: each is one small named difference. */
import type { ArchitectureId } from "../../../../model/profile.js";
import type { PlatformFaults } from "../faults.js";
import type { PlatformSoftware } from "../interface.js";
import { platformSoftwareWith } from "../software.js";

export interface PlatformVariant {
  readonly id: string;
  readonly description: string;
  /** Ids of the invariants it breaks. */
  readonly breaks: readonly string[];
  /** Where it was published; none for one that was made up. */
  readonly sources: readonly string[];
  /** Steps of a smallest counterexample, and why no shorter one shows it. */
  readonly minimum: { readonly steps: number; readonly because: string };
  readonly faults: PlatformFaults;
  readonly software: PlatformSoftware;
}

/** Declares a variant of the software of an architecture. */
export type Declare = (
  id: string,
  description: string,
  breaks: readonly string[],
  steps: number,
  because: string,
  faults: PlatformFaults,
  sources?: readonly string[],
) => PlatformVariant;

/** A function that declares variants for an architecture. */
export function declaring(architecture: ArchitectureId): Declare {
  return (id, description, breaks, steps, because, faults, sources = []) => ({
    id,
    description,
    breaks,
    sources,
    minimum: { steps, because },
    faults,
    software: platformSoftwareWith(architecture, faults),
  });
}
