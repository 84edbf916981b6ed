/** AMD-Vi, as the suite sees an architecture. */
import type { Architecture } from "../architecture.js";
import { amdViRules } from "./behaviour-rules.js";
import { ivrsTables } from "./ivrs/index.js";
import { AmdViOracle } from "./oracle.js";
import { amdViProfile, platformOf } from "./profile.js";
import { profiles } from "./profiles.js";
import { REGISTER_BYTES } from "./registers.js";
import { AmdViSoftware } from "./software.js";

export const amdvi: Architecture = {
  id: "amdvi",
  name: "AMD-Vi",
  profiles,
  rules: amdViRules,
  firmwareTables: ivrsTables,
  registerBytes: () => REGISTER_BYTES,
  createOracle: (profile, memory) => new AmdViOracle(platformOf(amdViProfile(profile)), memory),
  createSoftware: (profile) => new AmdViSoftware(platformOf(amdViProfile(profile))),
};
