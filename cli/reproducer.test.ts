import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultOptions, generateScenario } from "../generators/generate.js";
import { defaultPlatformOptions, generatePlatformScenario } from "../generators/platform/generate.js";
import { whyNoQemu } from "../implementations/iommu/qemu/testing.js";
import { ExitCode } from "./errors.js";
import { run } from "./run.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iommu-spec-reproducer-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function saved(scenario: unknown): string {
  const path = join(folder, "scenario.json");
  writeFileSync(path, JSON.stringify(scenario));
  return path;
}

async function runs(...args: string[]) {
  const lines: string[] = [];
  const complaints: string[] = [];
  const exit = await run(
    ["reproducer", ...args],
    (line) => lines.push(line),
    (line) => complaints.push(line),
  );
  return { exit, lines, complaints };
}

const usage = {
  exit: ExitCode.usage,
  complaints: [expect.stringContaining("iommu-spec reproducer FILE OUT.sh|OUT.c")],
};

describe("reproducer", () => {
  it("says what it takes", async () => {
    const file = saved({});
    expect(await runs()).toMatchObject(usage);
    expect(await runs(file)).toMatchObject(usage);
    expect(await runs(file, "out.txt")).toMatchObject(usage);
  });

  it("needs a QEMU", async () => {
    const made = await runs(saved({}), join(folder, "out.sh"), "--qemu", "/nowhere/qemu");
    expect(made).toMatchObject({
      exit: ExitCode.usage,
      complaints: [expect.stringContaining("no such file")],
    });
  });
});

describe.skipIf(whyNoQemu() !== undefined)("reproducer on QEMU", () => {
  const out = () => join(folder, "out.sh");

  it("refuses what is not about one IOMMU", async () => {
    const scenario = generatePlatformScenario(0, defaultPlatformOptions("vtd"));
    expect(await runs(saved(scenario), out())).toMatchObject({
      exit: ExitCode.usage,
      complaints: [expect.stringContaining("a scenario for a whole machine")],
    });
  });

  it("has nothing to write when nothing is wrong", async () => {
    const drawn = generateScenario(0, { ...defaultOptions("vtd"), profiles: ["qemu-48"] });
    const made = await runs(saved({ ...drawn, start: "translating", steps: [] }), out());
    expect(made).toMatchObject({
      exit: ExitCode.unknown,
      lines: [expect.stringContaining("there is nothing to reproduce")],
    });
  });
});
