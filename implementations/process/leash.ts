/**
 * A process under test and everything that must not outlive us. Node holds one end of a pipe, a shell the other: when that
 * end closes, for whatever reason including SIGKILL, the shell removes its files and kills what it started.
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
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from "node:fs";
import type { Socket } from "node:net";
import { constants as system, tmpdir } from "node:os";
import { join } from "node:path";
import { ImplementationError } from "../iommu/interface.js";
import { printable } from "./printable.js";
import { sleep } from "./waiting.js";

/** What to start. */
export interface Program {
  /** A word for the names of its files. */
  readonly kind: string;
  /** The program and its arguments, given a folder for files that it opens by name while it starts. */
  command(folder: string): readonly string[];
  /** Makes those files. */
  prepare?(folder: string): void;
}

/** A running process: its pipes and the means to end it. */
export interface LeashedProcess {
  /** Non-blocking write end of its standard input. */
  readonly commands: number;
  /** Non-blocking read end of its standard output; end of file means that it is gone, or has closed it. */
  readonly replies: number;
  /** The end of what it wrote to its standard error. */
  lastWords(): string;
  /** Removes the files it needed to start; call it after the first reply. */
  started(): void;
  /** Keeps the log from growing without bound; call it now and then. */
  trimLog(): void;
  /** How it ended, once its pipes are closed. */
  ending(): string;
  /** How it ended, if it has. */
  ended(): string | undefined;
  /** Kills it and closes everything. Safe to call twice. */
  end(): void;
}

/*
 * The shell leads a process group of its own, so that Ctrl-C does not reach it and `kill 0` reaches whatever the process
 * started too. What left the group is known by the folder's name in its environment. The shell makes the folder itself:
 * there is no moment at which the folder exists unguarded. It keeps no end of the pipes: otherwise the death of the process
 * would go unnoticed. Should the shell itself be killed, the parent-death signal ends the process. Descriptors 5 and 6 are
 * both ends of a pipe, for as long as it takes to open one end without waiting for the other.
 */
const LEASH = `
F=$LEASH_FOLDER
mkdir -m 700 "$F" && exec 2>>"$F/log" && mkfifo -m 600 "$F/command" "$F/reply" || exit
exec 5<>"$F/command" 6<>"$F/reply" 3<"$F/command" 4>"$F/reply" 5<&- 6<&-
: >"$F/ready"
if read -r go; then
  if setpriv --pdeathsig KILL true 2>/dev/null; then set -- setpriv --pdeathsig KILL "$@"; fi
  "$@" <&3 >&4 3<&- 4>&- &
  echo $! >"$F/pid"
  exec 3<&- 4>&-
  while read -r line; do :; done
fi
for pass in 1 2 3 4 5 6 7 8 9; do
  found=
  for p in $(LEASH_FOLDER= grep -slaF "LEASH_FOLDER=$F" /proc/[0-9]*/environ); do
    p=\${p#/proc/}
    p=\${p%/environ}
    if [ "$p" != $$ ] && kill -KILL "$p"; then found=yes; fi
  done
  [ "$found" ] || break
done
rm -rf "$F"
kill -KILL 0
`;

const LAST_WORDS_BYTES = 2000;
const LAST_LINES = 12;
const LOG_LIMIT_BYTES = 1 << 20;
const SETUP_MS = 10_000;
/** The pipes of a process close a moment before it is gone; longer where the machine has much else to do. */
const ENDING_MS = 3000;

/**
 * Starts a process with pipes at its standard input and output.
 * @throws ImplementationError when the operating system refuses
 */
export function startLeashed(program: Program): LeashedProcess {
  const folder = join(sharedFolder(), `iommu-spec-${program.kind}-${process.pid}-${randomUUID()}`);
  const shell = spawn("sh", ["-c", LEASH, "sh", ...program.command(folder)], {
    stdio: ["pipe", "ignore", "ignore"],
    env: { ...process.env, LEASH_FOLDER: folder },
    detached: true,
  });
  shell.on("error", () => {});
  if (shell.pid === undefined)
    throw new ImplementationError(`cannot start a shell (sh) to run ${program.kind} in`);
  shell.stdin.on("error", () => {});
  shell.unref();
  (shell.stdin as Socket).unref();
  const leash = { hold: () => shell.stdin.write("go\n"), release: () => void shell.stdin.destroy() };
  try {
    awaitFile(join(folder, "ready"));
    program.prepare?.(folder);
    return new Running(folder, leash);
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
    sleep(1);
  }
}

/** What keeps the process alive: it starts when held, and ends when released or when we do. */
interface Leash {
  hold(): void;
  release(): void;
}

class Running implements LeashedProcess {
  readonly commands: number;
  readonly replies: number;
  readonly #log: number;
  /** The end of what stood in the log before it was trimmed. */
  #words = "";
  #pid: string | undefined;
  #ended = false;

  constructor(
    private readonly folder: string,
    private readonly leash: Leash,
  ) {
    this.commands = openSync(join(folder, "command"), constants.O_WRONLY | constants.O_NONBLOCK);
    this.replies = openSync(join(folder, "reply"), constants.O_RDONLY | constants.O_NONBLOCK);
    this.#log = openSync(join(folder, "log"), "r+");
    leash.hold();
  }

  lastWords(): string {
    if (this.#ended) return "";
    const text = (this.#words + this.#endOfLog()).slice(-LAST_WORDS_BYTES);
    return printable(text.replaceAll(/\r\n?/g, "\n").trim().split("\n").slice(-LAST_LINES).join("\n"));
  }

  started(): void {
    this.#learnPid();
    rmSync(this.folder, { recursive: true, force: true });
  }

  trimLog(): void {
    if (fstatSync(this.#log).size <= LOG_LIMIT_BYTES) return;
    this.#words = this.#endOfLog();
    ftruncateSync(this.#log, 0);
  }

  ending(): string {
    for (const begun = performance.now(); ; sleep(1)) {
      const ended = this.ended();
      if (ended !== undefined) return ended;
      if (performance.now() > begun + ENDING_MS) return "it closed its pipes";
    }
  }

  ended(): string | undefined {
    this.#learnPid();
    const status = this.#pid === undefined ? undefined : exitStatusOf(this.#pid);
    return status === undefined ? undefined : endingOf(status);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const fd of [this.commands, this.replies, this.#log]) closeSync(fd);
    this.leash.release();
  }

  #endOfLog(): string {
    const { size } = fstatSync(this.#log);
    const text = Buffer.alloc(Math.min(size, LAST_WORDS_BYTES));
    readSync(this.#log, text, 0, text.length, size - text.length);
    return text.toString("utf8");
  }

  #learnPid(): void {
    const path = join(this.folder, "pid");
    const text = this.#pid === undefined && existsSync(path) ? readFileSync(path, "utf8").trim() : "";
    if (text !== "") this.#pid = text;
  }
}

/** The wait status of a process that has ended and that its shell has not asked about; Linux tells. */
function exitStatusOf(pid: string): number | undefined {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return undefined;
  // The name, in parentheses, may hold anything; the state is the third field and the status the 52nd.
  const fields = readFileSync(path, "utf8")
    .replace(/^.*\) /s, "")
    .trim()
    .split(" ");
  return fields[0] === "Z" ? Number(fields[49]) : undefined;
}

function endingOf(status: number): string {
  const signal = status & 0x7f;
  return signal === 0 ? `it exited with status ${status >>> 8}` : `it was killed by ${signalName(signal)}`;
}

function signalName(signal: number): string {
  const name = Object.entries(system.signals).find(([, number]) => number === signal)?.[0];
  return name ?? `signal ${signal}`;
}

function sharedFolder(): string {
  const stat = statSync("/dev/shm", { throwIfNoEntry: false });
  return stat?.isDirectory() === true ? "/dev/shm" : tmpdir();
}
