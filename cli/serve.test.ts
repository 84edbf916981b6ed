/** Programs of the suite's own, judged through the protocol as `check` and `replay` do: the same as in one process. */
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VERSION } from "../implementations/version.js";
import { compiledForTests } from "../properties/workers/compiled.testing.js";
import { run } from "./run.js";

const folder = compiledForTests();
const MAIN = [process.execPath, join(folder, "cli/main.js")];

function started(args: readonly string[], input = "", cwd = mkdtempSync(join(folder, "run-"))) {
  const { status, stdout, stderr } = spawnSync(MAIN[0]!, [MAIN[1]!, ...args], {
    cwd,
    encoding: "utf8",
    input,
  });
  return { status, stdout, stderr, cwd };
}

/** The program's name for `--on` or `--driver`. */
const served = (...args: string[]) => `exec:'${MAIN.join("' '")}' serve ${args.join(" ")}`;

/** What `check` made of it, but for names and time. */
function result(json: string) {
  const [campaign] = JSON.parse(json).campaigns;
  const { runs, requests, verdicts, coverage, unknown, failures, generated } = campaign;
  const findings = campaign.findings.map(({ kind, count }: { kind: string; count: number }) => ({
    kind,
    count,
  }));
  return { runs, requests, verdicts, coverage, unknown, failures, generated, findings };
}

const CHECK = ["check", "--json", "--seed", "1", "--runs", "10"];

describe("check of a program", () => {
  // Elsewhere counterexamples of earlier campaigns may lie about.
  const before = process.cwd();
  beforeAll(() => process.chdir(folder));
  afterAll(() => process.chdir(before));

  it.each([
    ["a driver on the model", ["--driver", "vtd"], []],
    ["a driver on the reference", ["--driver", "amdvi"], ["--on", "reference"]],
    ["an IOMMU", ["--on", "reference"], ["--architecture", "amdvi"]],
  ])("%s comes to what it comes to in this program", async (_, [role, name], more) => {
    const checked = async (...options: string[]) => {
      const printed: string[] = [];
      const print = (line: string) => printed.push(line);
      const status = await run([...CHECK, "--workers", "1", ...options, ...more], print, print);
      return { status, ...result(printed.join("")) };
    };
    const elsewhere = await checked(role!, served(role!, name!));
    expect(elsewhere).toMatchObject({ status: 0, runs: 10, failures: [] });
    expect(elsewhere).toEqual(await checked(role!, name!));
  });

  it("is divided among threads that have a process each", () => {
    const { status, stdout } = started([...CHECK, "--workers", "2", "--driver", served("--driver", "vtd")]);
    expect({ status, ...result(stdout) }).toMatchObject({ status: 0, runs: 10, failures: [] });
  });

  it("a faulty driver is found, and shown again by the command that is printed", () => {
    const { status, stdout, cwd } = started([
      ...["check", "--driver", served("--driver", "vtd:no-flush"), "--profile", "gm45"],
      ...["--seed", "1", "--runs", "2", "--workers", "1"],
    ]);
    expect([status, stdout]).toEqual([1, expect.stringContaining("iommu-spec replay")]);
    const [, options] = /npx iommu-spec (replay .*)/.exec(stdout)!;
    const again = spawnSync("sh", ["-c", `"${MAIN.join('" "')}" ${options}`], { cwd, encoding: "utf8" });
    expect([again.status, again.stderr]).toEqual([1, ""]);
    expect(again.stdout).toMatch(/exec:.* breaks I\d/);
  });
});

describe("serve", () => {
  const hello = (role: string) => JSON.stringify({ id: 0, do: "hello", protocol: 1, role, suite: "a test" });

  it("says who it is, and ends with its input", () => {
    const { status, stdout, stderr } = started(["serve", "--driver", "amdvi"], `${hello("driver")}\n`);
    expect([status, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toEqual({
      id: 0,
      protocol: 1,
      role: "driver",
      name: "amdvi",
      version: VERSION,
      architectures: ["amdvi"],
      concurrent: true,
    });
  });

  it("says in one line what is wrong with its input", () => {
    const { status, stderr } = started(["serve", "--on", "reference"], "hello\n");
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^iommu-spec: line 1 \(hello\): .*JSON.*\n$/),
    ]);
  });

  it.each([
    ["nothing to be", [], /^iommu-spec: serve takes one --on NAME or one --driver NAME$/],
    ["two roles", ["--on", "reference", "--driver", "vtd"], /takes one --on NAME or one --driver/],
    ["software of whole machines", ["--driver", "vtd-platform"], /is for whole machines/],
    [
      "another architecture",
      ["--driver", "vtd", "--architecture", "amdvi"],
      /is a driver for vtd, not for amdvi/,
    ],
  ])("with %s is wrong usage", async (_, args, complaint) => {
    const complaints: string[] = [];
    const status = await run(
      ["serve", ...args],
      () => undefined,
      (line) => complaints.push(line),
    );
    expect([status, complaints]).toEqual([2, [expect.stringMatching(complaint)]]);
  });
});
