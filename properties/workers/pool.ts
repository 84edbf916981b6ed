/** Work on several threads: a module's `run` for each of many tasks, handed out one by one as threads become free. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Job, Reply } from "./worker.js";

const THREAD = new URL("./worker.js", import.meta.url);
const NONE = -1;

/** Tasks that came to no end, because `run` threw or its thread died. Those beside them were done. */
export class WorkerError extends Error {
  constructor(readonly failures: readonly TaskFailure[]) {
    super(failures.map(({ index, message }) => `task ${index + 1}: ${message}`).join("; "));
  }
}

export interface TaskFailure {
  /** Of the task. */
  readonly index: number;
  readonly message: string;
}

/** What is told of tasks while they are under way. */
export interface Listener<R, M> {
  /** A task is done; `index` counts tasks. */
  done(index: number, result: R): void;
  /** A task said something before its end. */
  heard?(index: number, message: M): void;
}

/** As many threads as the machine has cores for. */
export function defaultWorkers(): number {
  return availableParallelism();
}

/**
 * Does every task by calling `run(task)` of a module: with one worker in this thread, with more each in a thread that has
 * loaded the module for itself. Tasks, results and messages are plain data, as they are cloned. `run` may return a
 * promise, and may call its second argument to say something on the way.
 * @param module where the compiled module is: `new URL("./one.js", import.meta.url)`. Where there are only sources, as
 * under a test runner that compiles on the fly, everything runs in this thread.
 * @param listener what is told of results; a function hears of results only
 * @throws WorkerError when some task came to no end; all others have been done then
 */
export async function onWorkers<T, R, M = never>(
  module: URL,
  tasks: readonly T[],
  workers: number,
  listener: Listener<R, M> | Listener<R, M>["done"],
): Promise<void> {
  const listening = typeof listener === "function" ? { done: listener } : listener;
  const failures =
    workers > 1 && isCompiled(THREAD)
      ? await new Pool(module, tasks, listening).run(workers)
      : await inThisThread(isCompiled(module) ? module : sourceOf(module), tasks, listening);
  if (failures.length > 0) throw new WorkerError(failures.sort((one, other) => one.index - other.index));
}

function isCompiled(module: URL): boolean {
  return existsSync(fileURLToPath(module));
}

function sourceOf(module: URL): URL {
  return new URL(module.href.replace(/\.js$/, ".ts"));
}

async function inThisThread<T, R, M>(
  module: URL,
  tasks: readonly T[],
  { done, heard }: Listener<R, M>,
): Promise<TaskFailure[]> {
  const failures: TaskFailure[] = [];
  const { run } = (await import(module.href)) as Job<T, R, M>;
  for (const [index, task] of tasks.entries()) {
    try {
      done(index, await run(task, (message) => heard?.(index, message)));
    } catch (error) {
      failures.push({ index, message: messageOf(error) });
    }
  }
  return failures;
}

/** Threads, and the tasks that are left for them. */
class Pool<T, R, M> {
  private next = 0;
  private readonly failures: TaskFailure[] = [];

  constructor(
    private readonly module: URL,
    private readonly tasks: readonly T[],
    private readonly listener: Listener<R, M>,
  ) {}

  async run(workers: number): Promise<TaskFailure[]> {
    const count = Math.min(workers, this.tasks.length);
    await Promise.all(Array.from({ length: count }, () => this.threads()));
    return this.failures;
  }

  /** Has one thread do tasks until none is left; one that dies over a task is replaced by another. */
  private async threads(): Promise<void> {
    while (this.next < this.tasks.length) await this.thread();
  }

  /** Resolves when no task is left, or when the thread died over one; rejects when it died before it took any. */
  private thread(): Promise<void> {
    const worker = new Worker(THREAD, { workerData: this.module.href });
    let current = NONE;
    let died: string | null = null;
    const hand = () => {
      current = this.next < this.tasks.length ? this.next++ : NONE;
      worker.postMessage(current === NONE ? null : { task: this.tasks[current] });
    };
    worker.on("message", (reply: Reply<R, M>) => {
      if ("says" in reply) {
        this.listener.heard?.(current, reply.says);
        return;
      }
      if ("result" in reply) this.listener.done(current, reply.result);
      if ("error" in reply) this.failures.push({ index: current, message: reply.error });
      hand();
    });
    worker.on("error", (error) => {
      died = messageOf(error);
    });
    return new Promise((resolve, reject) => {
      worker.on("exit", (code) => {
        const message = `its thread died: ${died ?? `exit code ${code}`}`;
        if (current !== NONE) this.failures.push({ index: current, message });
        if (current === NONE && died !== null) reject(new Error(died));
        else resolve();
      });
    });
  }
}

/** An error in one line, with where it was thrown. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const where = error.stack?.split("\n").find((line) => line.startsWith("    at "));
  return `${error.name}: ${error.message}${where === undefined ? "" : ` (${where.trim()})`}`;
}
