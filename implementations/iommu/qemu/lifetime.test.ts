/** However a program that uses QEMU ends, no process and no file of it stays. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { descendants, isAlive, whyNoQemu } from "./testing.js";

const missing = whyNoQemu();
const root = fileURLToPath(new URL("../../../", import.meta.url));
const here = "implementations/iommu/qemu";

describe.skipIf(missing !== undefined)(
  `lifetime${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "iommu-spec-test-"));
    const program = join(folder, "program.js");
    beforeAll(() => {
      compile(folder);
      writeFileSync(program, source(join(folder, "out", here)));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test.each(["SIGKILL", "SIGINT", "SIGTERM", "SIGHUP", "throw", "exit", "end"])("%s", async (ending) => {
      const child = spawn(process.execPath, [program, ending], {
        stdio: ["pipe", "pipe", "ignore"],
        cwd: folder,
      });
      await new Promise((resolve, reject) => {
        child.stdout.once("data", resolve);
        child.once("exit", () => reject(new Error("the program ended too early")));
      });
      const processes = descendants(child.pid!);
      // The shell that guards QEMU, and QEMU.
      expect(processes.length).toBeGreaterThanOrEqual(2);
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (ending.startsWith("SIG")) child.kill(ending as NodeJS.Signals);
      else child.stdin.write("go\n");
      await ended;
      await expect.poll(() => processes.filter(isAlive), { timeout: 5000 }).toEqual([]);
    });

    test("SIGKILL while QEMU is starting: its files go too", async () => {
      const own = () => readdirSync("/dev/shm").filter((name) => name.startsWith("iommu-spec-qemu-"));
      for (const delay of [60, 80, 100, 120, 140, 160]) {
        const before = new Set(own());
        const child = spawn(process.execPath, [program, "SIGKILL"], { stdio: "ignore", cwd: folder });
        await new Promise((resolve) => setTimeout(resolve, delay));
        const processes = descendants(child.pid!);
        child.kill("SIGKILL");
        await expect.poll(() => processes.filter(isAlive), { timeout: 5000 }).toEqual([]);
        await expect.poll(() => own().filter((name) => !before.has(name)), { timeout: 5000 }).toEqual([]);
      }
    });
  },
);

/** Node cannot run TypeScript here: the adapter is compiled once. */
function compile(folder: string): void {
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      outDir: join(folder, "out"),
      rootDir: root,
      typeRoots: [join(root, "node_modules/@types")],
    },
    files: [join(root, here, "index.ts"), join(root, here, "vtd/testing.ts")],
    include: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const tsc = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
  const compiled = existsSync(join(folder, "out", here, "index.js"));
  if (!compiled) throw new Error(`tsc wrote nothing: ${tsc.stdout}${tsc.stderr}`);
}

/** A program that has a run behind it, says so, and ends in the way its argument says. */
function source(adapter: string): string {
  const url = (file: string) => JSON.stringify(pathToFileURL(join(adapter, file)).href);
  return `
import { openQemu } from ${url("index.js")};
import { setupFor } from ${url("vtd/testing.js")};
const qemu = openQemu();
qemu.reset(setupFor("qemu-39"));
qemu.execute([]);
console.log("running");
process.stdin.once("data", () => {
  if (process.argv[2] === "throw") throw new Error("on purpose");
  if (process.argv[2] === "exit") process.exit(0);
  process.stdin.destroy();
});
`;
}
