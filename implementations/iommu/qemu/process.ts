/** One QEMU process on its leash, with the files it needs to start. */
import { closeSync, ftruncateSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type LeashedProcess, startLeashed } from "../../process/leash.js";
import { firmware } from "./firmware.js";

/** Files QEMU opens by name while it starts. */
export interface BootFiles {
  readonly firmware: string;
  readonly memory: string;
}

/** A running QEMU. */
export interface QemuProcess extends Omit<LeashedProcess, "ending" | "ended"> {
  /** The file that is the guest's memory. */
  readonly memory: number;
}

/**
 * Starts QEMU with its qtest protocol on standard input and output.
 * @throws ImplementationError when the operating system refuses
 */
export function startProcess(
  path: string,
  memoryBytes: number,
  argumentsFor: (files: BootFiles) => readonly string[],
): QemuProcess {
  let memory = -1;
  const process = startLeashed({
    kind: "qemu",
    command: (folder) => [path, ...argumentsFor(filesIn(folder))],
    prepare: (folder) => {
      const files = filesIn(folder);
      writeFileSync(files.firmware, firmware());
      memory = openSync(files.memory, "wx+", 0o600);
      ftruncateSync(memory, memoryBytes);
    },
  });
  let ended = false;
  return {
    commands: process.commands,
    replies: process.replies,
    memory,
    lastWords: () => process.lastWords(),
    started: () => process.started(),
    trimLog: () => process.trimLog(),
    end: () => {
      if (!ended) closeSync(memory);
      ended = true;
      process.end();
    },
  };
}

function filesIn(folder: string): BootFiles {
  return { firmware: join(folder, "firmware"), memory: join(folder, "memory") };
}
