/** `decode`: a firmware table with its structures, what is wrong with it, and the isolation groups that follow; or an entry. */
import { readFileSync } from "node:fs";
import type { FirmwareTable } from "../model/acpi/firmware-table.js";
import type { Architecture } from "../model/architecture.js";
import { architectures } from "../model/architectures.js";
import { busNumbersOf } from "../model/pci/functions.js";
import { findingLines, structureLines } from "../reports/firmware-table.js";
import { groupLines, platformTree } from "../reports/topology.js";
import { decodeOne } from "./decode-entry.js";
import { decodeLog } from "./decode-log.js";
import { ExitCode, UsageError } from "./errors.js";
import { tableBytes } from "./hex.js";
import type { Options } from "./options.js";
import { type OpenedMachine, openMachine } from "./topology-file.js";

/** File descriptor of standard input. */
const STANDARD_INPUT = 0;

/** Prints what the command line names and returns the exit code: 1 when something is wrong with it. */
export function decode(options: Options, print: (line: string) => void): ExitCode {
  const [, kind] = options.positionals;
  if (kind === undefined)
    throw new UsageError(
      `decode takes ${kinds()} and a file, log and a file or line, or an entry in hex; see \`iommu-spec --help\``,
    );
  const architecture = architectures.find((one) => one.firmwareTables.signature.toLowerCase() === kind);
  if (architecture) return decodeTable(architecture, options, print);
  if (options.pci !== undefined) throw new UsageError(`--pci goes with ${kinds()}`);
  return kind === "log" ? decodeLog(options, print) : decodeOne(options, print);
}

function decodeTable(architecture: Architecture, options: Options, print: (line: string) => void): ExitCode {
  const [, kind, file = "-", ...more] = options.positionals;
  if (more.length > 0) throw new UsageError(`decode ${kind} takes one file, or standard input`);
  const surplus = ["profile", "architecture"].find((one) => options.given.includes(one));
  if (surplus !== undefined) throw new UsageError(`decode ${kind} takes no --${surplus}`);
  const machine = options.pci === undefined ? null : openMachine(options.pci);
  const table = openTable(architecture, file);
  const findings = machine
    ? [...table.findings, ...table.findingsIn(machine.machine.topology)]
    : table.findings;
  if (options.json) {
    const { structures } = table;
    print(JSON.stringify({ file, structures, findings, platform: platformOf(table, machine) }, null, 2));
  } else {
    for (const line of structureLines(table.structures)) print(line);
    for (const line of ["", ...findingLines(findings), ""]) print(line);
    for (const line of describeMachine(table, machine)) print(line);
  }
  return findings.length > 0 ? ExitCode.violated : ExitCode.holds;
}

function kinds(): string {
  return architectures.map((one) => one.firmwareTables.signature.toLowerCase()).join("|");
}

function openTable({ firmwareTables }: Architecture, file: string): FirmwareTable {
  const content = readFileSync(file === "-" ? STANDARD_INPUT : file);
  const shown = file === "-" ? "standard input" : file;
  return firmwareTables.read(tableBytes(content, firmwareTables.signature, shown));
}

/** With the machine's own functions; without them only those that the table names are known. */
function platformOf(table: FirmwareTable, machine: OpenedMachine | null) {
  const topology = machine ? machine.machine.topology : table.skeleton([]);
  return table.platformIn(topology);
}

function describeMachine(table: FirmwareTable, machine: OpenedMachine | null): string[] {
  const platform = platformOf(table, machine);
  const known = machine
    ? machine.gaps.map((one) => `note: ${one}`)
    : [
        "note: only functions that the table names are known; --pci FILE (the output of `lspci -xxxx`) tells the rest",
      ];
  const bridges = busNumbersOf(platform.topology).length;
  const buses = !machine && bridges > 0 ? ["note: bus numbers below bridges are not in the table"] : [];
  return [...platformTree(platform), "", ...groupLines(platform.topology), ...known, ...buses];
}
