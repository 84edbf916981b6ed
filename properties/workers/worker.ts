/** One thread of the pool: loads a module and does the tasks that it is handed until there is none. */
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "./pool.js";

/** What a module offers to the pool. */
export interface Job<T, R, M> {
  run(task: T, say: (message: M) => void): R | Promise<R>;
}

/** What a thread tells the pool; `ready` comes once, before the first task. */
export type Reply<R, M> =
  | { readonly ready: true }
  | { readonly says: M }
  | { readonly result: R }
  | { readonly error: string };

const port = parentPort!;
const tell = (reply: Reply<unknown, unknown>) => port.postMessage(reply);
const { run } = (await import(workerData as string)) as Job<unknown, unknown, unknown>;

port.on("message", async (order: { readonly task: unknown } | null) => {
  if (order === null) {
    port.close();
    return;
  }
  try {
    tell({ result: await run(order.task, (message) => tell({ says: message })) });
  } catch (error) {
    tell({ error: messageOf(error) });
  }
});
tell({ ready: true });
