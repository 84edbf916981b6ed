/** What generators need to know of a platform to stay near its limits, on both sides. */
import { platformOf } from "../model/vtd/profile.js";
import { profileNamed } from "../model/vtd/profiles.js";
import type { PageSize } from "./places.js";

export interface PlatformFacts {
  /** Numbers of second-stage levels that it supports. */
  readonly levels: readonly number[];
  readonly sizes: readonly PageSize[];
  readonly largestDomainId: number;
  readonly queue: boolean;
  readonly registers: boolean;
  readonly passThrough: boolean;
  readonly deviceTlb: boolean;
  /** First page beyond each width that some platform has, its own twice as likely. */
  readonly pageLimits: readonly number[];
}

const WIDTHS = [36, 39, 42, 46, 48, 52, 57];
const known = new Map<string, PlatformFacts>();

/** The facts of a profile. @throws RangeError naming the known profiles */
export function factsOf(profile: string): PlatformFacts {
  let facts = known.get(profile);
  if (!facts) {
    facts = readFacts(profile);
    known.set(profile, facts);
  }
  return facts;
}

function readFacts(profile: string): PlatformFacts {
  const platform = platformOf(profileNamed(profile));
  const sizes: PageSize[] = ["4K"];
  if (platform.superpages2M) sizes.push("2M");
  if (platform.superpages1G) sizes.push("1G");
  return {
    levels: [3, 4, 5].filter((one) => (platform.supportedLevels >>> one) & 1),
    sizes,
    largestDomainId: 2 ** platform.domainIdBits - 1,
    queue: platform.queuedInvalidation,
    registers: platform.registerInvalidation,
    passThrough: platform.passThrough,
    deviceTlb: platform.deviceTlb,
    pageLimits: [...WIDTHS, platform.hostAddressWidth].map((width) => 2 ** (width - 12)),
  };
}
