/**
 * One QEMU process and everything that must not outlive us. Node holds one end of a pipe, a shell the other:
 * when that end closes, for whatever reason including SIGKILL, the shell removes the files and kills QEMU.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImplementationError } from "../interface.js";
import { firmware } from "./firmware.js";

/** Files QEMU opens by name while it starts. */
export interface BootFiles {
  readonly firmware: string;
  readonly memory: string;
}

/** A running QEMU: three file descriptors and the means to end it. */
export interface QemuProcess {
  /** Non-blocking write end of the command pipe. */
  readonly commands: number;
  /** Non-blocking read end of the reply pipe; end of file means that QEMU is gone. */
  readonly replies: number;
  /** The file that is the guest's memory. */
  readonly memory: number;
  /** The end of what QEMU wrote to its standard error. */
  lastWords(): string;
  /** Removes the files QEMU needed to start; call it after the first reply. */
  started(): void;
  /** Keeps the log from growing without bound; call it now and then. */
  trimLog(): void;
  /** Kills QEMU and closes everything. Safe to call twice. */
  end(): void;
}

/*
 * The shell leads a process group of its own, so that Ctrl-C does not reach it and `kill 0` reaches a wrapper
 * around QEMU too. It keeps no end of QEMU's pipes: otherwise the death of QEMU would go unnoticed. Should the
 * shell itself be killed, the parent-death signal ends QEMU.
 */
const LEASH = `
if setpriv --pdeathsig KILL true 2>/dev/null; then set -- setpriv --pdeathsig KILL "$@"; fi
"$@" <&3 >&4 3<&- 4>&- &
exec 3<&- 4>&-
while read -r line; do :; done
rm -rf "$LEASH_FOLDER"
kill -KILL 0
`;

const LAST_WORDS_BYTES = 2000;
const LOG_LIMIT_BYTES = 1 << 20;

/**
 * Starts QEMU with its qtest protocol on standard input and output.
 * @throws ImplementationError when the operating system refuses
 */
export function startProcess(
  path: string,
  memoryBytes: number,
  argumentsFor: (files: BootFiles) => readonly string[],
): QemuProcess {
  const folder = mkdtempSync(join(sharedFolder(), "iommu-spec-qemu-"));
  try {
    const pipes = makePipes(folder);
    const files = { firmware: join(folder, "firmware"), memory: join(folder, "memory") };
    writeFileSync(files.firmware, firmware());
    const memory = openSync(files.memory, "wx+", 0o600);
    ftruncateSync(memory, memoryBytes);
    const log = openSync(join(folder, "log"), "ax+", 0o600);
    const child = spawn("sh", ["-c", LEASH, "sh", path, ...argumentsFor(files)], {
      stdio: [pipes.leash.read, "ignore", log, pipes.command.read, pipes.reply.write],
      env: { ...process.env, LEASH_FOLDER: folder },
      detached: true,
    });
    child.on("error", () => {});
    child.unref();
    for (const fd of [pipes.leash.read, pipes.command.read, pipes.reply.write]) closeSync(fd);
    if (child.pid === undefined) throw new ImplementationError("cannot start a shell (sh) to run QEMU in");
    return new Running(folder, pipes.command.write, pipes.reply.read, memory, log, pipes.leash.write);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

class Running implements QemuProcess {
  #ended = false;

  constructor(
    private readonly folder: string,
    readonly commands: number,
    readonly replies: number,
    readonly memory: number,
    private readonly log: number,
    private readonly leash: number,
  ) {}

  lastWords(): string {
    if (this.#ended) return "";
    const size = fstatSync(this.log).size;
    const text = Buffer.alloc(Math.min(size, LAST_WORDS_BYTES));
    readSync(this.log, text, 0, text.length, size - text.length);
    return text.toString("utf8").trim().split("\n").slice(-5).join("\n");
  }

  started(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  trimLog(): void {
    if (fstatSync(this.log).size > LOG_LIMIT_BYTES) ftruncateSync(this.log, 0);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const fd of [this.leash, this.commands, this.replies, this.memory, this.log]) closeSync(fd);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** Ends meant for the child block, ours do not, except for the leash, which nobody ever writes to. */
function makePipes(folder: string): { command: Pipe; reply: Pipe; leash: Pipe } {
  const paths = ["command", "reply", "leash"].map((name) => join(folder, name));
  const made = spawnSync("mkfifo", ["-m", "600", ...paths], { encoding: "utf8" });
  if (made.status !== 0) {
    throw new ImplementationError(`mkfifo failed: ${made.error?.message ?? made.stderr.trim()}`);
  }
  const [command, reply, leash] = paths as [string, string, string];
  return {
    command: openPipe(command, 0, constants.O_NONBLOCK),
    reply: openPipe(reply, constants.O_NONBLOCK, 0),
    leash: openPipe(leash, 0, 0),
  };
}

function openPipe(path: string, readFlags: number, writeFlags: number): Pipe {
  // Opening one end waits for the other; this descriptor is both, for as long as it takes.
  const both = openSync(path, constants.O_RDWR);
  const read = openSync(path, constants.O_RDONLY | readFlags);
  const write = openSync(path, constants.O_WRONLY | writeFlags);
  closeSync(both);
  return { read, write };
}

function sharedFolder(): string {
  const stat = statSync("/dev/shm", { throwIfNoEntry: false });
  return stat?.isDirectory() === true ? "/dev/shm" : tmpdir();
}
