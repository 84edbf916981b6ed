/** The Rust client: it builds, its own tests pass, its examples pass the suite, and the broken ones are caught. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultOptions } from "../../../generators/generate.js";
import { defaultIntentOptions } from "../../../generators/intents/generate.js";
import { loadScenario } from "../../../properties/counterexample.js";
import { exposureSubject } from "../../../properties/driver-subject.js";
import { type AnyScenario, iommuSubject, type Subject } from "../../../properties/subject.js";
import { DriverProgram } from "../../driver/external/program.js";
import { openExternal } from "../../iommu/external/index.js";

const CRATE = fileURLToPath(new URL(".", import.meta.url));
const TARGET = fileURLToPath(new URL("../../../out/rust-test", import.meta.url));
/** Milliseconds that a compilation may take on a machine that is busy. */
const COMPILATION = 300_000;
const missing = ["cargo", "rustc"].find((tool) => spawnSync(tool, ["--version"]).status !== 0);

/** Runs cargo on the crate; what it says. Without what only a debugger needs, it takes half the time. */
function cargo(...args: string[]): string {
  const env = {
    ...process.env,
    CARGO_TARGET_DIR: TARGET,
    CARGO_PROFILE_DEV_DEBUG: "0",
    CARGO_INCREMENTAL: "0",
  };
  const { status, stdout, stderr } = spawnSync("cargo", [...args, "--offline", "--locked"], {
    cwd: CRATE,
    env,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`cargo ${args.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout + stderr;
}

const programOf = (example: string) => join(TARGET, "debug/examples", example);

/** The first of these scenarios that shows something, with what it shows. */
function firstFound(subject: Subject<AnyScenario>, seeds: number) {
  for (let seed = 1; seed <= seeds; seed++) {
    const scenario = subject.generate(seed);
    const { findings, failure } = subject.judge(scenario, []);
    expect(failure).toBeNull();
    if (findings.length > 0) return { scenario, kinds: findings.map((one) => one.kind) };
  }
  return null;
}

/** What the scenario shows when it is read back from its file, on a program that has seen nothing else. */
function replayed(subject: Subject<AnyScenario>, path: string): readonly string[] {
  const { findings, failure } = subject.judgeAfresh(loadScenario(path).scenario, []);
  expect(failure).toBeNull();
  return findings.map((one) => one.kind);
}

describe.skipIf(missing !== undefined)(
  `the Rust client${missing === undefined ? "" : ` (skipped: there is no ${missing})`}`,
  () => {
    const open: { readonly close: () => void }[] = [];
    const opened = <T extends { readonly close: () => void }>(one: T): T => {
      open.push(one);
      return one;
    };

    const roles = {
      iommu(example: string): Subject<AnyScenario> {
        const iommu = opened(openExternal(programOf(example)));
        return iommuSubject(iommu, defaultOptions("amdvi")) as unknown as Subject<AnyScenario>;
      },
      driver(example: string): Subject<AnyScenario> {
        const program = new DriverProgram(programOf(example));
        opened({ close: () => program.end() });
        const driver = { name: example, create: program.create };
        return exposureSubject(driver, defaultIntentOptions("amdvi")) as unknown as Subject<AnyScenario>;
      },
    } as const;

    let folder = "";
    let buildOutput = "";
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "iommu-spec-rust-"));
      buildOutput = cargo("build", "--examples");
    }, COMPILATION);

    afterAll(() => {
      for (const one of open) one.close();
      rmSync(folder, { recursive: true });
    });

    it("builds without a warning", () => {
      expect(buildOutput).toContain("Finished");
      expect(buildOutput).not.toContain("warning");
    });

    it("passes its own tests", () => {
      expect(cargo("test", "--lib")).toMatch(/test result: ok\. \d\d passed; 0 failed/);
    });

    describe.each([
      { role: "iommu", passes: 120, catches: 100 },
      { role: "driver", passes: 10, catches: 12 },
    ] as const)("the examples of the role $role", ({ role, passes, catches }) => {
      const ofRole = roles[role];

      it("pass", () => {
        expect(firstFound(ofRole(role), passes)).toBeNull();
      });

      it("are caught when broken, and a replay from the file shows the same", () => {
        const found = firstFound(ofRole(`broken-${role}`), catches);
        expect(found).not.toBeNull();
        const path = join(folder, `${role}.json`);
        writeFileSync(path, JSON.stringify(found!.scenario));
        expect(replayed(ofRole(`broken-${role}`), path)).toEqual(found!.kinds);
        expect(replayed(ofRole(role), path)).toEqual([]);
      });
    });

    it("ends with exit code 2 and one line when it is told nonsense", () => {
      for (const example of ["iommu", "driver"]) {
        const { status, stdout, stderr } = spawnSync(programOf(example), {
          input: "nonsense\n",
          encoding: "utf8",
        });
        expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
        expect(stderr).toMatch(/^iommu-spec: not JSON: .*\n$/);
      }
    });

    it("ends quietly when the suite is done", () => {
      expect(spawnSync(programOf("iommu"), { input: "" }).status).toBe(0);
    });
  },
);
