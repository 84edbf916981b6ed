/** Every faulty variant of platform software. */
import type { ArchitectureId } from "../../../../model/profile.js";
import { containmentVariants } from "./containment.js";
import { guestVariants } from "./guests.js";
import { exclusionVariants, handOverVariants, registerVariants } from "./hand-over.js";
import { requesterVariants } from "./requesters.js";
import { memoryBlockVariants, reservedVariants } from "./reserved.js";
import { type Declare, declaring, type PlatformVariant } from "./variant.js";

const SHARED: readonly ((variant: Declare) => PlatformVariant[])[] = [
  reservedVariants,
  requesterVariants,
  handOverVariants,
  containmentVariants,
  guestVariants,
];

const OWN: Readonly<Record<ArchitectureId, (variant: Declare) => PlatformVariant[]>> = {
  vtd: registerVariants,
  amdvi: (variant) => [...memoryBlockVariants(variant), ...exclusionVariants(variant)],
};

/** The faulty variants of the software of an architecture. */
export function platformVariantsOf(architecture: ArchitectureId): PlatformVariant[] {
  const variant = declaring(architecture);
  return [...SHARED, OWN[architecture]].flatMap((variants) => variants(variant));
}
