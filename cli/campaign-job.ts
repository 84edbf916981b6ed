/** One thread's share of a campaign, as a job of the pool of threads. */
import { type CampaignPart, type CampaignProgress, runShare, type Share } from "../properties/campaign.js";
import type { DistinctFinding } from "../properties/distinct-findings.js";
import { invariantNamed } from "../properties/invariants.js";
import { type CampaignName, openCampaign } from "./campaign-name.js";

/** Plain data: everything is opened by its name in the thread that does it. */
export interface CampaignTask {
  readonly name: CampaignName;
  /** Ids of the invariants. */
  readonly judged: readonly string[];
  readonly seed: number;
  /** Scenarios of all shares together. */
  readonly runs: number;
  readonly milliseconds: number;
  readonly folder: string;
  /** Files to replay first. */
  readonly earlier: readonly string[];
  readonly share: Share;
}

/** What a share says before its end. */
export type CampaignNews =
  | { readonly progress: CampaignProgress }
  | { readonly found: readonly DistinctFinding[] };

/** Runs the share. Told to the pool on the way: how far it is, and what it has found. */
export async function run(task: CampaignTask, say: (news: CampaignNews) => void): Promise<CampaignPart> {
  const { subject, known, close } = await openCampaign(task.name);
  try {
    return runShare({
      subject,
      known,
      seed: task.seed,
      runs: task.runs,
      milliseconds: task.milliseconds,
      invariants: task.judged.map(invariantNamed),
      folder: task.folder,
      earlier: task.earlier,
      share: task.share,
      progress: (progress) => say({ progress }),
      found: (found) => say({ found }),
    });
  } finally {
    close();
  }
}
