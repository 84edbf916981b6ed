/** Intel VT-d, as the suite sees an architecture. */
import type { Architecture } from "../architecture.js";
import type { ChainEntry } from "../finding.js";
import type { Profile } from "../profile.js";
import type { Layout } from "../words/layout.js";
import { registerAt } from "../words/register-file.js";
import { vtdRules } from "./behaviour-rules.js";
import { vtdStructures } from "./decode.js";
import { dmarTables } from "./dmar/index.js";
import { vtdMessages } from "./kernel-log.js";
import { VtdOracle } from "./oracle.js";
import { platformOf, vtdProfile } from "./profile.js";
import { profiles } from "./profiles.js";
import { registersOf } from "./registers.js";
import { VtdSoftware } from "./software.js";
import { contextEntryLayout, rootEntryLayout, secondStageLayoutOf } from "./tables.js";
import { walkPlatformOf } from "./walk.js";

const BYTES_OF_PAGE = 4096;

/** 11.1: the registers take whole pages; where some of them are, the platform says. */
function registerBytes(profile: Profile): number {
  const ends = registersOf(platformOf(vtdProfile(profile))).map((one) => one.offset + one.layout.width / 8);
  return Math.ceil(Math.max(...ends) / BYTES_OF_PAGE) * BYTES_OF_PAGE;
}

function entryLayout({ part, level, low }: Pick<ChainEntry, "part" | "level" | "low">): Layout<never> | null {
  if (part === "register") return null;
  if (part === "table") return secondStageLayoutOf(level, low);
  return part === "device" ? contextEntryLayout : rootEntryLayout;
}

export const vtd: Architecture = {
  id: "vtd",
  name: "VT-d",
  profiles,
  rules: vtdRules,
  registerBytes,
  registerName: (profile, offset) => registerAt(registersOf(platformOf(vtdProfile(profile))), offset),
  entryLayout,
  firmwareTables: dmarTables,
  structures: vtdStructures,
  messages: vtdMessages,
  createOracle: (profile, memory) => new VtdOracle(walkPlatformOf(vtdProfile(profile)), memory),
  createSoftware: (profile) => new VtdSoftware(walkPlatformOf(vtdProfile(profile))),
};
