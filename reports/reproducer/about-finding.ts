/** What is said of a counterexample: by the deviation it is known as, or else by the rules and invariants it breaks. */
import type { Architecture } from "../../model/architecture.js";
import type { Finding } from "../../model/finding.js";
import { brokenBy, invariantNamed } from "../../properties/invariants.js";
import type { KnownDeviation } from "../../properties/known-deviation.js";
import type { About } from "./about.js";

/** What is wrong, in a sentence, and what the specification or an invariant says about it. */
export type Statement = Pick<About, "deviation" | "authority" | "specification">;

const INVARIANTS = "What must hold";

/** Of an IOMMU. The finding is null when QEMU did not survive. */
export function statementOf(
  finding: Finding | null,
  known: KnownDeviation | undefined,
  architecture: Architecture,
): Statement {
  const authority = `The ${architecture.name} specification`;
  if (known) return { deviation: known.statement, authority, specification: [known.specification] };
  if (finding === null) {
    const specification = ["a unit goes on, whatever it is given"];
    return { deviation: "QEMU ends or hangs", authority: INVARIANTS, specification };
  }
  const rules = architecture.rules.filter((one) => finding.rules.includes(one.id));
  const deviation = finding.message;
  if (rules.length === 0) return { deviation, authority: INVARIANTS, specification: broken(finding) };
  return { deviation, authority, specification: rules.map((one) => `${one.section}: ${one.statement}`) };
}

/** Of a driver that was seen on QEMU. */
export function statementOfDriver(finding: Finding, driver: string): Statement {
  const deviation = `after what ${driver} does, ${finding.message}`;
  return { deviation, authority: INVARIANTS, specification: broken(finding) };
}

function broken(finding: Finding): string[] {
  return brokenBy(finding).map((id) => `${id}: ${invariantNamed(id).statement}`);
}
