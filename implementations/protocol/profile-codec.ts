/** Platform profiles as they are sent: all of what `model/vtd/profile.ts` and `model/amdvi/profile.ts` have. */
import * as t from "io-ts";
import { count, half, oneOf, word64 } from "./codec.js";

const common = {
  id: t.string,
  description: t.string,
  source: t.string,
  hostAddressWidth: half,
  memoryPages: count,
};

const vtdCodec = t.intersection([
  t.strict({
    architecture: t.literal("vtd"),
    ...common,
    version: t.strict({ major: half, minor: half }),
    capability: word64,
    extendedCapability: word64,
    iotlbLookup: oneOf("source-id", "domain-id", "either"),
    ignoredBitsChecked: t.boolean,
  }),
  t.exact(t.partial({ protectedMemoryAlignment: half, protectsTranslated: t.literal(true) })),
]);

const amdViCodec = t.strict({
  architecture: t.literal("amdvi"),
  ...common,
  extendedFeatures: word64,
  extendedFeatures2: word64,
  npCache: t.boolean,
  remoteIotlbs: t.boolean,
  deviceTableFetch: t.union([t.literal(64), t.literal(128), t.literal(256)]),
  coherentWalks: t.boolean,
  iotlbLookup: oneOf("device-id", "domain-id", "either"),
});

/** A profile of either architecture. */
export const profileCodec = t.union([vtdCodec, amdViCodec]);
