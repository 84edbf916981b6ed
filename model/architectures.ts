/** The architectures that the suite knows: one line each. */
import { amdvi } from "./amdvi/index.js";
import type { Architecture } from "./architecture.js";
import type { Profile } from "./profile.js";
import { vtd } from "./vtd/index.js";

export const architectures: readonly Architecture[] = [vtd, amdvi];

/** The architecture of a profile. */
export function architectureOf(profile: Profile): Architecture {
  return architectures.find((one) => one.id === profile.architecture)!;
}

/** Every platform of every architecture. */
export const allProfiles: readonly Profile[] = architectures.flatMap((one) => one.profiles);

/** The platform of that id, of whatever architecture. @throws RangeError naming those there are */
export function platformNamed(id: string): Profile {
  const found = allProfiles.find((one) => one.id === id);
  if (!found) {
    const known = allProfiles.map((one) => one.id).join(", ");
    throw new RangeError(`unknown profile "${id}"; known: ${known}`);
  }
  return found;
}
