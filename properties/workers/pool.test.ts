/** Tasks on threads: every one done once, results beside their tasks, and failures told without losing the rest. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { threadId } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

type OnWorkers = typeof import("./pool.js").onWorkers;

const JOB = `
import { threadId } from "node:worker_threads";
export function run(task, say) {
  if (task.do === "throw") throw new RangeError("no " + task.value);
  if (task.do === "exit") { say("before"); process.exit(7); }
  if (task.do === "say") say(task.value);
  // Long enough for every thread to get some.
  const until = performance.now() + 5;
  while (performance.now() < until);
  return { square: task.value ** 2, threadId };
}`;

interface Task {
  readonly do: "square" | "throw" | "exit" | "say";
  readonly value: number;
}
interface Result {
  readonly square: number;
  readonly threadId: number;
}

/** Where threads run, a module has to be compiled: node cannot run TypeScript. */
const folder = mkdtempSync(join(tmpdir(), "iommu-spec-pool-"));
const job = pathToFileURL(join(folder, "job.js"));
let pool: { onWorkers: OnWorkers };

beforeAll(async () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const sources = ["pool.ts", "worker.ts"].map((one) => join(root, "properties/workers", one));
  const types = join(root, "node_modules/@types");
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      outDir: folder,
      rootDir: join(root, "properties/workers"),
      typeRoots: [types],
    },
    files: sources,
    include: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(job, JOB);
  const tsc = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
  expect(tsc.stdout + tsc.stderr).toBe("");
  pool = await import(pathToFileURL(join(folder, "pool.js")).href);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function done(tasks: readonly Task[], workers: number) {
  const results: Result[] = [];
  const heard: [number, unknown][] = [];
  let error: unknown = null;
  const listener = {
    done: (index: number, result: Result) => {
      expect(results[index]).toBe(undefined);
      results[index] = result;
    },
    heard: (index: number, message: unknown) => heard.push([index, message]),
  };
  await pool.onWorkers<Task, Result, unknown>(job, tasks, workers, listener).catch((thrown) => {
    error = thrown;
  });
  return { results, heard, error, threads: new Set(results.filter((one) => one).map((one) => one.threadId)) };
}

const squares = (count: number): Task[] =>
  Array.from({ length: count }, (_, value) => ({ do: "square", value }));

describe("onWorkers", () => {
  it.each([1, 2, 3])("with %i workers does every task once", async (workers) => {
    const { results, threads, error } = await done(squares(20), workers);
    expect(results.map((one) => one.square)).toEqual(squares(20).map(({ value }) => value ** 2));
    expect(threads.has(threadId)).toBe(workers === 1);
    expect(error).toBe(null);
  });

  it("no tasks are no error", async () => {
    expect(await done([], 2)).toMatchObject({ results: [], error: null });
  });

  it.each([1, 2])("with %i workers hears what tasks say before they end", async (workers) => {
    const { heard } = await done([...squares(2), { do: "say", value: 5 }], workers);
    expect(heard).toEqual([[2, 5]]);
  });

  it.each([1, 2])("with %i workers a task that throws is told, and the others are done", async (workers) => {
    const { results, error } = await done([{ do: "throw", value: 3 }, ...squares(6)], workers);
    expect(error).toMatchObject({
      failures: [{ index: 0, message: expect.stringMatching(/^RangeError: no 3 \(at .*job\.js/) }],
    });
    expect(results.filter((one) => one)).toHaveLength(6);
  });

  it("a thread that dies is one failure; what it said is kept, and the others are done", async () => {
    const { results, error, heard } = await done([...squares(3), { do: "exit", value: 0 }, ...squares(6)], 2);
    expect(error).toMatchObject({ failures: [{ index: 3, message: "its thread died: exit code 7" }] });
    expect(heard).toEqual([[3, "before"]]);
    expect(results.filter((one) => one)).toHaveLength(9);
  });

  it("a module that cannot be loaded is an error, with one worker or many", async () => {
    const missing = pathToFileURL(join(folder, "broken.js"));
    writeFileSync(missing, "throw new Error('not today')");
    for (const workers of [1, 2])
      await expect(pool.onWorkers(missing, [1, 2, 3], workers, () => undefined)).rejects.toThrow("not today");
  });
});
