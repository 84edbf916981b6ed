/** What a second thread gains: scenarios per second of campaigns on two threads against one. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CampaignNews, CampaignTask } from "../cli/campaign-job.js";
import { MODEL } from "../cli/campaign-name.js";
import { architectures } from "../model/architectures.js";
import type { CampaignPart } from "../properties/campaign.js";
import { onWorkers } from "../properties/workers/pool.js";
import { medianOf, type Row, rounded } from "./row.js";

const WORKERS = 2;
const TARGET = 1.9;
/** Long enough for each thread to have compiled what matters. */
const WARM_UP_MILLISECONDS = 3000;
const MILLISECONDS = 3000;
/** One thread and two take turns, so that what else the machine does meets both. */
const ROUNDS = 3;
const JOB = new URL("../cli/campaign-job.js", import.meta.url);

/** For the reference and the built-in driver of each architecture: rates with one thread and with two. */
export async function workersRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { id, name } of architectures) {
    rows.push(await rowOf(`reference (${name})`, { architecture: id, on: "reference", driver: null }));
    rows.push(await rowOf(`driver ${id}`, { architecture: id, on: MODEL, driver: id }));
  }
  return rows;
}

type Subject = Pick<CampaignTask["name"], "architecture" | "on" | "driver">;

async function rowOf(what: string, subject: Subject): Promise<Row> {
  const one: number[] = [];
  const two: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    one.push(await rate(subject, 1, round));
    two.push(await rate(subject, WORKERS, round));
  }
  const ratio = medianOf(two) / medianOf(one);
  return [
    what,
    `${rounded(medianOf(one))}/s, ${rounded(medianOf(two))}/s`,
    ratio.toFixed(2),
    `at least ${TARGET}: ${ratio >= TARGET ? "reached" : "missed"}`,
  ];
}

/** Scenarios per second on so many threads, each of which has warmed up; one is this thread. */
async function rate(subject: Subject, threads: number, seed: number): Promise<number> {
  const tasks = [WARM_UP_MILLISECONDS, MILLISECONDS].flatMap((milliseconds) =>
    Array.from(
      { length: threads },
      (_, first): CampaignTask => ({
        name: { ...subject, qemu: undefined, timeoutMs: undefined, profiles: [] },
        judged: ["conformance", "I1"],
        seed,
        runs: Number.POSITIVE_INFINITY,
        milliseconds,
        folder: join(tmpdir(), "iommu-spec-bench"),
        earlier: [],
        share: { first, every: threads },
      }),
    ),
  );
  let sum = 0;
  await onWorkers<CampaignTask, CampaignPart, CampaignNews>(JOB, tasks, threads, (index, part) => {
    if (index >= threads) sum += part.runs / part.seconds;
  });
  return sum;
}
