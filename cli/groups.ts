/** `groups` and `platform`: a machine's isolation groups, and the machine itself as a tree. */
import { isolationGroups } from "../model/pci/groups.js";
import { groupLines, platformTree } from "../reports/topology.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";
import { openMachine } from "./topology-file.js";

/** Prints which functions cannot be told apart or reach each other past the IOMMU, and why. */
export function groups(options: Options, print: (line: string) => void): ExitCode {
  const { machine, gaps } = openMachine(fileArgument(options, "groups"));
  if (options.json) print(JSON.stringify({ groups: isolationGroups(machine.topology), gaps }, null, 2));
  else for (const line of [...groupLines(machine.topology), ...gaps.map(note)]) print(line);
  return ExitCode.holds;
}

/** Prints the machine. */
export function platform(options: Options, print: (line: string) => void): ExitCode {
  const { machine, gaps } = openMachine(fileArgument(options, "platform"));
  if (options.json) print(JSON.stringify({ ...machine, gaps }, null, 2));
  else for (const line of [...platformTree(machine), ...gaps.map(note)]) print(line);
  return ExitCode.holds;
}

function note(gap: string): string {
  return `note: ${gap}`;
}

function fileArgument(options: Options, command: string): string {
  const [, file, ...more] = options.positionals;
  if (file !== undefined && more.length === 0) return file;
  throw new UsageError(
    `${command} takes one file: a saved scenario, or the output of \`lspci -xxxx\`: iommu-spec ${command} FILE`,
  );
}
