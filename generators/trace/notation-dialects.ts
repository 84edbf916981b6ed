/** The dialects of the notation: one line for each architecture. */
import type { ArchitectureId } from "../../model/profile.js";
import { amdViDialect } from "./amdvi/dialect.js";
import type { Dialect } from "./notation-dialect.js";
import { vtdDialect } from "./vtd/dialect.js";

const dialects: Readonly<Record<ArchitectureId, Dialect>> = { vtd: vtdDialect, amdvi: amdViDialect };

export function dialectOf(architecture: ArchitectureId): Dialect {
  return dialects[architecture];
}
