/** What can go wrong with QEMU as a program: each is one ImplementationError that says what to do. */
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { Effect } from "../../../model/trace.js";
import { ImplementationError } from "../interface.js";
import { findQemu, openQemu, type QemuIommu } from "./index.js";
import { isAlive, qemusBelow, read, request, store, whyNoQemu } from "./testing.js";
import { Register } from "./vtd/registers.js";
import { attach, page, setupFor } from "./vtd/testing.js";

const folder = mkdtempSync(join(tmpdir(), "iommu-spec-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program that claims to be a QEMU and, when started as a machine, does `otherwise`. */
function pretender(name: string, otherwise: string): string {
  const path = join(folder, name);
  const answers =
    'case "$*" in --version) echo "QEMU emulator version 9.9.9"; exit ;; *accel=qtest*) exit 1 ;; esac';
  writeFileSync(path, `#!/bin/sh\n${answers}\n${otherwise}\n`);
  chmodSync(path, 0o755);
  return path;
}

function failure(work: () => unknown): ImplementationError {
  try {
    work();
  } catch (error) {
    if (error instanceof ImplementationError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("without a usable QEMU", () => {
  const opened: QemuIommu[] = [];
  afterEach(() => {
    for (const qemu of opened.splice(0)) qemu.close();
  });
  const start = (path: string, timeoutMs = 5000) => {
    const qemu = openQemu({ path, timeoutMs });
    opened.push(qemu);
    return failure(() => qemu.reset(setupFor("qemu-39")));
  };

  test("a missing program: where it looked and how to install it", () => {
    const { message } = failure(() => findQemu("/nowhere/qemu-system-x86_64"));
    expect(message).toMatch(/\/nowhere\/qemu-system-x86_64: no such file: install it .*apt-get install/);
  });

  test("a name that is not on PATH", () => {
    expect(failure(() => findQemu("qemu-system-nonesuch")).message).toMatch(
      /no qemu-system-nonesuch on PATH/,
    );
  });

  test("a file that is not executable", () => {
    const path = join(folder, "plain");
    writeFileSync(path, "");
    expect(failure(() => openQemu({ path })).message).toMatch(/not executable/);
  });

  test("another program", () => {
    expect(failure(() => openQemu({ path: "/bin/echo" })).message).toMatch(
      /not a QEMU system emulator: --version says/,
    );
  });

  test("a QEMU without intel-iommu: its own words", () => {
    const path = pretender(
      "poor",
      "echo \"qemu: -device intel-iommu: 'intel-iommu' is not a valid device\" >&2; exit 1",
    );
    const { message } = start(path);
    expect(message).toMatch(/failed while starting: the process ended/);
    expect(message).toMatch(/'intel-iommu' is not a valid device/);
    expect(message).toMatch(/Perhaps this QEMU lacks q35, intel-iommu or edu/);
  });

  test("a QEMU that says nothing", () => {
    expect(start(pretender("mute", "exec sleep 1000"), 300).message).toMatch(/stopped answering for 1.5 s/);
  });

  test("a QEMU that talks nonsense", () => {
    expect(start(pretender("parrot", "exec cat")).message).toMatch(/answered "read 0xfed90000 0x230"/);
  });
});

const missing = whyNoQemu();

describe.skipIf(missing !== undefined)(
  `with QEMU${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    const timeoutMs = 700;
    const qemu = missing === undefined ? openQemu({ timeoutMs }) : undefined!;
    afterAll(() => qemu?.close());
    const setup = setupFor("qemu-39");
    const run = [...attach(3, [page.data[0]]), request("write", 0, 0, 0), request("read", 1, 0, 8)];
    const theProcess = () => {
      const [pid, ...others] = qemusBelow(process.pid);
      expect(others).toEqual([]);
      return pid!;
    };
    const expectWorks = () => {
      qemu.reset(setup);
      expect(qemu.execute(run).slice(-2)).toEqual([
        { low: page.data[0], high: 0 },
        { low: page.data[0], high: 0 },
      ]);
    };

    test("killed before a run: an error, and the next run has a new process", () => {
      expectWorks();
      const pid = theProcess();
      qemu.reset(setup);
      process.kill(pid, "SIGKILL");
      expect(failure(() => qemu.execute(run)).message).toMatch(
        /failed while executing 8 actions: the process ended/,
      );
      expectWorks();
      expect(theProcess()).not.toBe(pid);
    });

    test("killed in the middle of a run", async () => {
      const long = Array.from({ length: 150_000 }, () => read(Register.globalStatus));
      qemu.reset(setup);
      const pid = theProcess();
      spawn("sh", ["-c", `sleep 0.05; kill -KILL ${pid}`], { stdio: "ignore" });
      expect(failure(() => qemu.execute(long)).message).toMatch(
        /executing 150000 actions: the process ended/,
      );
      // Its pipes close a moment before it is gone.
      await expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false);
      expectWorks();
    });

    test("stopped: an error after the time-out, and the stopped process is gone", async () => {
      expectWorks();
      const pid = theProcess();
      qemu.reset(setup);
      process.kill(pid, "SIGSTOP");
      const started = performance.now();
      const { message } = failure(() => qemu.execute(run));
      expect(message).toMatch(/stopped answering for 0.7 s/);
      expect(message).toMatch(/hangs, is stopped, or the machine is overloaded/);
      expect(performance.now() - started).toBeGreaterThan(timeoutMs - 1);
      await expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false);
      expectWorks();
    });

    test("a run far larger than the pipes", () => {
      const many = Array.from({ length: 6000 }, (_, index) => index);
      const actions = [
        ...run,
        ...many.flatMap((index) => [
          store(page.behind, (2 * index) % 512, index),
          read(Register.globalStatus),
        ]),
        request("write", 2, 0, 16),
      ];
      qemu.reset(setup);
      const observed = qemu.execute(actions);
      expect(observed).toHaveLength(actions.length);
      expect(observed.at(-1)).toEqual({ low: page.data[0], high: 0 });
      expect(observed.at(-2)).toEqual({ low: 0xc4000000, high: 0 });
    });

    test("a second list of actions without a reset is a mistake of the caller", () => {
      qemu.reset(setup);
      expect(qemu.execute([request("write", 0, 0, 0)])).toEqual([{ low: Effect.nowhere, high: 0 }]);
      expect(() => qemu.execute([])).toThrow(/one list of actions per reset/);
    });

    test("no more than twelve processes are kept", async () => {
      for (let slot = 5; slot < 20; slot++) qemu.reset(setupFor("qemu-48", "reset", [slot << 3]));
      await expect.poll(() => qemusBelow(process.pid).length, { timeout: 5000 }).toBe(12);
      qemu.close();
      qemu.close();
      await expect.poll(() => qemusBelow(process.pid).length, { timeout: 5000 }).toBe(0);
    });
  },
);
