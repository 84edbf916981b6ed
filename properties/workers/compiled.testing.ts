/** The command line as it is installed: node cannot run TypeScript, and programs under test and threads are of its own. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** What threads load by name. */
const LOADED = ["cli/main.ts", "cli/campaign-job.ts", "properties/workers/worker.ts"];

/**
 * Has the command line, and further modules, compiled before the tests of a file.
 * @returns the folder they are in, by their paths from the root; it goes after the tests
 */
export function compiledForTests(...more: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "iommu-spec-compiled-"));
  beforeAll(() => {
    const config = {
      extends: join(root, "tsconfig.json"),
      compilerOptions: { noEmit: false, noCheck: true, outDir: folder, rootDir: root, types: [] },
      files: [...LOADED, ...more].map((one) => join(root, one)),
      include: [],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const { stdout, stderr } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], {
      encoding: "utf8",
    });
    expect(stdout + stderr).toBe("");
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}
