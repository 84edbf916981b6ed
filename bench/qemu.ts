/**
 * Campaigns on QEMU against the limit of its transport: a loop that sends the bytes of the same scenarios again, as they
 * were sent, and waits for as many replies. What a second process gains stands beside it.
 */

import { findQemu, qemuProfilesOf } from "../implementations/iommu/qemu/index.js";
import { architectures } from "../model/architectures.js";
import { onWorkers } from "../properties/workers/pool.js";
import { recorded, replay } from "./qemu-recording.js";
import { QemuScenarios, type QemuTask } from "./qemu-scenarios.js";
import { medianOf, type Row, rounded } from "./row.js";

/** Scenarios that are recorded, and sent again. */
const SCENARIOS = 300;
const WARM_UPS = 3;
/** What is compared takes turns, so that what else the machine does meets both. */
const ROUNDS = 7;
/** Of the processes; each takes seconds. */
const PROCESS_ROUNDS = 3;
const LIMIT_TARGET = 0.8;
const PROCESSES = 2;
const PROCESSES_TARGET = 1.8;
const MODULE = new URL("./qemu-scenarios.js", import.meta.url);

/**
 * For every architecture that a QEMU has units of.
 * @param path the program; default as for `--qemu`
 * @throws ImplementationError when there is no QEMU
 */
export async function qemuRows(path?: string): Promise<Row[]> {
  const qemu = findQemu(path);
  const taken = qemuProfilesOf(qemu.version);
  const rows: Row[] = [];
  for (const { id, name, profiles } of architectures) {
    if (!profiles.some((one) => taken.includes(one.id))) continue;
    const task: QemuTask = { path: qemu.path, architecture: id };
    const what = `${name} on QEMU ${qemu.version}`;
    rows.push(limitRow(what, task), await processesRow(what, task));
  }
  return rows;
}

function limitRow(what: string, task: QemuTask): Row {
  const scenarios = new QemuScenarios(task);
  try {
    for (let round = 0; round < WARM_UPS; round++) scenarios.judge(0, SCENARIOS);
    const recording = recorded(() => scenarios.judge(0, SCENARIOS));
    const times = Array.from({ length: ROUNDS }, () => ({
      raw: secondsOf(() => replay(recording)),
      campaign: secondsOf(() => scenarios.judge(0, SCENARIOS)),
    }));
    const raw = SCENARIOS / medianOf(times.map((one) => one.raw));
    const campaign = SCENARIOS / medianOf(times.map((one) => one.campaign));
    return [
      `${what}: campaign, raw transport`,
      `${rounded(campaign)}/s, ${rounded(raw)}/s`,
      ...against(campaign / raw, LIMIT_TARGET),
    ];
  } finally {
    scenarios.close();
  }
}

async function processesRow(what: string, task: QemuTask): Promise<Row> {
  const rates: { one: number; many: number }[] = [];
  for (let round = 0; round < PROCESS_ROUNDS; round++) {
    rates.push({ one: await rate(task, 1), many: await rate(task, PROCESSES) });
  }
  const one = medianOf(rates.map((each) => each.one));
  const many = medianOf(rates.map((each) => each.many));
  return [
    `${what}: one process, two`,
    `${rounded(one)}/s, ${rounded(many)}/s`,
    ...against(many / one, PROCESSES_TARGET),
  ];
}

/** Scenarios per second of so many processes side by side, each in a new thread with a QEMU of its own. */
async function rate(task: QemuTask, processes: number): Promise<number> {
  let sum = 0;
  const tasks = Array.from({ length: processes }, () => task);
  await onWorkers<QemuTask, number>(MODULE, tasks, PROCESSES, (_, each) => {
    sum += each;
  });
  return sum;
}

function against(ratio: number, target: number): [ratio: string, target: string] {
  return [ratio.toFixed(2), `at least ${target}: ${ratio >= target ? "reached" : "missed"}`];
}

function secondsOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}
