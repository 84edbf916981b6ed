/** The program's side of a conversation: lines come in, answers go out, until the input ends. */
import { readSync, writeSync } from "node:fs";
import { LONGEST_LINE } from "./line-stream.js";
import { type Answer, InputError, type Service } from "./serve-message.js";

const NEWLINE = 10;
const CHUNK_BYTES = 1 << 16;
/** Characters of a line that a message shows at most. */
const SHOWN = 200;
const PAUSE_MS = 1;
const pauser = new Int32Array(new SharedArrayBuffer(4));

/**
 * Answers every message until the input ends. Answers are written when no more input is at hand.
 * @throws InputError when a line is no JSON, too long, or cut short by the end, and as the service does
 */
export function serveLines(service: Service, input: number, output: number): void {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  for (let line = 1; ; ) {
    const count = patiently(() => readSync(input, chunk, 0, CHUNK_BYTES, null));
    if (count === 0) break;
    const bytes = Buffer.concat([rest, chunk.subarray(0, count)]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    rest = bytes.subarray(end);
    if (rest.length > LONGEST_LINE) throw new InputError(`line ${line} is longer than ${LONGEST_LINE} bytes`);
    let answers = "";
    try {
      for (const text of linesOf(bytes.subarray(0, end))) {
        answers += `${JSON.stringify(answered(text, line, service))}\n`;
        line++;
      }
    } finally {
      write(output, answers);
    }
  }
  if (rest.length > 0) throw new InputError("the input ends within a line");
}

function answered(text: string, line: number, service: Service): Answer {
  try {
    return service.answer(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof InputError)) throw error;
    throw new InputError(`line ${line} (${text.slice(0, SHOWN)}): ${error.message}`);
  }
}

function linesOf(bytes: Buffer): string[] {
  const lines = bytes.toString("utf8").split("\n");
  lines.pop();
  return lines;
}

function write(output: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let sent = 0; sent < bytes.length; ) sent += patiently(() => writeSync(output, bytes, sent));
}

/** The result of a system call on what may be non-blocking, such as a terminal. */
function patiently(call: () => number): number {
  while (true) {
    try {
      return call();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EOF") return 0;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(pauser, 0, 0, PAUSE_MS);
    }
  }
}
