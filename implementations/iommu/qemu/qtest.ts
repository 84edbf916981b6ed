/**
 * The qtest protocol, spoken synchronously and in bulk: commands are queued as text, sent in one write, and
 * their replies parsed in order. Nothing here knows what the addresses mean.
 */
import { readSync, writeSync } from "node:fs";
import type { Word } from "../../../model/trace.js";

/** A place in the replies of the current batch; valid after {@link Qtest.exchange} and until {@link Qtest.begin}. */
export type Reply = number;

/** What the protocol needs of the process it talks to. */
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

/** Both pipes hold 64 KiB: with more replies than that outstanding, QEMU and we would wait for each other. */
const REPLY_LIMIT = 40_000;
const OK_BYTES = 3;
const VALUE_BYTES = 22;

/** Failed reads right after sending, before the first sleep: a batch takes less time than waking up does. */
const SPINS = 60;
const SHORTEST_SLEEP_MS = 0.05;
const LONGEST_SLEEP_MS = 2;

const NEWLINE = 10;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** A qtest conversation. Commands with an answer return the place of their {@link Reply}. */
export class Qtest {
  #text: string[] = [];
  #lines = 0;
  #replyBytes = 0;
  /** Index of each awaited line that carries a value. */
  #wanted: number[] = [];
  #values: string[] = [];
  #input = Buffer.alloc(1 << 16);

  constructor(
    private readonly channel: Channel,
    /** How long QEMU may make no progress. */
    public timeoutMs: number,
  ) {}

  /** Forgets the replies so far. Commands that were queued stay queued. */
  begin(): void {
    this.#values = [];
  }

  write32(address: number, value: number): void {
    this.#queue(`writel ${hex(address)} ${hex(value >>> 0)}\n`, OK_BYTES);
  }

  write64(address: number, low: number, high: number): void {
    this.#queue(`writeq ${hex(address)} ${hex64(low, high)}\n`, OK_BYTES);
  }

  /** Writes bytes, given as hexadecimal digits in address order, by accesses as wide as the target takes. */
  writeDigits(address: number, digits: string): void {
    this.#queue(`write ${hex(address)} ${digits.length / 2} 0x${digits}\n`, OK_BYTES);
  }

  out8(port: number, value: number): void {
    this.#queue(`outb ${hex(port)} ${hex(value)}\n`, OK_BYTES);
  }

  out32(port: number, value: number): void {
    this.#queue(`outl ${hex(port)} ${hex(value >>> 0)}\n`, OK_BYTES);
  }

  in32(port: number): Reply {
    return this.#ask(`inl ${hex(port)}\n`, VALUE_BYTES);
  }

  /** Moves the virtual clock and runs the timers that expire; only with the qtest accelerator. */
  step(nanoseconds: number): void {
    this.#queue(`clock_step ${nanoseconds}\n`, VALUE_BYTES);
  }

  read32(address: number): Reply {
    return this.#ask(`readl ${hex(address)}\n`, VALUE_BYTES);
  }

  read64(address: number): Reply {
    return this.#ask(`readq ${hex(address)}\n`, VALUE_BYTES);
  }

  /** Reads a block by accesses as wide as the target takes. */
  readBlock(address: number, bytes: number): Reply {
    return this.#ask(`read ${hex(address)} ${hex(bytes)}\n`, 2 * bytes + VALUE_BYTES);
  }

  /** The low 32 bits of a value read. */
  low(reply: Reply): number {
    return Number.parseInt(this.#value(reply).slice(-8), 16);
  }

  /** The high 32 bits of a value read. */
  high(reply: Reply): number {
    return Number.parseInt(this.#value(reply).slice(-16, -8), 16);
  }

  /** A block read, as 64-bit words. */
  words(reply: Reply): Word[] {
    const bytes = Buffer.from(this.#value(reply), "hex");
    return Array.from({ length: bytes.length / 8 }, (_, word) => ({
      low: bytes.readUInt32LE(8 * word),
      high: bytes.readUInt32LE(8 * word + 4),
    }));
  }

  /**
   * Sends what is queued and takes every reply.
   * @throws QtestError when QEMU is gone, does not answer in time, or refuses a command
   */
  exchange(): void {
    if (this.#lines === 0) return;
    this.#send(Buffer.from(this.#text.join(""), "latin1"));
    const lines = this.#receive(this.#lines);
    for (const line of lines) if (!line.startsWith("OK")) throw refusal(line);
    for (const index of this.#wanted) this.#values.push(digitsOf(lines[index]!));
    this.#text = [];
    this.#wanted = [];
    this.#lines = 0;
    this.#replyBytes = 0;
  }

  #queue(command: string, replyBytes: number): void {
    if (this.#replyBytes + replyBytes > REPLY_LIMIT) this.exchange();
    this.#text.push(command);
    this.#lines += 1;
    this.#replyBytes += replyBytes;
  }

  #ask(command: string, replyBytes: number): Reply {
    this.#queue(command, replyBytes);
    this.#wanted.push(this.#lines - 1);
    return this.#values.length + this.#wanted.length - 1;
  }

  #value(reply: Reply): string {
    const value = this.#values[reply];
    if (value === undefined) throw new RangeError(`no reply ${reply}: it was not exchanged yet`);
    return value;
  }

  #send(bytes: Buffer): void {
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

  #receive(lines: number): string[] {
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

/** Waiting for a pipe: first eagerly, then ever more slowly, at last not at all. Progress renews it. */
class Patience {
  #tries = 0;
  #sleepMs = SHORTEST_SLEEP_MS;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(
    private readonly timeoutMs: number,
    private readonly what: string,
  ) {}

  renew(): void {
    this.#tries = 0;
    this.#sleepMs = SHORTEST_SLEEP_MS;
  }

  wait(): void {
    this.#tries += 1;
    if (this.#tries === 1) this.#deadline = performance.now() + this.timeoutMs;
    if (this.#tries <= SPINS) return;
    if (performance.now() > this.#deadline) {
      throw new QtestError("silent", `it stopped ${this.what} for ${this.timeoutMs / 1000} s`);
    }
    Atomics.wait(sleeper, 0, 0, this.#sleepMs);
    if (this.#tries > 2 * SPINS) this.#sleepMs = Math.min(2 * this.#sleepMs, LONGEST_SLEEP_MS);
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

function digitsOf(line: string): string {
  if (!/^OK 0x[0-9a-f]+$/.test(line)) throw refusal(line);
  return line.slice(5);
}

function refusal(line: string): QtestError {
  return new QtestError("nonsense", `it answered "${line.slice(0, 200)}" to a command`);
}

/** A 64-bit value as the hexadecimal digits of its bytes, lowest byte first. */
export function digits64(low: number, high: number): string {
  return digits32(low) + digits32(high);
}

function digits32(value: number): string {
  const swapped =
    ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
  return (swapped >>> 0).toString(16).padStart(8, "0");
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function hex64(low: number, high: number): string {
  return `0x${(high >>> 0).toString(16)}${(low >>> 0).toString(16).padStart(8, "0")}`;
}
