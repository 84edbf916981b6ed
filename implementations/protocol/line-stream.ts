/** Lines to and from a process. What does not fit into its pipes waits here: neither side ever waits for the other to read. */
import { readSync, writeSync } from "node:fs";
import { attempt, BreakdownError, Patience } from "../process/waiting.js";

/** Longest line that a program may write. */
export const LONGEST_LINE = 1 << 20;
const NEWLINE = 10;
const CHUNK = 1 << 16;
const EMPTY = Buffer.alloc(0);

/** Both pipes. */
export class LineStream {
  /** What was read and is not a complete line yet. */
  #input = Buffer.allocUnsafe(CHUNK);
  #inputLength = 0;
  #lines: string[] = [];
  #nextLine = 0;
  #queued = "";
  #output: Buffer = EMPTY;
  #closed = false;

  constructor(
    private readonly channel: { readonly commands: number; readonly replies: number },
    /** How long a line may be awaited. */
    public timeoutMs: number,
    /** Is called now and then: before something is read, and while nothing happens. */
    private readonly idle: () => void,
  ) {}

  /** Queues a line. */
  push(line: string): void {
    this.#queued += `${line}\n`;
  }

  /** Whether anything is there that {@link receive} would return, or the beginning of it. */
  hasInput(): boolean {
    if (this.#nextLine === this.#lines.length && this.#inputLength === 0) this.#read();
    return this.#nextLine < this.#lines.length || this.#inputLength > 0;
  }

  /** Writes as much of what is queued as goes without waiting. */
  flush(): void {
    if (this.#queued !== "") {
      const more = Buffer.from(this.#queued, "utf8");
      this.#output = this.#output.length === 0 ? more : Buffer.concat([this.#output, more]);
      this.#queued = "";
    }
    while (this.#output.length > 0 && !this.#closed) {
      const count = this.#write();
      if (count === undefined) return;
      this.#output = this.#output.subarray(count);
    }
  }

  /**
   * The next line, once what is queued was written or as soon as it is there.
   * @throws BreakdownError when the process is gone, does not write a line in time, or writes one that is too long
   */
  receive(): string {
    if (this.#nextLine < this.#lines.length) return this.#lines[this.#nextLine++]!;
    this.flush();
    this.idle();
    const patience = new Patience(this.timeoutMs, "answering");
    for (;;) {
      const progress = this.#read();
      this.flush();
      if (this.#nextLine < this.#lines.length) return this.#lines[this.#nextLine++]!;
      if (progress) continue;
      if (this.#closed) throw new BreakdownError("ended", "it closed its standard input");
      this.idle();
      patience.wait();
    }
  }

  /** How many bytes were taken; nothing when the pipe is full or nobody will read it. */
  #write(): number | undefined {
    try {
      return attempt(() => writeSync(this.channel.commands, this.#output));
    } catch (error) {
      if (!(error instanceof BreakdownError)) throw error;
      // What it has answered so far is still to be read.
      this.#closed = true;
      return undefined;
    }
  }

  /** Reads what is there; false when nothing is. */
  #read(): boolean {
    if (this.#inputLength > LONGEST_LINE) {
      throw new BreakdownError("nonsense", `it wrote a line of more than ${LONGEST_LINE} bytes`);
    }
    if (this.#input.length - this.#inputLength < CHUNK) {
      const larger = Buffer.allocUnsafe(2 * this.#input.length);
      this.#input.copy(larger, 0, 0, this.#inputLength);
      this.#input = larger;
    }
    const free = this.#input.length - this.#inputLength;
    const count = attempt(() =>
      readSync(this.channel.replies, this.#input, this.#inputLength, Math.min(free, CHUNK), null),
    );
    if (count === undefined) return false;
    if (count === 0) throw new BreakdownError("ended", "it ended");
    this.#take(count);
    return true;
  }

  /** Takes complete lines out of the input, which has grown by so many bytes. */
  #take(count: number): void {
    const end = this.#inputLength + count;
    const last = this.#input.lastIndexOf(NEWLINE, end - 1);
    if (last < this.#inputLength) {
      this.#inputLength = end;
      return;
    }
    this.#lines = this.#input.toString("utf8", 0, last).split("\n");
    this.#nextLine = 0;
    this.#input.copy(this.#input, 0, last + 1, end);
    this.#inputLength = end - last - 1;
  }
}
