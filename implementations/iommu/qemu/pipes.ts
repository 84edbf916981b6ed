/** The pipes to and from a process: commands go out as bytes, lines come back; waiting is synchronous. */
import { readSync, writeSync } from "node:fs";

/** What is needed of the process. */
export interface Channel {
  readonly commands: number;
  readonly replies: number;
}

/** Why a conversation ended. */
export type Breakdown = "ended" | "silent" | "nonsense";

/** QEMU does not answer as it should. */
export class QtestError extends Error {
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

const NEWLINE = 10;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Both pipes. */
export class Pipes {
  #input = Buffer.alloc(1 << 16);

  constructor(
    private readonly channel: Channel,
    /** How long the process may make no progress. */
    public timeoutMs: number,
  ) {}

  /**
   * Sends commands.
   * @throws QtestError when the process is gone or does not take them in time
   */
  send(bytes: Uint8Array): void {
    const patience = new Patience(this.timeoutMs, "taking commands");
    for (let sent = 0; sent < bytes.length; ) {
      const count = attempt(() => writeSync(this.channel.commands, bytes, sent));
      if (count === undefined) {
        patience.wait();
        continue;
      }
      sent += count;
      patience.renew();
    }
  }

  /**
   * Takes so many lines.
   * @throws QtestError when the process is gone or does not answer in time
   */
  receive(lines: number): string[] {
    if (lines === 0) return [];
    const patience = new Patience(this.timeoutMs, "answering");
    let length = 0;
    for (let missing = lines; missing > 0; ) {
      if (length === this.#input.length) this.#input = Buffer.concat([this.#input, Buffer.alloc(length)]);
      const free = this.#input.length - length;
      const count = attempt(() => readSync(this.channel.replies, this.#input, length, free, null));
      if (count === undefined) {
        patience.wait();
        continue;
      }
      if (count === 0) throw new QtestError("ended", "the process ended");
      missing -= countNewlines(this.#input, length, length + count);
      length += count;
      patience.renew();
    }
    return this.#input.toString("latin1", 0, length).split("\n").slice(0, lines);
  }
}

/** Waiting for a pipe: first eagerly, then ever more slowly, at last not at all. */
class Patience {
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

  wait(): void {
    this.#tries += 1;
    if (this.#deadline === Number.POSITIVE_INFINITY) this.#deadline = performance.now() + this.timeoutMs;
    if (this.#tries <= SPINS) return;
    if (performance.now() > this.#deadline) {
      throw new QtestError("silent", `it stopped ${this.what} for ${this.timeoutMs / 1000} s`);
    }
    Atomics.wait(sleeper, 0, 0, this.#sleepMs);
    this.#sleeps += 1;
    if (this.#sleeps > SHORT_SLEEPS) this.#sleepMs = Math.min(2 * this.#sleepMs, LONGEST_SLEEP_MS);
  }
}

/** The result of a non-blocking system call, or nothing when it would have to wait. */
function attempt(call: () => number): number | undefined {
  // Collecting a stack trace would cost more than the system call.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return call();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EAGAIN") return undefined;
    if (code === "EPIPE") throw new QtestError("ended", "the process ended");
    throw error;
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function countNewlines(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (bytes[at] === NEWLINE) count += 1;
  return count;
}
