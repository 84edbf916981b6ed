/** What tells one finding from another, so that one bug is listed once however many scenarios show it. */
import type { Finding, FindingKind } from "../model/finding.js";
import type { AnyScenario } from "./subject.js";

type AnyStep = AnyScenario["steps"][number];

/** Kinds of findings that say that a request got an answer that it must not get. */
const ANSWERS: ReadonlySet<FindingKind> = new Set([
  "stale",
  "misdirected",
  "refused",
  "forbidden",
  "faulting-entry",
]);
/** Steps by which software changes its tables, by what kind of table that is. */
const CHANGES: Readonly<Record<string, string>> = {
  attach: "device",
  detach: "device",
  map: "table",
  unmap: "table",
  protect: "table",
  retable: "table",
};

/** What a finding looks like before it is shrunk. */
export function lookOf(finding: Finding): string {
  return `${finding.kind}|${[...finding.rules].sort().join()}`;
}

/** What a finding says, numbers apart. */
export function wordingOf({ message }: Finding): string {
  return message.replaceAll(/\b(0x[0-9a-f]+|[0-9a-f]*[0-9][0-9a-f]*h?)\b/g, "#");
}

/**
 * The signature of a finding by its smallest scenario: `kind|ingredients`. The ingredients of a violation are the rules
 * that are involved and the kinds of its steps. Neither platform, order, number, names nor addresses are any, nor is how
 * requests access or software changes memory, for an IOMMU does not know; what it is told to invalidate is.
 */
export function signatureOf(scenario: AnyScenario, finding: Finding): string {
  const { kind } = finding;
  const ofIommu = scenario.format === "iommu-spec scenario 1";
  const isAnswer = ofIommu && ANSWERS.has(kind);
  const requests = scenario.steps.filter((step) => step.do === "dma").length;
  const fromCache = isAnswer && requests > 1;
  const ingredients = new Set(
    scenario.steps.map((step) => (ofIommu ? ofIommuStep(step) : ofSoftwareStep(step))),
  );
  // Whoever needs a request first, to have something cached, is wrong whatever the tables say afterwards.
  if (!fromCache) for (const rule of finding.rules) ingredients.add(rule);
  if (isAnswer) for (const one of [...Object.values(CHANGES), "dma"]) ingredients.delete(one);
  // To switch a device over is another routine than to attach it, which hardly any scenario does without.
  if (!ofIommu && scenario.steps.filter((step) => step.do === "attach").length > 1) ingredients.add("switch");
  return `${kind}${fromCache ? " from cache" : ""}|${[...ingredients].sort().join()}`;
}

/**
 * True when a finding is taken for the same as another with fewer ingredients: all it adds comes from the scenario that it
 * was found in. Several bugs may look like one by that; the others come up once it is mended, or known.
 */
export function isCoveredBy(signature: string, other: string): boolean {
  if (signature === other) return true;
  const [kind, ingredients] = signature.split("|");
  const [otherKind, fewer] = other.split("|");
  if (kind !== otherKind || ingredients === undefined || fewer === undefined) return false;
  const has = new Set(ingredients.split(","));
  return fewer === "" || fewer.split(",").every((one) => has.has(one));
}

function ofIommuStep(step: AnyStep): string {
  if (step.do === "invalidate") {
    const { target } = step;
    return "cache" in target ? `${target.cache}-${target.granularity}` : target.command;
  }
  if (step.do === "corrupt") return `corrupt-${step.entry.structure}`;
  return CHANGES[step.do] ?? step.do;
}

function ofSoftwareStep(step: AnyStep): string {
  return step.do === "together" ? [step.first.do, step.second.do].sort().join("+") : step.do;
}
