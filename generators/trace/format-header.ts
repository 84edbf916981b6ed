/** The first line of a recorded trace: the platform, where software's memory is, and how the run starts. */
import * as t from "io-ts";
import { type AmdViProfile, amdViProfile } from "../../model/amdvi/profile.js";
import { allProfiles } from "../../model/architectures.js";
import type { ArchitectureId, Profile } from "../../model/profile.js";
import type { RunStart } from "../../model/run-start.js";
import { type PlatformProfile, vtdProfile } from "../../model/vtd/profile.js";
import { oneOf } from "../codec.js";
import { codecOf, decoded, number, page, requester, TraceFormatError, word } from "./format-codec.js";

/** Every page of memory that something is said about takes room. */
const MOST_PAGES = 2 ** 32;
/** AMD-Vi: the Size field of DevTabBase has nine bits. */
const MOST_ROOT_PAGES = 512;
/** What stands before the places of a profile in messages. */
const PROFILE = "profile.";

const profileParts = {
  id: t.string,
  description: t.string,
  source: t.string,
  hostAddressWidth: number(12, 64),
  memoryPages: number(1, MOST_PAGES),
};

const vtdProfileCodec = t.exact(
  t.intersection([
    t.type({
      ...profileParts,
      version: t.strict({ major: number(0, 15), minor: number(0, 15) }),
      capability: word,
      extendedCapability: word,
      iotlbLookup: oneOf("source-id", "domain-id", "either"),
      ignoredBitsChecked: t.boolean,
    }),
    t.partial({ protectedMemoryAlignment: number(12, 32), protectsTranslated: t.literal(true) }),
  ]),
);

const amdViProfileCodec = t.strict({
  ...profileParts,
  extendedFeatures: word,
  extendedFeatures2: word,
  npCache: t.boolean,
  remoteIotlbs: t.boolean,
  deviceTableFetch: t.union([t.literal(64), t.literal(128), t.literal(256)]),
  coherentWalks: t.boolean,
  iotlbLookup: oneOf("device-id", "domain-id", "either"),
});

/** How a profile that the suite does not know is written out. */
interface ProfileForm {
  read(data: unknown): Profile;
  write(profile: Profile): unknown;
}

const profileForms: Readonly<Record<ArchitectureId, ProfileForm>> = {
  vtd: {
    read: (data): PlatformProfile => ({
      architecture: "vtd",
      ...decoded(vtdProfileCodec, data, PROFILE),
    }),
    write: (profile) => vtdProfileCodec.encode(vtdProfile(profile)),
  },
  amdvi: {
    read: (data): AmdViProfile => ({ architecture: "amdvi", ...decoded(amdViProfileCodec, data, PROFILE) }),
    write: (profile) => amdViProfileCodec.encode(amdViProfile(profile)),
  },
};

const run = t.strict({ page, pages: number(1, 2 ** 24) });

const format = t.literal("iommu-spec trace 1");
const common = t.intersection([
  t.strict({
    format,
    profile: t.unknown,
    start: oneOf("translating", "reset"),
    requesters: t.array(requester),
    rootPage: page,
    queuePage: page,
  }),
  t.exact(
    t.partial({ protected: t.array(run), dataPages: t.array(page), memoryPages: number(1, MOST_PAGES) }),
  ),
]);

/** Where the tables begin and faults are logged, as far as architectures differ. */
const places = {
  vtd: t.strict({ architecture: t.literal("vtd") }),
  amdvi: t.strict({
    architecture: t.literal("amdvi"),
    rootPages: number(1, MOST_ROOT_PAGES),
    logPage: page,
  }),
} as const satisfies { readonly [Id in ArchitectureId]: t.Mixed };

/** A run of pages that is software's own for the whole trace. */
export type PageRun = t.TypeOf<typeof run>;

/** What the first line of a trace says. */
export interface TraceHeader {
  readonly profile: Profile;
  readonly setup: RunStart;
  readonly protectedRuns: readonly PageRun[];
}

/**
 * The header from the parsed JSON of the first line.
 * @throws TraceFormatError naming the place that does not fit
 */
export function headerFrom(data: unknown): TraceHeader {
  const header = decoded(common, data);
  const { architecture } = decoded(t.type({ architecture: t.unknown }), data);
  const place = decoded(codecOf(places, "architecture", architecture), data);
  const { start, requesters, rootPage, queuePage, dataPages, memoryPages } = header;
  const profile = profileFrom(place.architecture, header.profile);
  return {
    profile: memoryPages === undefined ? profile : { ...profile, memoryPages },
    setup: {
      start,
      rootPage,
      rootPages: place.architecture === "amdvi" ? place.rootPages : 1,
      queuePage,
      logPage: place.architecture === "amdvi" ? place.logPage : null,
      requesters,
      dataPages: dataPages ?? [],
      tablePages: [],
    },
    protectedRuns: header.protected ?? [],
  };
}

/** A profile of the suite by its id, or one that is written out. */
function profileFrom(architecture: ArchitectureId, data: unknown): Profile {
  if (typeof data !== "string") return profileForms[architecture].read(data);
  const known = allProfiles.filter((one) => one.architecture === architecture);
  const found = known.find((one) => one.id === data);
  if (found) return found;
  const ids = known.map((one) => one.id).join(", ");
  throw new TraceFormatError(`at profile: unknown profile "${data}"; known: ${ids}`);
}

/** The first line of a trace; a profile that the suite knows is written as its id. */
export function headerLine({ profile, setup, protectedRuns }: TraceHeader): string {
  const { rootPage, rootPages, queuePage, logPage, requesters, dataPages } = setup;
  const { architecture } = profile;
  return JSON.stringify({
    format: format.value,
    architecture,
    profile: allProfiles.includes(profile) ? profile.id : profileForms[architecture].write(profile),
    start: setup.start,
    requesters,
    rootPage,
    ...(architecture === "amdvi" && { rootPages, logPage }),
    queuePage,
    ...(protectedRuns.length > 0 && { protected: protectedRuns }),
    ...(dataPages.length > 0 && { dataPages }),
  });
}
