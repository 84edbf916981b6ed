/**
 * The qtest protocol, spoken synchronously and in bulk: commands are queued as text, sent in one write, and
 * their replies parsed in order. Nothing here knows what the addresses mean.
 */
import type { Word } from "../../../model/trace.js";
import { BreakdownError } from "../../process/waiting.js";
import type { Pipes } from "./pipes.js";

/** A place in the replies of the current batch; valid after {@link Qtest.receive} and until {@link Qtest.begin}. */
export type Reply = number;

/** Both pipes hold 64 KiB: with more replies than that outstanding, QEMU and we would wait for each other. */
const REPLY_LIMIT = 40_000;
const OK_BYTES = 3;
const VALUE_BYTES = 22;

/** QEMU takes at most 1 KiB of commands in a turn of its main loop; two turns, because the clock may need one itself. */
const TWO_TURNS = "x".repeat(2 * 1024);

/** A qtest conversation. Commands with an answer return the place of their {@link Reply}. */
export class Qtest {
  #text: string[] = [];
  #lines = 0;
  #replyBytes = 0;
  /** Index of each awaited line that carries a value. */
  #wanted: number[] = [];
  #values: string[] = [];
  /** Replies that were not received yet. */
  #awaited = 0;

  constructor(private readonly pipes: Pipes) {}

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

  /** Reads a register after QEMU's main loop has run the timers that have expired by now. Words too many are ignored. */
  read32Later(address: number): Reply {
    return this.#ask(`readl ${hex(address)} ${TWO_TURNS}\n`, VALUE_BYTES);
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
    const count = this.#value(reply).length / 16;
    return Array.from({ length: count }, (_, index) => this.word(reply, index));
  }

  /** One of the 64-bit words of a block read. */
  word(reply: Reply, index: number): Word {
    const digits = this.#value(reply);
    const half = (at: number) => swapped(Number.parseInt(digits.slice(at, at + 8), 16));
    return { low: half(16 * index), high: half(16 * index + 8) };
  }

  /**
   * Sends what is queued and takes every reply.
   * @throws BreakdownError when QEMU is gone, does not answer in time, or refuses a command
   */
  exchange(): void {
    this.send();
    this.receive();
  }

  /**
   * Sends what is queued; {@link receive} comes before the next commands.
   * @throws BreakdownError when QEMU is gone or does not take it in time
   */
  send(): void {
    if (this.#lines === 0) return;
    this.pipes.send(Buffer.from(this.#text.join(""), "latin1"));
    this.#awaited = this.#lines;
    this.#text = [];
    this.#lines = 0;
    this.#replyBytes = 0;
  }

  /**
   * Takes the replies to what was sent.
   * @throws BreakdownError when QEMU is gone, does not answer in time, or refuses a command
   */
  receive(): void {
    const lines = this.pipes.receive(this.#awaited);
    this.#awaited = 0;
    for (const line of lines) if (!line.startsWith("OK")) throw refusal(line);
    for (const index of this.#wanted) this.#values.push(digitsOf(lines[index]!));
    this.#wanted = [];
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
}

function digitsOf(line: string): string {
  if (!/^OK 0x[0-9a-f]+$/.test(line)) throw refusal(line);
  return line.slice(5);
}

function refusal(line: string): BreakdownError {
  return new BreakdownError("nonsense", `it answered "${line.slice(0, 200)}" to a command`);
}

/** A 64-bit value as the hexadecimal digits of its bytes, lowest byte first. */
export function digits64(low: number, high: number): string {
  return digits32(low) + digits32(high);
}

function digits32(value: number): string {
  return swapped(value).toString(16).padStart(8, "0");
}

/** The four bytes of a number, last one first. */
function swapped(value: number): number {
  const bytes = ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
  return bytes >>> 0;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function hex64(low: number, high: number): string {
  return `0x${(high >>> 0).toString(16)}${(low >>> 0).toString(16).padStart(8, "0")}`;
}
