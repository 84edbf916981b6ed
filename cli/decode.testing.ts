/** `decode` as the command line carries it out, without the other commands and what they load. */
import { decode } from "./decode.js";
import { ExitCode, UsageError } from "./errors.js";
import { parseOptions } from "./options.js";

/** What a command line behind `decode` prints, its exit code, and what is complained about. */
export function decodes(...args: string[]): { exit: ExitCode; text: string; complaints: string[] } {
  const lines: string[] = [];
  try {
    const exit = decode(parseOptions(["decode", ...args]), (line) => lines.push(line));
    return { exit, text: lines.join("\n"), complaints: [] };
  } catch (error) {
    const fromSystem = error instanceof Error && "syscall" in error;
    if (!(error instanceof UsageError) && !fromSystem) throw error;
    return { exit: ExitCode.usage, text: lines.join("\n"), complaints: [error.message] };
  }
}
