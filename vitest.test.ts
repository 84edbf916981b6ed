/** The package as it is packed: in an empty project, with nothing but the dependencies it declares. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { driverTests, iommuTests } from "./vitest.js";

const root = fileURLToPath(new URL("./", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "iommu-spec-packed-"));
const source = join(folder, "source");
const project = join(folder, "project");
const OFFLINE = ["--prefer-offline", "--no-audit", "--no-fund"];
/** What a checkout does not have. */
const MADE = new Set(["node_modules", "out", ".git", "target"]);

function run(cwd: string, command: string, args: readonly string[], environment = {}) {
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1", ...environment };
  // A test runner in a test runner is not to take itself for the outer one.
  for (const name of Object.keys(env)) if (name.startsWith("VITEST")) delete env[name];
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: "utf8" });
  return { status, output: stdout + stderr };
}

describe("what is to be searched", () => {
  const none = () => {
    throw new Error("not to be opened");
  };
  it("is of one architecture, and known", () => {
    expect(() => iommuTests("unit", none, { profiles: ["gm45", "milan"] })).toThrow(
      "profile milan is one of amdvi, not of vtd",
    );
    expect(() => driverTests("driver", none, { architecture: "amdvi", profiles: ["gm45"] })).toThrow(
      "profile gm45 is one of vtd, not of amdvi",
    );
    expect(() => iommuTests("unit", none, { profiles: ["gm46"] })).toThrow(/gm46/);
  });
});

describe("the packed package in a project of its own", () => {
  beforeAll(() => {
    // A copy: packing compiles, and others run what is compiled here.
    cpSync(root, source, { recursive: true, filter: (path) => !MADE.has(basename(relative(root, path))) });
    symlinkSync(join(root, "node_modules"), join(source, "node_modules"));
    expect(run(source, "npm", ["pack", "--pack-destination", folder])).toMatchObject({ status: 0 });
    cpSync(join(root, "examples/vitest"), project, { recursive: true });
    const [packed] = readdirSync(folder).filter((one) => one.endsWith(".tgz"));
    const install = run(project, "npm", ["install", ...OFFLINE, "--save-dev", join(folder, packed!)]);
    expect(install).toMatchObject({ status: 0 });
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true }), 60_000);

  it("has the command line", () => {
    const { status, output } = run(project, "npx", [
      "iommu-spec",
      "list",
      "profiles",
      "--architecture",
      "vtd",
    ]);
    expect(output).toContain("gm45");
    expect(status).toBe(0);
  });

  it("registers every invariant for a unit and a driver, divided by the shards of the runner, and they hold", () => {
    const shards = ["1/2", "2/2"].map((shard) =>
      run(project, "npx", ["vitest", "run", "--reporter=verbose", `--shard=${shard}`]),
    );
    const output = shards.map((one) => one.output).join("");
    for (const shard of shards) expect(shard.output).toMatch(/Test Files +2 passed \(2\)/);
    expect(output).toContain("my unit, part 1 of 2 > gm45 > conformance: every observation is admissible");
    expect(output).toContain("my unit, part 2 of 2 > skylake-sp > I1: nothing reaches freed pages");
    expect(output).toContain("minimal driver > gm45 > I14: software's own memory is out of reach");
    expect(output).toContain("shows nothing inadmissible");
    expect(shards.map((one) => one.status)).toEqual([0, 0]);
  });

  it("shows the counterexample of a bug", () => {
    const { status, output } = run(project, "npx", ["vitest", "run", "unit-part-1"], {
      BUG: "hint-ignores-leaf",
    });
    expect(output).toMatch(/stale: breaks conformance, I1 \(seen .*; no step can be removed\)/);
    expect(output).toMatch(/leaf entries only, no draining/);
    expect(output).toMatch(/replay: the next run replays out\/my-unit-part-1-of-2\/gm45\/stale-\w+\.json/);
    expect(status).toBe(1);
  });
});
