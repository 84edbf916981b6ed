/** `check` on several threads, as it is installed: what they find together, and what becomes of one that dies. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { compiledForTests } from "../properties/workers/compiled.testing.js";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = compiledForTests();

/** Runs the command line in a folder of its own. */
function check(...args: string[]) {
  const cwd = mkdtempSync(join(folder, "run-"));
  const command = [join(folder, "cli/main.js"), "check", "--json", "--seed", "1", ...args];
  const { status, stdout } = spawnSync(process.execPath, command, { cwd, encoding: "utf8" });
  const [campaign] = JSON.parse(stdout).campaigns;
  return { status, campaign };
}

const FAULTY = ["--on", "reference:fault-wrong-source", "--runs", "41"];

interface Listed {
  readonly signature: string;
  readonly count: number;
}

describe("check --workers", () => {
  it("divides the same scenarios: as many runs, requests and findings as with one", () => {
    const [one, two] = ["1", "2"].map((workers) => check(...FAULTY, "--workers", workers));
    expect(two!.status).toBe(1);
    expect([one!.campaign.workers, two!.campaign.workers]).toEqual([1, 2]);
    for (const what of ["runs", "requests"]) expect(two!.campaign[what]).toEqual(one!.campaign[what]);
    const listed = (findings: Listed[]) => findings.map(({ signature, count }) => ({ signature, count }));
    expect(listed(two!.campaign.findings)).toEqual(listed(one!.campaign.findings));
  });

  it("the same seed and number of threads give the same findings", () => {
    const findings = () => check(...FAULTY, "--workers", "2").campaign.findings;
    expect(findings()).toEqual(findings());
  });

  it("a thread that dies is one failure, and the others go on", () => {
    const module = join(folder, "dying.mjs");
    const example = JSON.stringify(join(root, "examples/driver/minimal.mjs"));
    writeFileSync(
      module,
      `import { threadId } from "node:worker_threads";
       import create from ${example};
       let made = 0;
       export default (setup) => {
         if (threadId === 1 && ++made === 10) process.exit(9);
         return create(setup);
       };`,
    );
    const { status, campaign } = check("--driver", module, "--runs", "40", "--workers", "2");
    expect(status).toBe(3);
    expect(campaign.failures).toEqual([{ message: "its thread died: exit code 9", file: null }]);
    expect(campaign.runs).toBeGreaterThanOrEqual(20);
  });

  it("an interrupt ends it, and says where what was found is", async () => {
    const cwd = mkdtempSync(join(folder, "run-"));
    const faulty = ["--driver", "vtd:free-before-submit", "--profile", "qemu-39", "--seed", "1"];
    const command = [join(folder, "cli/main.js"), "check", ...faulty, "--time", "1h", "--workers", "2"];
    const child = spawn(process.execPath, command, { cwd, stdio: ["ignore", "ignore", "pipe"] });
    const said: string[] = [];
    child.stderr.on("data", (text: Buffer) => said.push(text.toString()));
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    const out = join(cwd, "out");
    const isFound = () =>
      existsSync(out) && readdirSync(out, { recursive: true }).join().includes("freed-page");
    while (!isFound()) await new Promise((resolve) => setTimeout(resolve, 100));
    // A thread says what it has found a moment after it has saved it.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(said.join("")).toMatch(/stopped after \d+ scenarios; .*\n(.*\n)* {2}freed-page: out\/.*\.json/);
  });
});
