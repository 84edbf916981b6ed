/**
 * Reproducers: every known deviation of the QEMU that is installed, and what a faulty driver does on it, is shown by a
 * file that needs nothing of ours. What is exported was tried before it is handed out; here it is also tried where it
 * must not show, or cannot.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { intentScenarioFrom } from "../generators/intents/scenario.js";
import { type Scenario, scenarioFrom } from "../generators/scenario.js";
import { builtInDrivers } from "../implementations/driver/built-in.js";
import { findQemu, openQemu, type QemuIommu } from "../implementations/iommu/qemu/index.js";
import type { Decision } from "../implementations/iommu/qemu/reproducer/lines.js";
import { isAlive, whyNoQemu } from "../implementations/iommu/qemu/testing.js";
import { architectures } from "../model/architectures.js";
import type { ArchitectureId } from "../model/profile.js";
import { driverReproducer, iommuReproducer } from "../reports/reproducer/from-scenario.js";
import { libqtestReproducer } from "../reports/reproducer/libqtest.js";
import { type Reproducer, ReproducerError } from "../reports/reproducer/reproducer.js";
import { shellReproducer } from "../reports/reproducer/shell.js";
import { loadScenario } from "./counterexample.js";
import { qemuDeviations } from "./qemu-deviations.js";

const EVIDENCE = "properties/evidence";
const SHIM = "properties/libqtest-shim";
/** It takes 256 commands, and the judge half a minute to say of each bit of a register what may be read there. */
const TAKES_LONG = "command-head-not-wrapped";
/** Patience with what QEMU does not survive: it may hang. */
const SILENCE_MS = 1000;
const LIMIT_S = "2";

const missing = whyNoQemu();
const version = missing === undefined ? findQemu().version : "";
const evidence = readdirSync(EVIDENCE).filter((one) => version.startsWith(`${one.slice("qemu-".length)}.`));
if (missing === undefined && evidence.length === 0)
  console.warn(`there is no evidence of QEMU ${version}: no reproducer is tried`);

let iommu: QemuIommu;
let folder: string;
beforeAll(() => {
  if (missing === undefined) iommu = openQemu({ timeoutMs: 3000 });
  folder = mkdtempSync(join(tmpdir(), "iommu-spec-reproducers-"));
});
afterAll(() => {
  iommu?.close();
  rmSync(folder, { recursive: true });
});

function reproducerOf(path: string, on = iommu): Reproducer {
  const { scenario, recorded } = loadScenario(path);
  return iommuReproducer({ scenario: scenario as Scenario, recorded }, on)!;
}

/** Runs a script in a folder of its own for what it leaves behind. */
function run(script: string, environment: Record<string, string>) {
  const path = join(folder, "reproducer.sh");
  const left = mkdtempSync(join(folder, "left-"));
  writeFileSync(path, script);
  const env = { ...process.env, TMPDIR: left, ...environment };
  const { status, stdout, stderr } = spawnSync("sh", [path], { encoding: "utf8", env });
  return { status, lines: stdout.trim().split("\n"), stderr, left: readdirSync(left) };
}

/** The reproducer, for a specification that admits what was recorded. */
function mended(made: Reproducer): Reproducer {
  const decision = made.transcript.decision as Decision & { kind: "look" };
  const value = decision.recorded!;
  const admissible = [{ mask: { low: 0xffffffff, high: 0xffffffff }, value, words: "" }];
  return { ...made, transcript: { ...made.transcript, decision: { ...decision, admissible } } };
}

function fatalOn(id: ArchitectureId): string[] {
  return qemuDeviations(version, id).flatMap((one) => (one.fatal ? [one.id] : []));
}

describe.each(evidence)("the deviations of %s", (release) => {
  it.each(architectures.map((one) => one.id))("%s: a script shows each of them", (id) => {
    const fatal = fatalOn(id);
    for (const file of readdirSync(join(EVIDENCE, release, id))) {
      const name = basename(file, ".json");
      if (fatal.includes(name) || name === TAKES_LONG) continue;
      const { about, said } = reproducerOf(join(EVIDENCE, release, id, file));
      expect([file, about.known]).toEqual([file, name]);
      expect([file, said]).toEqual([
        file,
        expect.stringMatching(/^deviation shown: .*; a conforming unit: ./),
      ]);
    }
  });

  it.each(architectures.map((one) => one.id))("%s: what QEMU does not survive is shown by that", (id) => {
    const impatient = openQemu({ timeoutMs: SILENCE_MS });
    vi.stubEnv("LIMIT", LIMIT_S);
    try {
      for (const name of fatalOn(id)) {
        const { about, said } = reproducerOf(join(EVIDENCE, release, id, `${name}.json`), impatient);
        expect([name, about.known]).toEqual([name, name]);
        const lost =
          /^deviation shown: QEMU (ended with status|did not answer within) .*; a conforming unit goes on$/;
        expect([name, said]).toEqual([name, expect.stringMatching(lost)]);
      }
    } finally {
      vi.unstubAllEnvs();
      impatient.close();
    }
  });
});

describe.skipIf(evidence.length === 0)("a shell reproducer", () => {
  const file = () => join(EVIDENCE, evidence[0]!, "vtd", "queue-address-hidden.json");

  it("says what was seen and what may be, and leaves nothing behind", () => {
    const { about, transcript } = reproducerOf(file());
    const made = run(shellReproducer(about, transcript), {});
    expect(made).toEqual({
      status: 1,
      lines: ["deviation shown: IQA_REG: 0x0; recorded: 0x0; a conforming unit: 0x2002000"],
      stderr: "",
      left: [],
    });
  });

  it("says that nothing is shown where what is seen may be", () => {
    const { about, transcript } = mended(reproducerOf(file()));
    const { status, lines } = run(shellReproducer(about, transcript), {});
    expect([status, ...lines]).toEqual([0, "not shown: IQA_REG: 0x0; recorded: 0x0; a conforming unit: 0x0"]);
  });

  it("gives no verdict without QEMU, or where it dies, hangs or talks nonsense, and ends it", () => {
    const { about, transcript } = reproducerOf(file());
    const pid = join(folder, "pid");
    const script = shellReproducer(about, transcript);
    const program = (text: string) => {
      const path = join(folder, "program");
      writeFileSync(path, `#!/bin/sh\ncase "$*" in *none,accel*) exit 1;; esac\necho $$ >${pid}\n${text}\n`);
      chmodSync(path, 0o755);
      return path;
    };
    const tried = (QEMU: string) => run(script, { QEMU, LIMIT: "1" });
    expect(tried("/nowhere/qemu")).toMatchObject({ status: 2, stderr: "", left: [] });
    expect(tried(program("exit 3"))).toMatchObject({
      status: 2,
      lines: [expect.stringMatching(/^no verdict: QEMU ended with status 3 at command 1/)],
      stderr: "",
      left: [],
    });
    expect(tried(program("while read -r line; do echo nonsense; done"))).toMatchObject({
      status: 2,
      lines: [expect.stringMatching(/^no verdict: QEMU answered "nonsense" to command 1/)],
      stderr: "",
      left: [],
    });
    expect(tried(program("trap '' TERM\nexec sleep 60"))).toMatchObject({
      status: 2,
      lines: [expect.stringMatching(/^no verdict: QEMU did not answer within 1 s at command 1/)],
      stderr: "",
      left: [],
    });
    expect(isAlive(Number(readFileSync(pid, "utf8")))).toBe(false);
  });

  it("is not handed out when QEMU does not show by itself what was found", () => {
    const lying: QemuIommu = {
      name: iommu.name,
      requestTypes: iommu.requestTypes,
      qemu: iommu.qemu,
      identify: (setup) => iommu.identify(setup),
      reset: (setup) => iommu.reset(setup),
      execute: (actions) => iommu.execute(actions),
      submit: () => undefined,
      collect: () => [],
      readData: () => 0x12345678,
      close: () => undefined,
    };
    const made = () => iommuReproducer({ scenario: scenarioFrom(blockedWrite), recorded: null }, lying);
    expect(made).toThrow(ReproducerError);
    expect(made).toThrow(
      /qtest commands alone: not shown: memory at 0x1000008: 0x40400002; recorded: 0x12345678;/,
    );
  });

  it("shows what a driver lets a device do", () => {
    const driver = builtInDrivers.find((one) => one.architecture === "vtd")!;
    const variant = driver.variants.find((one) => one.id === "no-flush")!;
    const scenario = intentScenarioFrom(unmappedPageRead);
    const named = { name: "vtd:no-flush", create: variant.create };
    const made = driverReproducer({ scenario, recorded: null }, named, iommu)!;
    expect(made.said).toMatch(
      /^deviation shown: read .*\(it reaches page 0x1000000\); correct software: anything but/,
    );
    const correct = { name: "vtd", create: driver.create };
    expect(driverReproducer({ scenario, recorded: null }, correct, iommu)).toBe(null);
  });
});

const compiler = spawnSync("cc", ["--version"]).status === 0;
describe.skipIf(evidence.length === 0 || !compiler)("a C reproducer", () => {
  function compiled(made: Reproducer): string {
    const [source, program] = [join(folder, "test.c"), join(folder, "test")];
    writeFileSync(source, libqtestReproducer(made.about, made.transcript));
    const strict = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", `-I${SHIM}`];
    const { stderr } = spawnSync("cc", [...strict, source, join(SHIM, "libqtest.c"), "-o", program], {
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    return program;
  }

  function tried(made: Reproducer) {
    const env = { ...process.env, QTEST_QEMU_BINARY: iommu.qemu.path };
    return spawnSync(compiled(made), { encoding: "utf8", env });
  }

  const path = (id: string, name: string) => join(EVIDENCE, evidence[0]!, id, `${name}.json`);

  it.each([
    ["amdvi", "levels-not-checked"],
    ["vtd", "ones-taken-for-unreadable"],
  ])("%s %s: fails where the deviation shows, and passes where that is admitted", (id, name) => {
    expect(existsSync(path(id, name))).toBe(true);
    const made = reproducerOf(path(id, name));
    const failed = tried(made);
    expect([failed.signal, failed.stderr]).toEqual([
      "SIGABRT",
      expect.stringContaining("assertion failed (seen"),
    ]);
    const passed = tried(mended(made));
    expect([passed.status, passed.stdout]).toEqual([0, `ok 1 /iommu/${name}\n`]);
  });
});

/** A page is read after it was unmapped. */
const unmappedPageRead = {
  format: "iommu-spec driver scenario 1",
  architecture: "vtd",
  profile: "qemu-39",
  start: "translating",
  invalidation: "registers",
  flushing: "strict",
  timing: 3848770979,
  devices: [{ name: "a", requesters: [32] }],
  domains: [{ name: "d1" }],
  steps: [
    { do: "attach", device: "a", domain: "d1" },
    { do: "map", mapping: "m1", domain: "d1", iova: 4096, page: 4096, pages: 1, access: "rw" },
    { do: "dma", device: "a", requester: 0, iova: 4096, type: "read" },
    { do: "unmap", mapping: "m1", offset: 0, pages: 1 },
    { do: "dma", device: "a", requester: 0, iova: 4096, type: "read" },
  ],
};

/** A device that is attached to nothing writes. */
const blockedWrite = {
  format: "iommu-spec scenario 1",
  architecture: "vtd",
  profile: "qemu-48",
  start: "translating",
  invalidation: "queue",
  timing: 1,
  devices: [{ name: "a", requester: 32 }],
  domains: [],
  steps: [{ do: "dma", device: "a", iova: 4096, type: "write", length: 4, crossing: false }],
};
