/** Every VT-d structure that can be decoded one at a time. */
import type { Structures } from "../structure.js";
import { encode } from "../words/layout.js";
import { capabilityLayout, extendedCapabilityLayout } from "./capabilities.js";
import { queueStructures } from "./decode-queue.js";
import { registerFieldRules, registerStructures } from "./decode-registers.js";
import { scalableStructures } from "./decode-scalable.js";
import { contextStructure, rootStructure, secondStageStructures } from "./decode-tables.js";
import { type PlatformProfile, platformOf } from "./profile.js";
import { scalableRules } from "./scalable-rules.js";

const everyExtendedCapability = extendedCapabilityLayout.fields
  .filter((one) => one.kind === "field")
  .map((one) => [one.name, 2 ** (one.high - one.low + 1) - 1]);

/** A unit that has everything and demands nothing: what it calls illegal is so on every platform. */
export const mostCapable: PlatformProfile = {
  architecture: "vtd",
  id: "most-capable",
  description: "every capability, 52 address bits",
  source: "VT-d 11.4.2, 11.4.3",
  version: { major: 5, minor: 0 },
  capability: encode(capabilityLayout, {
    ...{ ND: 6, PLMR: 1, PHMR: 1, SAGAW: 0b1110, MGAW: 56, ZLR: 1, FRO: 0x40, SSLPS: 3, PSI: 1, MAMV: 63 },
    ...{ DWD: 1, DRD: 1, FS1GP: 1, PI: 1, FS5LP: 1, ECMDS: 1, ESIRTPS: 1, ESRTPS: 1 },
  })[0]!,
  extendedCapability: encode(extendedCapabilityLayout, {
    ...Object.fromEntries(everyExtendedCapability),
    IRO: 0x50,
  })[0]!,
  hostAddressWidth: 52,
  memoryPages: 0x20000,
  iotlbLookup: "either",
  ignoredBitsChecked: false,
};

const platform = platformOf(mostCapable);

export const vtdStructures: Structures = {
  mostCapable,
  rules: [...Object.values(scalableRules), ...Object.values(registerFieldRules)],
  all: [
    rootStructure,
    contextStructure,
    ...secondStageStructures,
    ...scalableStructures,
    ...queueStructures(platform),
    ...registerStructures(platform),
  ],
};
