/**
 * A counterexample of every faulty variant that has a role in the protocol: IOMMUs and drivers. The files are the smallest
 * scenarios that a search came to. Those that are missing are written, after `npm run build`, by
 *
 *     node out/js/properties/external/write-counterexamples.js && npm run format
 */
import { join } from "node:path";
import { type Bug, bugs } from "../../implementations/bugs.js";

export const FOLDER = "properties/external/counterexamples";

export type Variant = Extract<Bug, { role: "iommu" | "driver" }>;

export const variants: readonly Variant[] = bugs.filter((one) => one.role !== "platform");

/** The file of a variant's counterexample, from the root of the project. */
export function counterexampleOf({ role, architecture, name }: Variant): string {
  return join(FOLDER, role, architecture, `${name.slice(name.indexOf(":") + 1)}.json`);
}
