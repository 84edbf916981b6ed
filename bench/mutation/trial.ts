/** The trial of a mutant: the tests that reach it run until one notices. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { type Module, type Mutant, mutated } from "./mutants.js";
import { type Failure, LOADING, type RunOrder, type RunResult, type TestName } from "./runs.js";
import type { Schedule } from "./schedule.js";
import type { Workspace } from "./workspace.js";

/**
 * What became of a mutant. Killed by a test that fails, or by an end of the process that the mutant alone explains; timeout
 * when a test takes longer than any does; otherwise it survived everything that there was time for.
 */
export type Fate = "killed" | "timeout" | "survived";

export interface Verdict {
  readonly fate: Fate;
  /** The test that noticed, or how the process ended. */
  readonly by: string;
  readonly tests: number;
  /** False when tests were left out because the time of a mutant was over. */
  readonly complete: boolean;
}

/** Processor seconds: no test takes a third of this. */
const SECONDS_OF_A_TEST = 40;
/** Megabytes, for a mutant that gathers for ever. */
const MEMORY = 1000;
/** Small budgets for the tests that read them, so that all together are quick. */
const BUDGETS = { RUNS: "25", SCRIPTS: "200", SEED: "1" };

export class Trials {
  /** Tests that fail without any mutant: they say nothing about one. */
  readonly failing: Failure[] = [];
  private readonly examined = new Map<string, Promise<void>>();

  constructor(
    private readonly workspace: Workspace,
    private readonly schedule: Schedule,
    /** Processor seconds for all tests of a mutant. */
    private readonly seconds: number,
  ) {}

  /** Tries a mutant in the copy of a worker. */
  async of(mutant: Mutant, module: Module, worker: number): Promise<Verdict> {
    const folder = this.workspace.copy(worker);
    const other = mutated(module.text, mutant.edit);
    for (;;) {
      const files = this.schedule
        .testsFor(mutant.file)
        .filter((file) => !this.isListed({ file, test: LOADING }));
      const skipped = [...this.failing];
      const order = { files, skipped, stopsAtFailure: true, seconds: this.seconds };
      const result = await this.workspace.exchanged(folder, module, other, () => run(folder, order));
      if ("signal" in result) return verdictOnEnd(result.signal);
      const { failed, tests, complete } = result;
      const [noticed] = failed;
      if (!noticed) return { fate: "survived", by: "", tests, complete };
      await this.examine(noticed.file);
      // One that fails by itself is left out, and the others are asked.
      if (!this.isListed(noticed))
        return { fate: "killed", by: `${noticed.file}: ${noticed.test}: ${noticed.why}`, tests, complete };
    }
  }

  private isListed({ file, test }: TestName): boolean {
    return this.failing.some((one) => one.file === file && one.test === test);
  }

  /** Learns, once, which tests of a file fail on their own without a mutant. */
  private examine(file: string): Promise<void> {
    const known = this.examined.get(file);
    if (known) return known;
    const order = { files: [file], skipped: [], stopsAtFailure: false, seconds: Number.MAX_VALUE };
    const examined = run(this.workspace.pristine, order).then((result) => {
      if ("failed" in result) this.failing.push(...result.failed);
    });
    this.examined.set(file, examined);
    return examined;
  }
}

function verdictOnEnd(signal: string): Verdict {
  const fate = signal === "SIGXCPU" ? "timeout" : "killed";
  return { fate, by: `the process ended: ${signal}`, tests: 0, complete: true };
}

/** Runs test files of a copy in a process of its own. */
function run(
  folder: string,
  order: Omit<RunOrder, "secondsOfATest">,
): Promise<RunResult | { readonly signal: string }> {
  const files = order.files.map((path) => join(folder, path));
  const script = join(folder, "bench/mutation/run-tests.js");
  const argument = JSON.stringify({ ...order, files, secondsOfATest: SECONDS_OF_A_TEST } satisfies RunOrder);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [`--max-old-space-size=${MEMORY}`, script, argument], {
      cwd: folder,
      env: { ...process.env, ...BUDGETS },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
    });
    child.on("close", (code, signal) => {
      const line = output.split("\n").find((one) => one.startsWith('{"failed"'));
      resolve(line ? (JSON.parse(line) as RunResult) : { signal: signal ?? `exit ${code}` });
    });
  });
}
