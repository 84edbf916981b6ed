/** Running a reproducer on the QEMU that it is of: it is handed out only when it shows what it says. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Word } from "../../model/trace.js";

/** What came of running a script. */
export interface Trial {
  /** 1 when the deviation is shown, 0 when not, 2 when there is no verdict. */
  readonly code: number | null;
  /** The last line that it printed. */
  readonly said: string;
}

/** Runs a shell reproducer. */
export function tryScript(script: string, qemuPath: string): Trial {
  const folder = mkdtempSync(join(tmpdir(), "iommu-spec-reproducer-"));
  try {
    const path = join(folder, "reproducer.sh");
    writeFileSync(path, script);
    const run = spawnSync("sh", [path], {
      encoding: "utf8",
      env: { ...process.env, QEMU: qemuPath },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { code: run.status, said: `${run.stdout}${run.stderr}`.trim().split("\n").at(-1) ?? "" };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Whether what was seen is what the script has as recorded. */
export function isAsRecorded({ said }: Trial): boolean {
  return /: (\S.*); recorded: \1; /.test(said);
}

/** The value that decided, where it is not the one that the script has as recorded; null when it said none. */
export function valueSaid({ said }: Trial): Word | null {
  const digits = /: 0x([0-9a-f]{1,16}); recorded: /.exec(said)?.[1]?.padStart(16, "0");
  if (digits === undefined) return null;
  return { low: Number.parseInt(digits.slice(8), 16), high: Number.parseInt(digits.slice(0, 8), 16) };
}
