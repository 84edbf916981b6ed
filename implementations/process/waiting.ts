/** Waiting for pipes without giving up the thread: system calls that do not block, and sleeps between them. */

/** Why a conversation with a process ended. */
export type Breakdown = "ended" | "silent" | "nonsense";

/** A process does not answer as it should. */
export class BreakdownError extends Error {
  constructor(
    readonly breakdown: Breakdown,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Failed attempts before the first sleep: a short batch takes less time than waking up does. Each costs 4 us, so that
 * progress does not renew them.
 */
const SPINS = 12;
const SHORTEST_SLEEP_MS = 0.05;
const LONGEST_SLEEP_MS = 2;
/** Sleeps of the shortest kind; whatever takes longer may be noticed later. */
const SHORT_SLEEPS = 60;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Does nothing for a while. */
export function sleep(milliseconds: number): void {
  Atomics.wait(sleeper, 0, 0, milliseconds);
}

/** Waiting for a pipe: first eagerly, then ever more slowly, at last not at all. */
export class Patience {
  #tries = 0;
  #sleeps = 0;
  #sleepMs = SHORTEST_SLEEP_MS;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(
    private readonly timeoutMs: number,
    private readonly what: string,
  ) {}

  /** There was progress. */
  renew(): void {
    this.#sleeps = 0;
    this.#sleepMs = SHORTEST_SLEEP_MS;
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  /** @throws BreakdownError when there was no progress for too long */
  wait(): void {
    this.#tries += 1;
    if (this.#deadline === Number.POSITIVE_INFINITY) this.#deadline = performance.now() + this.timeoutMs;
    if (this.#tries <= SPINS) return;
    if (performance.now() > this.#deadline) {
      throw new BreakdownError("silent", `it stopped ${this.what} for ${this.timeoutMs / 1000} s`);
    }
    sleep(this.#sleepMs);
    this.#sleeps += 1;
    if (this.#sleeps > SHORT_SLEEPS) this.#sleepMs = Math.min(2 * this.#sleepMs, LONGEST_SLEEP_MS);
  }
}

/**
 * The result of a non-blocking system call on a pipe, or nothing when it would have to wait.
 * @throws BreakdownError when nobody reads what is written
 */
export function attempt(call: () => number): number | undefined {
  // Collecting a stack trace would cost more than the system call.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return call();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EAGAIN") return undefined;
    if (code === "EPIPE") throw new BreakdownError("ended", "the process ended");
    throw error;
  } finally {
    Error.stackTraceLimit = limit;
  }
}
