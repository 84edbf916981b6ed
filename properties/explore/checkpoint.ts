/** Files that searches are taken up from again. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isLeft } from "fp-ts/lib/Either.js";
import * as t from "io-ts";
import { PathReporter } from "io-ts/lib/PathReporter.js";
import type { Search } from "./search.js";

const checkpointCodec = t.strict({
  format: t.literal("iommu-spec search 1"),
  /** What is searched, in words that say everything about it: only the same can be taken up. */
  subject: t.string,
  /** By state, 32 bits each, in base 64: the state before, the step that led on, the distance from the start. */
  parents: t.string,
  steps: t.string,
  depths: t.string,
  /** Keys of states, 128 bits each. */
  keys: t.string,
  next: t.number,
  transitions: t.number,
  failures: t.array(t.tuple([t.string, t.number])),
});

/** A checkpoint cannot be used; the message says why. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/** Saves where a search stands. */
export function saveCheckpoint(path: string, subject: string, { frontier, keys }: Search): void {
  const { parents, steps, depths, next, transitions, failures } = frontier;
  const data: t.TypeOf<typeof checkpointCodec> = {
    format: "iommu-spec search 1",
    subject,
    parents: packed(Int32Array.from(parents)),
    steps: packed(Int32Array.from(steps)),
    depths: packed(Int32Array.from(depths)),
    keys: packed(keys),
    next,
    transitions,
    failures: [...failures],
  };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(data)}\n`);
}

/**
 * Has a search go on where the checkpoint stands.
 * @throws CheckpointError when the file does not fit, or is of another search
 */
export function resumeFrom(path: string, subject: string, search: Search): void {
  const decoded = checkpointCodec.decode(parsed(path));
  if (isLeft(decoded))
    throw new CheckpointError(`${path} is no checkpoint: ${PathReporter.report(decoded)[0]}`);
  const { parents, steps, depths, keys, next, transitions, failures, subject: other } = decoded.right;
  if (other !== subject) throw new CheckpointError(`${path} is of another search: ${other}`);
  const frontier = {
    parents: [...unpacked(parents)],
    steps: [...unpacked(steps)],
    depths: [...unpacked(depths)],
    next,
    transitions,
    failures: new Map(failures),
  };
  search.resume(frontier, unpacked(keys));
}

function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new CheckpointError(`${path} cannot be used: ${(error as Error).message}`);
  }
}

function packed(values: Int32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}

function unpacked(text: string): Int32Array {
  const bytes = Buffer.from(text, "base64");
  return new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
