/** AMD-Vi, as the suite sees an architecture. */
import type { Architecture } from "../architecture.js";
import type { ChainEntry } from "../finding.js";
import type { Layout } from "../words/layout.js";
import { registerAt } from "../words/register-file.js";
import { amdViRules } from "./behaviour-rules.js";
import { amdViStructures } from "./decode.js";
import { ivrsTables } from "./ivrs/index.js";
import { amdViMessages } from "./kernel-log.js";
import { AmdViOracle } from "./oracle.js";
import { amdViProfile, platformOf } from "./profile.js";
import { profiles } from "./profiles.js";
import { REGISTER_BYTES, registersOf } from "./registers.js";
import { AmdViSoftware } from "./software.js";
import { deviceTableEntryLayout, pageTableEntryLayoutOf } from "./tables.js";

function entryLayout({ part, low }: Pick<ChainEntry, "part" | "low">): Layout<never> | null {
  if (part === "register") return null;
  return part === "table" ? pageTableEntryLayoutOf(low) : deviceTableEntryLayout;
}

export const amdvi: Architecture = {
  id: "amdvi",
  name: "AMD-Vi",
  profiles,
  rules: amdViRules,
  firmwareTables: ivrsTables,
  structures: amdViStructures,
  messages: amdViMessages,
  registerBytes: () => REGISTER_BYTES,
  registerName: (profile, offset) => registerAt(registersOf(platformOf(amdViProfile(profile))), offset),
  entryLayout,
  createOracle: (profile, memory) => new AmdViOracle(platformOf(amdViProfile(profile)), memory),
  createSoftware: (profile) => new AmdViSoftware(platformOf(amdViProfile(profile))),
};
