/** What a piece of work sends to QEMU, recorded where it leaves this program, to be sent again by a loop that does nothing else. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { Pipes } from "../implementations/iommu/qemu/pipes.js";

/** Commands, memory contents, and replies that were awaited. */
type Entry =
  | { readonly do: "send"; readonly file: number; readonly bytes: Buffer }
  | { readonly do: "store"; readonly file: number; readonly bytes: Buffer; readonly position: number }
  | { readonly do: "receive"; readonly file: number; lines: number };

export type Recording = readonly Entry[];

const PATIENCE_MS = 10_000;
const NEWLINE = 10;

/** Does the work, and returns what it sent to open pipes and files, in order. */
export function recorded(work: () => void): Recording {
  const entries: Entry[] = [];
  const { writeSync, readSync } = fs;
  const writing = (
    file: number,
    bytes: NodeJS.ArrayBufferView,
    offset = 0,
    length?: number,
    position?: number,
  ) => {
    const count = writeSync(file, bytes, offset, length, position);
    const copy = Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset + offset, count));
    entries.push(
      position === undefined
        ? { do: "send", file, bytes: copy }
        : { do: "store", file, bytes: copy, position },
    );
    return count;
  };
  const reading = (file: number, into: Buffer, offset: number, length: number, position: number | null) => {
    const count = readSync(file, into, offset, length, position);
    if (position === null) noteLines(entries, file, into.subarray(offset, offset + count));
    return count;
  };
  Object.assign(fs, { writeSync: writing, readSync: reading });
  syncBuiltinESMExports();
  try {
    work();
  } finally {
    Object.assign(fs, { writeSync, readSync });
    syncBuiltinESMExports();
  }
  return entries;
}

/** However many reads replies took, they were one wait. */
function noteLines(entries: Entry[], file: number, bytes: Buffer): void {
  const lines = bytes.reduce((count, byte) => count + (byte === NEWLINE ? 1 : 0), 0);
  const last = entries.at(-1);
  if (last?.do === "receive" && last.file === file) last.lines += lines;
  else entries.push({ do: "receive", file, lines });
}

/** Sends it all again, and waits as often as it was waited. */
export function replay(recording: Recording): void {
  const pipes = new Map<number, Pipes>();
  const pipe = (file: number) => {
    const known = pipes.get(file) ?? new Pipes({ commands: file, replies: file }, PATIENCE_MS);
    pipes.set(file, known);
    return known;
  };
  for (const entry of recording) {
    if (entry.do === "send") pipe(entry.file).send(entry.bytes);
    else if (entry.do === "receive") pipe(entry.file).receive(entry.lines);
    else fs.writeSync(entry.file, entry.bytes, 0, entry.bytes.length, entry.position);
  }
}
