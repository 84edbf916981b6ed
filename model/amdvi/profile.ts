/** Platform profiles: the registers and habits that tell one AMD-Vi implementation from another. */
import type { Profile } from "../profile.js";
import type { Word } from "../trace.js";
import { decode } from "../words/layout.js";
import type { StoreVisibility } from "../words/memory.js";
import { extendedFeature2Layout, extendedFeatureLayout } from "./capabilities.js";
import { reservedInCommandsOf } from "./commands.js";
import { type ReservedBits, reservedBitsOf } from "./tables.js";

/** How an I/O TLB entry is found: by the requester it was filled for, or by any requester of the same domain. */
export type IotlbLookup = "device-id" | "domain-id" | "either";

/** A platform as data: what its registers read and where it departs from the common reading. */
export interface AmdViProfile extends Profile {
  readonly architecture: "amdvi";
  /** EFR (MMIO 0030h). */
  readonly extendedFeatures: Word;
  /** EFR2 (MMIO 01A0h). */
  readonly extendedFeatures2: Word;
  /** Capability header NpCache: not-present entries may be cached. */
  readonly npCache: boolean;
  /** Capability header IotlbSup: devices may have TLBs of their own. */
  readonly remoteIotlbs: boolean;
  /** Bits of a device table entry that hardware reads at once. */
  readonly deviceTableFetch: 64 | 128 | 256;
  /** Table walks snoop the caches of processors. */
  readonly coherentWalks: boolean;
  readonly iotlbLookup: IotlbLookup;
}

/** A profile as one of AMD-Vi. @throws RangeError when it is of another architecture */
export function amdViProfile(profile: Profile): AmdViProfile {
  if (profile.architecture !== "amdvi") throw new RangeError(`${profile.id} is not an AMD-Vi platform`);
  return profile as AmdViProfile;
}

/** What a platform offers, decoded from its profile. */
export interface AmdViFeatures {
  readonly profile: AmdViProfile;
  readonly hostAddressWidth: number;
  /** Most levels that host page tables may have: 4, 5 or 6. */
  readonly hostLevels: number;
  readonly npCache: boolean;
  readonly remoteIotlbs: boolean;
  readonly deviceTableFetch: 64 | 128 | 256;
  readonly prefetch: boolean;
  readonly peripheralPageRequests: boolean;
  readonly enhancedPageRequests: boolean;
  readonly guestTranslation: boolean;
  readonly guestTranslationWithoutPasid: boolean;
  /** Most levels that GCR3 tables may have. */
  readonly gcr3Levels: number;
  readonly invalidateAll: boolean;
  readonly guestApicLog: boolean;
  readonly hardwareErrorRegisters: boolean;
  readonly smiFilters: number;
  readonly secureAts: boolean;
  readonly hostAccessed: boolean;
  readonly hostDirty: boolean;
  readonly invalidationTypes: boolean;
  readonly virtualIommu: boolean;
  readonly deviceTableSegments: number;
  readonly pageMigration: boolean;
  readonly attributeForwarding: boolean;
  readonly routingApertures: number;
  readonly msiCapabilityRegisters: boolean;
  readonly x2Apic: boolean;
  readonly performanceOptimization: boolean;
  readonly automaticPageResponses: boolean;
  readonly earlyPageRequestOverflow: boolean;
  /** The HyperTransport ranges below 2^40 are ordinary memory. */
  readonly ignoresHyperTransportRanges: boolean;
  readonly storeVisibility: StoreVisibility;
}

/**
 * The exclusion range (MMIO 0020h, 0028h). Its registers are not a part of any table, so a walk finds them here; who
 * follows the registers of a unit keeps them up to date.
 */
export class ExclusionRange {
  /** ExEn. */
  enabled = false;
  /** Allow: the range is open to every device, whatever its EX says. */
  allowsAll = false;
  /** First and last page. */
  basePage = 0;
  limitPage = 0;

  /** As after a reset: no range. */
  reset(): void {
    this.enabled = false;
    this.allowsAll = false;
    this.basePage = 0;
    this.limitPage = 0;
  }

  /** True when a device with this EX bit may go to the page untranslated. */
  excludes(page: number, deviceMayUse: boolean): boolean {
    return (
      this.enabled && (this.allowsAll || deviceMayUse) && page >= this.basePage && page <= this.limitPage
    );
  }
}

/** A platform with everything that is looked up often prepared. Each belongs to one unit, because of its exclusion range. */
export interface AmdViPlatform extends AmdViFeatures {
  readonly reserved: ReservedBits;
  /** Reserved bits of the commands that the platform has, by opcode. */
  readonly reservedInCommands: ReadonlyMap<number, readonly Word[]>;
  /** First page beyond the width of tables, by number of levels (table of 2.2.3: 21, 30, 39, 48, 57, 64 bits). */
  readonly inputPageLimit: Float64Array;
  readonly exclusion: ExclusionRange;
}

/** The platform a profile describes, its exclusion range off. */
export function platformOf(profile: AmdViProfile): AmdViPlatform {
  const features = featuresOf(profile);
  const inputPageLimit = new Float64Array(7);
  for (let levels = 1; levels <= 6; levels++) inputPageLimit[levels] = 2 ** Math.min(9 * levels, 52);
  return {
    ...features,
    reserved: reservedBitsOf(features),
    reservedInCommands: reservedInCommandsOf(features),
    inputPageLimit,
    exclusion: new ExclusionRange(),
  };
}

function featuresOf(profile: AmdViProfile): AmdViFeatures {
  const efr = decode(extendedFeatureLayout, [profile.extendedFeatures]);
  const efr2 = decode(extendedFeature2Layout, [profile.extendedFeatures2]);
  return {
    profile,
    hostAddressWidth: profile.hostAddressWidth,
    // HATS = 3: no host translation at all; then only Mode 0 is legal.
    hostLevels: efr.HATS === 3 ? 0 : 4 + efr.HATS!,
    npCache: profile.npCache,
    remoteIotlbs: profile.remoteIotlbs,
    deviceTableFetch: profile.deviceTableFetch,
    prefetch: efr.PreFSup === 1,
    peripheralPageRequests: efr.PPRSup === 1,
    enhancedPageRequests: efr.EPHSup === 1,
    guestTranslation: efr.GTSup === 1,
    guestTranslationWithoutPasid: efr.GIoSup === 1,
    gcr3Levels: 1 + efr.GLXSup!,
    invalidateAll: efr.IASup === 1,
    guestApicLog: efr.GAMSup !== 0,
    hardwareErrorRegisters: efr.HESup === 1,
    smiFilters: efr.SmiFSup === 0 ? 0 : 2 ** efr.SmiFRC!,
    secureAts: efr.SATSSup === 1,
    hostAccessed: efr.HASup === 1,
    hostDirty: efr.HDSup === 1,
    invalidationTypes: efr.InvIotlbTypeSup === 1,
    virtualIommu: efr.vIommuSup === 1,
    deviceTableSegments: 2 ** efr.DevTblSegSup!,
    pageMigration: efr2.TMPMSup === 1,
    attributeForwarding: efr.AttrFWSup === 1 || efr.SnoopAttrSup === 1,
    routingApertures: [0, 4, 8, 0][efr.MarcSup!]!,
    msiCapabilityRegisters: efr.MsiCapMmioSup === 1,
    x2Apic: efr.XTSup === 1,
    performanceOptimization: efr.PerfOptSup === 1,
    automaticPageResponses: efr.PPRAutoRspSup === 1,
    earlyPageRequestOverflow: efr.PPROvrflwEarlySup === 1,
    ignoresHyperTransportRanges: efr2.HTRangeIgnore === 1,
    storeVisibility: { needsLineFlush: !profile.coherentWalks, needsBufferFlush: false },
  };
}
