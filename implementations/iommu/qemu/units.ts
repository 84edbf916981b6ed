/** The kinds of IOMMU that QEMU has. */
import type { ArchitectureId } from "../../../model/profile.js";
import { amdViKind } from "./amdvi/unit.js";
import type { UnitKind } from "./unit.js";
import { vtdKind } from "./vtd/unit.js";

const kinds: Readonly<Record<ArchitectureId, UnitKind>> = { vtd: vtdKind, amdvi: amdViKind };

/** The kind of IOMMU that an architecture has in QEMU. */
export function kindOf(architecture: ArchitectureId): UnitKind {
  return kinds[architecture];
}

/** The profiles of every architecture that a version of QEMU can take. */
export function qemuProfilesOf(version: string): readonly string[] {
  return Object.values(kinds).flatMap((kind) => kind.profilesOf(version));
}
