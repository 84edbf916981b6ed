/** What generators need to know of an AMD-Vi platform. */
import { type AmdViPlatform, platformOf } from "../../model/amdvi/profile.js";
import { profileNamed } from "../../model/amdvi/profiles.js";
import { PAGES_OF_SIZE, type PageSize } from "../places.js";
import type { PlatformFacts } from "../platform-facts.js";
import { remembered } from "../remembered.js";

export interface AmdViFacts extends PlatformFacts {
  readonly hostLevels: number;
}

/** Widths of tables by their number of levels (2.2.3), the highest apart: nothing is beyond it. */
const WIDTHS = [21, 30, 39, 48, 57];
/** The addresses before 2^40 are HyperTransport ranges, most of which the model says nothing of. */
const HYPERTRANSPORT_WIDTH = 40;
const LARGEST_DOMAIN_ID = 0xffff;
/** Sizes of each kind: of one entry or of several, at every level; the more entries, the more stores, the seldomer. */
const SIZES: readonly PageSize[] = [
  ...(["4K", "8K", "8K", "16K", "64K", "128K", "1M"] as const),
  ...(["2M", "2M", "2M", "4M", "4M", "32M"] as const),
  ...(["1G", "1G", "2G"] as const),
];

/** The platform of a profile. @throws RangeError naming the known profiles */
export const amdViPlatform = remembered(
  (profile: string): AmdViPlatform => platformOf(profileNamed(profile)),
);

/** The facts of a profile. @throws RangeError naming the known profiles */
export const amdViFacts = remembered((profile: string): AmdViFacts => {
  const { hostLevels, hostAddressWidth } = amdViPlatform(profile);
  return {
    levels: Array.from({ length: hostLevels }, (_, index) => index + 1),
    sizes: SIZES.map((size) => PAGES_OF_SIZE[size]),
    largestDomainId: LARGEST_DOMAIN_ID,
    interfaces: ["queue"],
    pageLimits: [...WIDTHS, hostAddressWidth]
      .filter((width) => width !== HYPERTRANSPORT_WIDTH)
      .map((width) => 2 ** (width - 12)),
    hostLevels,
  };
});
