/** What generators need to know of a VT-d platform. */
import { platformOf } from "../../model/vtd/profile.js";
import { profileNamed } from "../../model/vtd/profiles.js";
import { PAGES_OF_SIZE } from "../places.js";
import type { InvalidationInterface, PlatformFacts } from "../platform-facts.js";
import { remembered } from "../remembered.js";

export interface VtdFacts extends PlatformFacts {
  readonly queue: boolean;
  readonly registers: boolean;
  readonly passThrough: boolean;
  readonly deviceTlb: boolean;
  /** The regions of memory that can be protected. */
  readonly protectedRegions: readonly ("low" | "high")[];
}

const WIDTHS = [36, 39, 42, 46, 48, 52, 57];

/** The facts of a profile. @throws RangeError naming the known profiles */
export const vtdFacts = remembered((profile: string): VtdFacts => {
  const platform = platformOf(profileNamed(profile));
  const { queuedInvalidation: queue, registerInvalidation: registers } = platform;
  const sizes: number[] = [PAGES_OF_SIZE["4K"]];
  if (platform.superpages2M) sizes.push(PAGES_OF_SIZE["2M"]);
  if (platform.superpages1G) sizes.push(PAGES_OF_SIZE["1G"]);
  const interfaces: InvalidationInterface[] = [];
  if (queue) interfaces.push("queue");
  if (registers) interfaces.push("registers");
  return {
    levels: [3, 4, 5].filter((one) => (platform.supportedLevels >>> one) & 1),
    sizes,
    largestDomainId: 2 ** platform.domainIdBits - 1,
    interfaces,
    queue,
    registers,
    passThrough: platform.passThrough,
    deviceTlb: platform.deviceTlb,
    protectedRegions: [
      ...(platform.protectsLow ? (["low"] as const) : []),
      ...(platform.protectsHigh ? (["high"] as const) : []),
    ],
    pageLimits: [...WIDTHS, platform.hostAddressWidth].map((width) => 2 ** (width - 12)),
  };
});
