/** Programs in C, compiled for a test, and the command line to run on them. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
/** The client, its examples and its template. */
export const client = join(root, "implementations/clients/c");

/** Why nothing in C can be tested here; null when it can. */
export const noCompiler: string | null = spawnSync("gcc", ["--version"]).error
  ? "there is no gcc (Debian: apt-get install gcc libc6-dev)"
  : null;
export const noCppCompiler: string | null = spawnSync("g++", ["--version"]).error
  ? "there is no g++ (Debian: apt-get install g++)"
  : null;

/** A folder that {@link removeFolder} takes away again. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "iommu-spec-c-"));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Runs a command in a folder. */
export function run(folder: string, command: string, args: readonly string[], input = "") {
  return spawnSync(command, args, { cwd: folder, input, encoding: "utf8" });
}

/** Compiles the command line into a folder, as Node cannot run TypeScript; without what several threads need. */
export function compileCommandLine(folder: string): string {
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { noEmit: false, noCheck: true, outDir: folder, rootDir: root, types: [] },
    files: [join(root, "cli/main.ts")],
    include: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const { stdout, stderr } = run(folder, join(root, "node_modules/.bin/tsc"), ["-p", folder]);
  if (stdout + stderr !== "") throw new Error(`tsc says: ${stdout}${stderr}`);
  return join(folder, "cli/main.js");
}
