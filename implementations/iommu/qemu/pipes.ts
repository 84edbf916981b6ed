/** The pipes to and from a process: commands go out as bytes, lines come back; waiting is synchronous. */
import { readSync, writeSync } from "node:fs";
import { attempt, BreakdownError, Patience } from "../../process/waiting.js";

/** What is needed of the process. */
export interface Channel {
  readonly commands: number;
  readonly replies: number;
}

const NEWLINE = 10;

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
   * @throws BreakdownError when the process is gone or does not take them in time
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
   * @throws BreakdownError when the process is gone or does not answer in time
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
      if (count === 0) throw new BreakdownError("ended", "the process ended");
      missing -= countNewlines(this.#input, length, length + count);
      length += count;
      patience.renew();
    }
    return this.#input.toString("latin1", 0, length).split("\n").slice(0, lines);
  }
}

function countNewlines(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (bytes[at] === NEWLINE) count += 1;
  return count;
}
