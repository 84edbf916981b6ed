/** What `iasl`, the ACPI project's compiler and disassembler of tables, says about tables. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withChecksum } from "./table.js";

/** Why `iasl` cannot be asked; undefined if it can. */
export const iaslMissing: string | undefined =
  spawnSync("iasl", ["-v"]).error === undefined
    ? undefined
    : "iasl is not installed; Debian has it in the package acpica-tools";

/** What `iasl` says of one table. */
export interface IaslVerdict {
  /** Complaints about the table, of the disassembler or of the compiler that read what it wrote. */
  readonly complaints: readonly string[];
  /**
   * What the disassembly compiles to, with the creator of the table, in whose place the compiler puts itself; null if it
   * does not, or is not worth a try.
   */
  readonly recompiled: Uint8Array | null;
}

/** In the output of the disassembler: what it did not understand, or thinks to be wrong. */
const COMPLAINT = /unknown|invalid|incorrect|too long|truncated|warning|error|\*\*\*\*/i;

/** Milliseconds after which a run is given up; it takes a few for a hundred tables. */
const PATIENCE = 20_000;

/** Disassembles every table, and compiles what comes out without complaint: the compiler may hang on anything else. */
export function askIasl(tables: readonly Uint8Array[]): IaslVerdict[] {
  return inFolder((folder) => {
    const names = tables.map((_, index) => `table${index}`);
    for (const [index, name] of names.entries()) writeFileSync(join(folder, `${name}.dat`), tables[index]!);
    run(folder, ["-d", ...names.map((name) => `${name}.dat`)]);
    const disassembled = names.map((name) => disassemblyComplaints(folder, name));
    const fine = names.filter((_, index) => disassembled[index]!.length === 0);
    const compiled = fine.length === 0 ? "" : run(folder, ["-vs", ...fine.map((name) => `${name}.dsl`)]);
    return names.map((name, index) => ({
      complaints: [...disassembled[index]!, ...compilerComplaints(compiled.split("\n"), name)],
      recompiled: withCreatorOf(tables[index]!, contentOf(folder, `${name}.aml`)),
    }));
  });
}

/** The bytes of `iasl`'s own example of a table. */
export function iaslTemplate(signature: string): Uint8Array {
  return inFolder((folder) => {
    run(folder, ["-T", signature]);
    const name = signature.toLowerCase();
    const output = run(folder, [`${name}.asl`]);
    const bytes = contentOf(folder, `${name}.aml`);
    if (!bytes) throw new Error(`iasl does not compile its own template:\n${output}`);
    return bytes;
  });
}

/** The bytes of a table in whose header the creator and its revision begin, and the header ends. */
const CREATOR = { begin: 28, end: 36 };

function withCreatorOf(original: Uint8Array, table: Uint8Array | null): Uint8Array | null {
  table?.set(original.subarray(CREATOR.begin, CREATOR.end), CREATOR.begin);
  return table && withChecksum(table);
}

function disassemblyComplaints(folder: string, name: string): string[] {
  const source = contentOf(folder, `${name}.dsl`);
  if (!source) return ["not disassembled"];
  const lines = new TextDecoder("latin1").decode(source).split("\n");
  return lines.filter((line) => COMPLAINT.test(line));
}

/** The compiler names the line of a file first, and says what is wrong with it in the next line. */
function compilerComplaints(output: readonly string[], name: string): string[] {
  return output.flatMap((line, index) =>
    line.startsWith(`${name}.dsl `) ? [`${line.trim()} ${output[index + 1]?.trim()}`] : [],
  );
}

function run(folder: string, options: readonly string[]): string {
  const { stdout, stderr, error } = spawnSync("iasl", options, {
    cwd: folder,
    encoding: "latin1",
    timeout: PATIENCE,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error) throw error;
  return `${stdout}\n${stderr}`;
}

function contentOf(folder: string, file: string): Uint8Array | null {
  const path = join(folder, file);
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : null;
}

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "iasl-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
