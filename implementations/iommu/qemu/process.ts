/**
 * One QEMU process and everything that must not outlive us. Node holds one end of a pipe, a shell the other:
 * when that end closes, for whatever reason including SIGKILL, the shell removes the files and kills QEMU.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { Socket } from "node:net";
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
 * around QEMU too. It makes the folder itself: there is no moment at which the folder exists unguarded. It
 * keeps no end of QEMU's pipes: otherwise the death of QEMU would go unnoticed. Should the shell itself be
 * killed, the parent-death signal ends QEMU. Descriptors 5 and 6 are both ends of a pipe, for as long as it
 * takes to open one end without waiting for the other.
 */
const LEASH = `
F=$LEASH_FOLDER
mkdir -m 700 "$F" && exec 2>>"$F/log" && mkfifo -m 600 "$F/command" "$F/reply" || exit
exec 5<>"$F/command" 6<>"$F/reply" 3<"$F/command" 4>"$F/reply" 5<&- 6<&-
: >"$F/ready"
if read -r go; then
  if setpriv --pdeathsig KILL true 2>/dev/null; then set -- setpriv --pdeathsig KILL "$@"; fi
  "$@" <&3 >&4 3<&- 4>&- &
  exec 3<&- 4>&-
  while read -r line; do :; done
fi
rm -rf "$F"
kill -KILL 0
`;

const LAST_WORDS_BYTES = 2000;
const LOG_LIMIT_BYTES = 1 << 20;
const SETUP_MS = 10_000;
const pauser = new Int32Array(new SharedArrayBuffer(4));

/**
 * Starts QEMU with its qtest protocol on standard input and output.
 * @throws ImplementationError when the operating system refuses
 */
export function startProcess(
  path: string,
  memoryBytes: number,
  argumentsFor: (files: BootFiles) => readonly string[],
): QemuProcess {
  const folder = join(sharedFolder(), `iommu-spec-qemu-${process.pid}-${randomUUID()}`);
  const files = { firmware: join(folder, "firmware"), memory: join(folder, "memory") };
  const shell = spawn("sh", ["-c", LEASH, "sh", path, ...argumentsFor(files)], {
    stdio: ["pipe", "ignore", "ignore"],
    env: { ...process.env, LEASH_FOLDER: folder },
    detached: true,
  });
  shell.on("error", () => {});
  if (shell.pid === undefined) throw new ImplementationError("cannot start a shell (sh) to run QEMU in");
  shell.stdin.on("error", () => {});
  shell.unref();
  (shell.stdin as Socket).unref();
  const leash = { hold: () => shell.stdin.write("go\n"), release: () => void shell.stdin.destroy() };
  try {
    awaitFile(join(folder, "ready"));
    return new Running(folder, files, memoryBytes, leash);
  } catch (error) {
    leash.release();
    throw error;
  }
}

function awaitFile(path: string): void {
  const deadline = performance.now() + SETUP_MS;
  while (!existsSync(path)) {
    if (performance.now() > deadline)
      throw new ImplementationError(`a shell (sh) cannot make pipes: no ${path}`);
    Atomics.wait(pauser, 0, 0, 1);
  }
}

/** What keeps QEMU alive: it starts when held, and ends when released or when we do. */
interface Leash {
  hold(): void;
  release(): void;
}

class Running implements QemuProcess {
  readonly commands: number;
  readonly replies: number;
  readonly memory: number;
  readonly #log: number;
  #ended = false;

  constructor(
    private readonly folder: string,
    files: BootFiles,
    memoryBytes: number,
    private readonly leash: Leash,
  ) {
    writeFileSync(files.firmware, firmware());
    this.memory = openSync(files.memory, "wx+", 0o600);
    ftruncateSync(this.memory, memoryBytes);
    this.commands = openSync(join(folder, "command"), constants.O_WRONLY | constants.O_NONBLOCK);
    this.replies = openSync(join(folder, "reply"), constants.O_RDONLY | constants.O_NONBLOCK);
    this.#log = openSync(join(folder, "log"), "r+");
    leash.hold();
  }

  lastWords(): string {
    if (this.#ended) return "";
    const size = fstatSync(this.#log).size;
    const text = Buffer.alloc(Math.min(size, LAST_WORDS_BYTES));
    readSync(this.#log, text, 0, text.length, size - text.length);
    return text.toString("utf8").trim().split("\n").slice(-5).join("\n");
  }

  started(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  trimLog(): void {
    if (fstatSync(this.#log).size > LOG_LIMIT_BYTES) ftruncateSync(this.#log, 0);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const fd of [this.commands, this.replies, this.memory, this.#log]) closeSync(fd);
    this.leash.release();
  }
}

function sharedFolder(): string {
  const stat = statSync("/dev/shm", { throwIfNoEntry: false });
  return stat?.isDirectory() === true ? "/dev/shm" : tmpdir();
}
