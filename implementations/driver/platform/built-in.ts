/** The built-in platform software, each with its faulty variants. */
import type { ArchitectureId } from "../../../model/profile.js";
import type { PlatformSoftware } from "./interface.js";
import { platformSoftwareWith } from "./software.js";
import { platformVariantsOf } from "./variants/index.js";
import type { PlatformVariant } from "./variants/variant.js";

export type { PlatformVariant } from "./variants/variant.js";

export interface BuiltInPlatformSoftware {
  readonly architecture: ArchitectureId;
  readonly name: string;
  /** The correct software. */
  readonly software: PlatformSoftware;
  readonly variants: readonly PlatformVariant[];
}

function builtIn(architecture: ArchitectureId): BuiltInPlatformSoftware {
  return {
    architecture,
    name: `${architecture}-platform`,
    software: platformSoftwareWith(architecture, {}),
    variants: platformVariantsOf(architecture),
  };
}

export const platformSoftware: readonly BuiltInPlatformSoftware[] = [builtIn("vtd"), builtIn("amdvi")];
