/** The platforms that scenarios for drivers are drawn from where nothing else is asked for. */
import type { ArchitectureId } from "../model/profile.js";

/**
 * One for each way in which drivers have to differ: with more of them, each fault would need more runs to be found. On all
 * others drivers and the reference are run by properties/profiles.property.ts.
 */
export const profilesDrawn: Readonly<Record<ArchitectureId, readonly string[]>> = {
  vtd: [
    "qemu-39",
    "qemu-48",
    "qemu-48-caching-mode",
    "qemu-39-esrtps",
    "qemu-48-esrtps",
    "qemu-48-caching-mode-esrtps",
    "gm45",
    "ivy-bridge",
    "skylake-sp",
    "sapphire-rapids",
  ],
  amdvi: [
    "amd-qemu",
    "family-15h",
    "zen1",
    "matisse",
    "cezanne",
    "raphael",
    "milan",
    "genoa",
    "zen1-np-cache",
    // Twice: it is the only one on which lines have to be written back.
    "family-15h-non-coherent",
    "family-15h-non-coherent",
  ],
};
