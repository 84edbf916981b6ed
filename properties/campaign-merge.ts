/** Shares of a campaign, put together. */
import { type CampaignPart, KEPT_FAILURES } from "./campaign.js";
import { type DistinctFinding, DistinctFindings } from "./distinct-findings.js";
import { added, addedDistributions } from "./distribution.js";

/**
 * What shares of one campaign, run beside each other, found together: findings with one signature are one, the most
 * frequent first; counts are added. The order of the parts decides between equals. Files that are not shown are removed.
 */
export function mergedParts(parts: readonly CampaignPart[]): CampaignPart {
  const total = (of: (part: CampaignPart) => number) => parts.reduce((sum, part) => sum + of(part), 0);
  return {
    runs: total((part) => part.runs),
    requests: total((part) => part.requests),
    seconds: Math.max(0, ...parts.map((part) => part.seconds)),
    findings: mergedFindings(parts.flatMap((part) => part.findings)),
    unknown: added(parts.map((part) => part.unknown)),
    failures: parts.flatMap((part) => part.failures).slice(0, KEPT_FAILURES),
    drawn: addedDistributions(parts.map((part) => part.drawn)),
    coverage: added(parts.map((part) => part.coverage)),
    mended: parts.flatMap((part) => part.mended),
  };
}

function mergedFindings(all: readonly DistinctFinding[]): DistinctFinding[] {
  const findings = new DistinctFindings();
  for (const one of all) findings.enter(one);
  return [...findings.all()].sort(byFrequency);
}

function byFrequency(one: DistinctFinding, other: DistinctFinding): number {
  return other.count - one.count || (one.signature < other.signature ? -1 : 1);
}
