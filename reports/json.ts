/** Results as JSON, for other programs. */
import type { CampaignResult } from "../properties/campaign.js";
import { verdictOf } from "./terminal.js";

/** One JSON text for all campaigns of a command. */
export function resultsAsJson(results: readonly CampaignResult[]): string {
  return JSON.stringify({ format: "iommu-spec result 1", campaigns: results.map(campaignAsData) }, null, 2);
}

function campaignAsData(result: CampaignResult): unknown {
  const { implementation, architecture, seed, runs, requests, seconds, workers, findings, failures, mended } =
    result;
  return {
    implementation,
    architecture: architecture.id,
    seed,
    workers,
    runs,
    requests,
    seconds,
    verdicts: Object.fromEntries(result.invariants.map((one) => [one.id, verdictOf(result, one.id)])),
    findings,
    unknown: Object.fromEntries(result.unknown),
    failures,
    mended,
    coverage: Object.fromEntries(result.coverage),
  };
}
