/** Every AMD-Vi structure that can be decoded one at a time. */
import type { Structures } from "../structure.js";
import { encode } from "../words/layout.js";
import { extendedFeature2Layout, extendedFeatureLayout } from "./capabilities.js";
import { commandStructure, eventStructure } from "./decode-buffers.js";
import { guestRules, guestStructures } from "./decode-guest.js";
import { bufferLengthRule, registerStructures } from "./decode-registers.js";
import { deviceTableStructure, interruptRules, pageTableStructures } from "./decode-tables.js";
import { type AmdViProfile, platformOf } from "./profile.js";

const everyFeature = (of: typeof extendedFeatureLayout) =>
  Object.fromEntries(
    of.fields
      .filter((one) => one.kind === "field")
      .map((one) => [one.name, 2 ** (one.high - one.low + 1) - 1]),
  );

/** A unit that has everything: what it calls illegal is so on every platform. */
export const mostCapable: AmdViProfile = {
  architecture: "amdvi",
  id: "most-capable",
  description: "every feature",
  source: "AMD-Vi MMIO 0030h, 01A0h",
  extendedFeatures: encode(extendedFeatureLayout, {
    ...everyFeature(extendedFeatureLayout),
    ...{ HATS: 2, GATS: 1, GLXSup: 2, MarcSup: 2, SmiFRC: 1 },
  })[0]!,
  extendedFeatures2: encode(extendedFeature2Layout, everyFeature(extendedFeature2Layout))[0]!,
  npCache: false,
  remoteIotlbs: true,
  deviceTableFetch: 256,
  coherentWalks: true,
  iotlbLookup: "either",
  hostAddressWidth: 52,
  memoryPages: 0x20000,
};

const platform = platformOf(mostCapable);

export const amdViStructures: Structures = {
  mostCapable,
  rules: [...Object.values(interruptRules), ...Object.values(guestRules), bufferLengthRule],
  all: [
    deviceTableStructure,
    ...pageTableStructures,
    ...guestStructures,
    commandStructure,
    eventStructure,
    ...registerStructures(platform),
  ],
};
