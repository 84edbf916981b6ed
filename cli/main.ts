#!/usr/bin/env node
import { ExitCode } from "./errors.js";
import { run } from "./run.js";

try {
  process.exitCode = await run(process.argv.slice(2), console.log, console.error);
} catch (error) {
  // Not a verdict: node's own exit code for this would say "violated".
  console.error(error);
  process.exitCode = ExitCode.unknown;
}
