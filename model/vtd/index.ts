/** Intel VT-d, as the suite sees an architecture. */
import type { Architecture } from "../architecture.js";
import type { Profile } from "../profile.js";
import { vtdRules } from "./behaviour-rules.js";
import { dmarTables } from "./dmar/index.js";
import { VtdOracle } from "./oracle.js";
import { platformOf, vtdProfile } from "./profile.js";
import { profiles } from "./profiles.js";
import { registersOf } from "./registers.js";
import { VtdSoftware } from "./software.js";
import { walkPlatformOf } from "./walk.js";

const BYTES_OF_PAGE = 4096;

/** 11.1: the registers take whole pages; where some of them are, the platform says. */
function registerBytes(profile: Profile): number {
  const ends = registersOf(platformOf(vtdProfile(profile))).map((one) => one.offset + one.layout.width / 8);
  return Math.ceil(Math.max(...ends) / BYTES_OF_PAGE) * BYTES_OF_PAGE;
}

export const vtd: Architecture = {
  id: "vtd",
  name: "VT-d",
  profiles,
  rules: vtdRules,
  registerBytes,
  firmwareTables: dmarTables,
  createOracle: (profile, memory) => new VtdOracle(walkPlatformOf(vtdProfile(profile)), memory),
  createSoftware: (profile) => new VtdSoftware(walkPlatformOf(vtdProfile(profile))),
};
