/** Campaigns on several threads: each is divided among them, and what they found is put together. */
import { join } from "node:path";
import type { CampaignPart, CampaignProgress, CampaignResult } from "../properties/campaign.js";
import { earlierFailures } from "../properties/campaign-database.js";
import { mergedParts } from "../properties/campaign-merge.js";
import type { DistinctFinding } from "../properties/distinct-findings.js";
import { onWorkers, WorkerError } from "../properties/workers/pool.js";
import type { CampaignNews, CampaignTask } from "./campaign-job.js";
import type { Planned } from "./plan.js";
import { Progress } from "./progress.js";

/** Characters of a folder's name: file systems take 255 bytes. */
const LONGEST_NAME = 200;

/** The exit code of what SIGINT has ended. */
const INTERRUPTED = 130;

/** How long and on how many threads each campaign is to run. */
export interface Effort {
  readonly seed: number;
  /** Scenarios of each campaign. */
  readonly runs: number;
  /** For each campaign. */
  readonly milliseconds: number;
  readonly workers: number;
}

/**
 * Runs the campaigns one after the other, each on all threads. Equal seeds and numbers of threads give equal findings, but
 * for the time limit. A thread that dies is a failure of its campaign, and what it had found is kept.
 */
export async function runCampaigns(campaigns: readonly Planned[], effort: Effort): Promise<CampaignResult[]> {
  const { workers } = effort;
  const tasks = campaigns.flatMap((one) => tasksOf(one, effort));
  const shares = tasks.map(() => new ShareNews());
  const displays = campaigns.map(
    ({ subject }) => new Progress(subject.heading, effort.runs, effort.milliseconds),
  );
  const sharesOf = (campaign: number) => shares.slice(campaign * workers, (campaign + 1) * workers);
  const job = new URL("./campaign-job.js", import.meta.url);
  const interrupted = () => {
    for (const one of displays) one.done();
    for (const line of soFar(shares)) process.stderr.write(`${line}\n`);
    process.exit(INTERRUPTED);
  };
  // With one thread this one has no turn before it is done.
  if (workers > 1) process.once("SIGINT", interrupted);
  try {
    await onWorkers<CampaignTask, CampaignPart, CampaignNews>(job, tasks, workers, {
      done: (index, part) => shares[index]!.done(part),
      heard: (index, news) => {
        shares[index]!.hear(news);
        const campaign = Math.floor(index / workers);
        displays[campaign]!.show(together(sharesOf(campaign)));
      },
    });
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    for (const { index, message } of error.failures) shares[index]!.died(message);
  } finally {
    process.off("SIGINT", interrupted);
    for (const one of displays) one.done();
  }
  return campaigns.map(({ subject, judged }, index) => ({
    ...mergedParts(sharesOf(index).map((one) => one.part())),
    implementation: subject.name,
    heading: subject.heading,
    architecture: subject.architecture,
    seed: effort.seed,
    workers,
    invariants: judged,
  }));
}

function tasksOf({ name, subject, judged }: Planned, { workers, ...limits }: Effort): CampaignTask[] {
  const folder = join("out", folderName(subject.heading));
  const isMeant = (profile: string) => name.profiles.length === 0 || name.profiles.includes(profile);
  const earlier = earlierFailures(folder, (scenario) => isMeant(scenario.profile));
  return Array.from({ length: workers }, (_, first) => ({
    ...limits,
    name,
    judged: judged.map((one) => one.id),
    folder,
    earlier,
    share: { first, every: workers },
  }));
}

/** Of a command as long as it may be. */
function folderName(heading: string): string {
  return heading
    .replaceAll(/[^a-z0-9.]+/gi, "-")
    .replace(/^[-.]+|-$/g, "")
    .slice(0, LONGEST_NAME);
}

/** What was found before somebody put an end to it: it is saved. */
function soFar(shares: readonly ShareNews[]): string[] {
  const runs = shares.reduce((sum, one) => sum + one.progress.runs, 0);
  const found = new Map(shares.flatMap((one) => one.found.map((each) => [each.file, each] as const)));
  const files = [...found.values()].map(({ known, finding, file }) => `  ${known ?? finding.kind}: ${file}`);
  return [
    `stopped after ${runs} scenarios; found so far, to be shown again by \`replay\`: ${files.length}`,
    ...files,
  ];
}

/** How far the shares of a campaign are together. */
function together(shares: readonly ShareNews[]): CampaignProgress {
  const progress = shares.map((one) => one.progress);
  return {
    runs: progress.reduce((sum, one) => sum + one.runs, 0),
    findings: new Set(shares.flatMap((one) => one.found.map(({ signature }) => signature))).size,
    elapsed: Math.max(...progress.map((one) => one.elapsed)),
  };
}

/** What is known of one share: its result, or what it said before it died. */
class ShareNews {
  progress: CampaignProgress = { runs: 0, findings: 0, elapsed: 0 };
  found: readonly DistinctFinding[] = [];
  private result: CampaignPart | null = null;
  private death: string | null = null;

  hear(news: CampaignNews): void {
    if ("progress" in news) this.progress = news.progress;
    else this.found = news.found;
  }

  done(part: CampaignPart): void {
    this.result = part;
  }

  died(message: string): void {
    this.death = message;
  }

  part(): CampaignPart {
    if (this.result) return this.result;
    const { runs, elapsed } = this.progress;
    return {
      runs,
      requests: 0,
      seconds: elapsed / 1000,
      findings: this.found,
      unknown: new Map(),
      failures: [{ message: this.death!, file: null }],
      drawn: new Map(),
      coverage: new Map(),
      mended: [],
    };
  }
}
