/** Platform profiles: the registers and habits that tell one VT-d implementation from another. */

import type { Profile } from "../profile.js";
import type { Word } from "../trace.js";
import { decode } from "../words/layout.js";
import type { StoreVisibility } from "../words/memory.js";
import { capabilityLayout, extendedCapabilityLayout } from "./capabilities.js";

/** How an IOTLB entry is found. Rev 5 says by source id; older revisions and many implementations use the domain id. */
export type IotlbLookup = "source-id" | "domain-id" | "either";

/** A platform as data: what its registers read and where it departs from the common reading. */
export interface PlatformProfile extends Profile {
  readonly architecture: "vtd";
  /** VER_REG: architecture version. */
  readonly version: { readonly major: number; readonly minor: number };
  readonly capability: Word;
  readonly extendedCapability: Word;
  readonly iotlbLookup: IotlbLookup;
  /** Faults on second-stage entries whose ignored bits are not zero, as an Ivy Bridge was seen to do. */
  readonly ignoredBitsChecked: boolean;
  /** Number of low address bits that the protected memory registers do not have (N + 1 in 11.4.8); 21 where nothing is said. */
  readonly protectedMemoryAlignment?: number;
  /** Keeps requests through tables out of protected memory too, as every unit from major version 2 on does. */
  readonly protectsTranslated?: true;
}

/** A profile as one of VT-d. @throws RangeError when it is of another architecture */
export function vtdProfile(profile: Profile): PlatformProfile {
  if (profile.architecture !== "vtd") throw new RangeError(`${profile.id} is not a VT-d platform`);
  return profile as PlatformProfile;
}

/** A profile with its capability fields decoded, ready for use by the model. */
export interface Platform {
  readonly profile: PlatformProfile;
  readonly hostAddressWidth: number;
  readonly majorVersion: number;
  readonly domainIdBits: number;
  /** Second-stage levels that may be programmed, as a bit set: bit 3, 4 or 5. */
  readonly supportedLevels: number;
  readonly largestLevels: number;
  /** Width of the address space devices can use, in bits. */
  readonly guestAddressWidth: number;
  readonly zeroLengthReads: boolean;
  readonly superpages2M: boolean;
  readonly superpages1G: boolean;
  readonly cachingMode: boolean;
  readonly coherentWalks: boolean;
  readonly writeBufferFlushRequired: boolean;
  readonly passThrough: boolean;
  readonly deviceTlb: boolean;
  readonly snoopControl: boolean;
  readonly pageSelectiveInvalidation: boolean;
  readonly largestAddressMask: number;
  readonly drainsReads: boolean;
  readonly drainsWrites: boolean;
  readonly queuedInvalidation: boolean;
  readonly registerInvalidation: boolean;
  readonly interruptRemapping: boolean;
  readonly pageRequestDrain: boolean;
  readonly deviceTlbThrottling: boolean;
  readonly setRootInvalidates: boolean;
  readonly faultRecords: number;
  /** Byte offset of the fault recording registers. */
  readonly faultRecordOffset: number;
  /** Byte offset of IVA_REG; IOTLB_REG follows 8 bytes later. */
  readonly iotlbRegisterOffset: number;
  readonly storeVisibility: StoreVisibility;
  /** There is a protected low-memory region, a protected high-memory region. */
  readonly protectsLow: boolean;
  readonly protectsHigh: boolean;
  /** Base and limit of either are multiples of 2 to this power. */
  readonly protectedMemoryAlignment: number;
  /** Requests that go through tables are kept out of them, not just others. */
  readonly protectsTranslated: boolean;
}

/** Bits of an address at and above which requests are out of range for a width of `bits`. */
export function pageLimit(bits: number): number {
  return 2 ** (bits - 12);
}

/** Protected memory begins and ends at 2 MiB boundaries on the units that are known. */
const USUAL_ALIGNMENT = 21;

/** The platform a profile describes. */
export function platformOf(profile: PlatformProfile): Platform {
  const cap = decode(capabilityLayout, [profile.capability]);
  const ecap = decode(extendedCapabilityLayout, [profile.extendedCapability]);
  const levels = [3, 4, 5].filter((level) => (cap.SAGAW! >>> (level - 2)) & 1);
  const majorVersion = profile.version.major;
  return {
    profile,
    hostAddressWidth: profile.hostAddressWidth,
    majorVersion,
    domainIdBits: 4 + 2 * cap.ND!,
    supportedLevels: levels.reduce((set, level) => set | (1 << level), 0),
    largestLevels: Math.max(...levels),
    guestAddressWidth: cap.MGAW! + 1,
    zeroLengthReads: cap.ZLR === 1,
    superpages2M: (cap.SSLPS! & 1) === 1,
    superpages1G: (cap.SSLPS! & 2) === 2,
    cachingMode: cap.CM === 1,
    coherentWalks: ecap.C === 1,
    writeBufferFlushRequired: cap.RWBF === 1,
    passThrough: ecap.PT === 1,
    deviceTlb: ecap.DT === 1,
    snoopControl: ecap.SC === 1,
    pageSelectiveInvalidation: cap.PSI === 1,
    largestAddressMask: cap.MAMV!,
    drainsReads: cap.DRD === 1 || majorVersion >= 2,
    drainsWrites: cap.DWD === 1 || majorVersion >= 2,
    queuedInvalidation: ecap.QI === 1,
    registerInvalidation: majorVersion <= 5,
    interruptRemapping: ecap.IR === 1,
    pageRequestDrain: ecap.PDS === 1,
    deviceTlbThrottling: ecap.DIT === 1,
    setRootInvalidates: cap.ESRTPS === 1,
    faultRecords: cap.NFR! + 1,
    faultRecordOffset: cap.FRO! * 16,
    iotlbRegisterOffset: ecap.IRO! * 16,
    storeVisibility: { needsLineFlush: ecap.C === 0, needsBufferFlush: cap.RWBF === 1 },
    protectsLow: cap.PLMR === 1,
    protectsHigh: cap.PHMR === 1,
    protectedMemoryAlignment: profile.protectedMemoryAlignment ?? USUAL_ALIGNMENT,
    // Choice: 11.4.8.1 says of "some" older units that they let such requests pass, so one that is not told of may.
    protectsTranslated: profile.protectsTranslated ?? majorVersion >= 2,
  };
}
