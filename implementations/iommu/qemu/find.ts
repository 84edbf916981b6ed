/** Finding a usable QEMU on this machine. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ImplementationError } from "../interface.js";

/** A QEMU that was found and answers to `--version`. */
export interface Qemu {
  readonly path: string;
  /** As it prints it: `7.2.22`. */
  readonly version: string;
}

/** Choices when opening QEMU; every one has a default. */
export interface QemuOptions {
  /** The program; default: `IOMMU_SPEC_QEMU`, else `qemu-system-x86_64` on PATH. */
  readonly path?: string;
  /** How long QEMU may stay silent before it counts as hanging; default 10 seconds. */
  readonly timeoutMs?: number;
}

/** How to start QEMU. */
export interface Launch {
  readonly qemu: Qemu;
  readonly qtestAccelerator: boolean;
  readonly timeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const PROGRAM = "qemu-system-x86_64";
const VARIABLE = "IOMMU_SPEC_QEMU";
const PROBE_MS = 20_000;

/** What to do when there is no QEMU. */
export const INSTALL_HINT =
  "install it (Debian, Ubuntu: apt-get install --no-install-recommends qemu-system-x86), " +
  `or name one with ${VARIABLE}=/path/to/${PROGRAM}`;

/**
 * The QEMU at `path`; without it the one `IOMMU_SPEC_QEMU` names, or else the first one on PATH.
 * @throws ImplementationError that says where it looked and what to do
 */
export function findQemu(path?: string): Qemu {
  const named = path ?? (process.env[VARIABLE] || undefined);
  const wanted = named ?? PROGRAM;
  const found = wanted.includes("/") ? wanted : onPath(wanted);
  if (found === undefined) throw new ImplementationError(`no ${wanted} on PATH: ${INSTALL_HINT}`);
  const trouble = whyNotExecutable(found);
  if (trouble !== undefined) throw new ImplementationError(`QEMU ${found}: ${trouble}: ${INSTALL_HINT}`);
  return { path: found, version: versionOf(found) };
}

/**
 * Finds QEMU, and out how to start it.
 * @throws ImplementationError when there is no QEMU
 */
export function launchOf({ path, timeoutMs = DEFAULT_TIMEOUT_MS }: QemuOptions = {}): Launch {
  const qemu = findQemu(path);
  return { qemu, qtestAccelerator: hasQtestAccelerator(qemu), timeoutMs };
}

/**
 * Whether this QEMU can leave its processors out, which makes its clock obey `clock_step`. QEMU does not list
 * that accelerator, so the only way to know is to start an empty machine with it.
 */
function hasQtestAccelerator(qemu: Qemu): boolean {
  const args = ["-machine", "none,accel=qtest", "-nodefaults", "-display", "none", "-qmp", "stdio"];
  const input = '{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n';
  return start(qemu.path, args, input).status === 0;
}

function onPath(program: string): string | undefined {
  const candidates = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return candidates
    .map((folder) => join(folder, program))
    .find((file) => whyNotExecutable(file) === undefined);
}

function whyNotExecutable(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return "no such file";
  if (!stat.isFile()) return "not a file";
  try {
    accessSync(file, constants.X_OK);
    return undefined;
  } catch {
    return "not executable";
  }
}

function versionOf(path: string): string {
  const { stdout, stderr } = start(path, ["--version"]);
  const text = `${stdout}${stderr}`;
  const version = /QEMU emulator version (\S+)/.exec(text)?.[1];
  if (version !== undefined) return version;
  const said = text.trim().split("\n")[0] ?? "";
  throw new ImplementationError(`${path} is not a QEMU system emulator: --version says "${said}"`);
}

function start(path: string, args: readonly string[], input = "") {
  const run = spawnSync(path, args, { encoding: "utf8", timeout: PROBE_MS, killSignal: "SIGKILL", input });
  const code = (run.error as NodeJS.ErrnoException | undefined)?.code;
  // A program that ends without reading its input is no failure.
  if (run.error === undefined || code === "EPIPE") return run;
  throw new ImplementationError(`cannot run ${path} ${args.join(" ")}: ${run.error.message}`);
}
