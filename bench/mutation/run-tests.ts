/**
 * A bare process that runs test files one after another. Its argument is an order as JSON; what came out it writes as a
 * line of JSON.
 */
import { writeSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import type { Suite, Test, VitestRunner } from "@vitest/runner";
import { type Failure, LOADING, type RunOrder, type RunResult } from "./runs.js";

const WATCH_MILLISECONDS = 500;

/** The runner, with a clock that stands still: how long a test waited for a processor says nothing about a mutant. */
async function loadRunner() {
  const { now } = performance;
  performance.now = () => 0;
  const runner = await import("@vitest/runner");
  performance.now = now;
  return runner;
}

/** Seconds that all threads of this process have computed for. */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * Ends the process when one test takes longer than it may, or nobody waits for it any more: the thread that runs it may
 * never come back.
 */
function watch(state: SharedArrayBuffer): void {
  const deadline = new Float64Array(state);
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent || processorSeconds() > deadline[0]!) process.kill(process.pid, "SIGXCPU");
  }, WATCH_MILLISECONDS);
}

async function run({
  files,
  skipped,
  stopsAtFailure,
  seconds,
  secondsOfATest,
}: RunOrder): Promise<RunResult> {
  const state = new SharedArrayBuffer(8);
  const deadline = new Float64Array(state);
  const start = () => {
    deadline[0] = processorSeconds() + secondsOfATest;
  };
  start();
  new Worker(new URL(import.meta.url), { workerData: state }).unref();

  const { startTests } = await loadRunner();
  const failed: Failure[] = [];
  let tests = 0;
  let complete = true;
  const isOver = () => !complete || (stopsAtFailure && failed.length > 0);
  const runner = runnerOf({
    before: (test) => {
      complete &&= processorSeconds() < seconds;
      const { file, fullTestName } = test;
      if (isOver() || skipped.some((one) => one.file === file.name && one.test === fullTestName))
        test.mode = "skip";
      start();
    },
    after: (test) => {
      tests++;
      const { state, errors } = test.result ?? {};
      if (state === "fail")
        failed.push({ file: test.file.name, test: test.fullTestName, why: firstLine(errors) });
    },
  });
  for (const path of files) {
    if (isOver()) break;
    start();
    const [file] = await startTests([path], runner);
    const before = failed.some((one) => one.file === file?.name);
    if (file?.result?.state === "fail" && !before)
      failed.push({ file: file.name, test: LOADING, why: firstLine(errorsOf(file)) });
  }
  return { failed, tests, complete };
}

type Errors = readonly { readonly message: string }[] | undefined;

function firstLine(errors: Errors): string {
  return errors?.[0]?.message.split("\n")[0] ?? "";
}

/** What went wrong in a suite or in one within it, outside of its tests. */
function errorsOf(suite: Suite): Errors {
  if (suite.result?.errors?.length) return suite.result.errors;
  const inside = suite.tasks.map((one) => (one.type === "suite" ? errorsOf(one) : undefined));
  return inside.find((one) => one !== undefined);
}

function runnerOf(on: { before: (test: Test) => void; after: (test: Test) => void }): VitestRunner {
  return {
    config: {
      root: process.cwd(),
      name: undefined,
      setupFiles: [],
      passWithNoTests: true,
      testNamePattern: undefined,
      allowOnly: true,
      sequence: { seed: 1, hooks: "stack", setupFiles: "list" },
      chaiConfig: undefined,
      maxConcurrency: 1,
      testTimeout: 0,
      hookTimeout: 0,
      retry: 0,
      includeTaskLocation: false,
      tags: [],
      tagsFilter: undefined,
      strictTags: false,
    },
    importFile: (path) => import(path),
    onBeforeRunTask: on.before,
    onAfterRunTask: on.after,
  };
}

if (isMainThread) {
  const result = await run(JSON.parse(process.argv[2]!) as RunOrder);
  writeSync(1, `\n${JSON.stringify(result)}\n`);
  process.exit(0);
} else {
  watch(workerData as SharedArrayBuffer);
}
