/** Platform software of an architecture, correct or with something wrong with it. */
import type { ArchitectureId } from "../../../model/profile.js";
import { nestedEntries } from "../amdvi/guest-entries.js";
import { AmdViPlatformUnit } from "../amdvi/platform-unit.js";
import { eptEntries } from "../vtd/guest-entries.js";
import { VtdPlatformUnit } from "../vtd/platform-unit.js";
import { SharedPlatformDriver } from "./driver.js";
import type { PlatformFaults } from "./faults.js";
import { SharedFirmware } from "./firmware.js";
import type { PlatformSoftware } from "./interface.js";
import type { PlatformParts } from "./unit.js";

const PARTS: Readonly<Record<ArchitectureId, PlatformParts>> = {
  vtd: {
    createUnit: (setup, faults) => new VtdPlatformUnit(setup, faults),
    guestEntries: eptEntries,
  },
  amdvi: {
    createUnit: (setup, faults) => new AmdViPlatformUnit(setup, faults),
    guestEntries: nestedEntries,
  },
};

/** What platform software needs of an architecture. */
export function platformPartsOf(architecture: ArchitectureId): PlatformParts {
  return PARTS[architecture];
}

/** Platform software with these faults, which are those of its operating systems; none for the correct one. */
export function platformSoftwareWith(architecture: ArchitectureId, faults: PlatformFaults): PlatformSoftware {
  const parts = platformPartsOf(architecture);
  return {
    createFirmware: (setup) => new SharedFirmware(setup, parts, {}),
    createDriver: (setup) => new SharedPlatformDriver(setup, parts, faults),
  };
}
