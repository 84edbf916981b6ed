/**
 * Faults of a program under test: each ends in the right verdict, its scenario is saved, the campaign goes on with a new
 * process and keeps what it had found, and nothing outlives it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run as commandLine } from "../cli/run.js";
import { compileScenario } from "../generators/compile.js";
import { defaultOptions } from "../generators/generate.js";
import type { Scenario } from "../generators/scenario.js";
import { openExternal } from "../implementations/iommu/external/index.js";
import { sendRun } from "../implementations/iommu/external/run-messages.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { IommuService } from "../implementations/protocol/serve-iommu.js";
import { type CampaignResult, KEPT_FAILURES, runCampaign, scenarioSeed } from "./campaign.js";
import { loadScenario } from "./counterexample.js";
import { invariants } from "./invariants.js";
import { iommuSubject } from "./subject.js";

const root = mkdtempSync(join(tmpdir(), "iommu-spec-faults-"));
const program = fileURLToPath(new URL("faulty-program.mjs", import.meta.url));
const profile = "qemu-39";
const generator = { ...defaultOptions("vtd"), profiles: [profile], steeringWeight: 20 };
const reference = new ReferenceIommu(null);
const drawn = iommuSubject(reference, generator);
const SEED = 1;
const BETWEEN = 2;

/** How long an answer may take: starting the program takes a fraction of it, here and now. */
let timeoutMs = 0;
beforeAll(() => {
  const begun = performance.now();
  const iommu = openExternal(script([]).command);
  iommu.hello();
  iommu.close();
  timeoutMs = Math.max(500, 3 * (performance.now() - begun));
});
afterAll(() => rmSync(root, { recursive: true }));

interface Fault {
  readonly name: string;
  /** The message at which it shows. */
  readonly message: string;
  /** What is said about it; nothing when it does not matter. */
  readonly why?: RegExp;
}

interface Script {
  readonly command: string;
  readonly runs: number;
  /** The faults, by the number of the run in which each shows. */
  readonly faults: ReadonlyMap<number, Fault>;
}

/** A program with faults in every second run of a campaign, each in the first that has its message. */
function script(wanted: readonly Fault[]): Script {
  const left = [...wanted];
  const faults = new Map<number, Fault>();
  const runs: Record<number, object> = {};
  let index = 0;
  for (; left.length > 0; index++) {
    const scenario = scenarioOf(index);
    const answers = conversation(scenario);
    const next = index % BETWEEN === 1 ? left.findIndex((one) => isIn(answers, one.message)) : -1;
    const [fault] = next < 0 ? [] : left.splice(next, 1);
    if (fault) faults.set(index, fault);
    runs[scenario.timing] = { answers, fault };
  }
  const folder = mkdtempSync(join(root, "program-"));
  const file = join(folder, "script.json");
  writeFileSync(file, JSON.stringify(runs));
  return { command: `"${process.execPath}" "${program}" "${file}"`, runs: index, faults };
}

function scenarioOf(index: number): Scenario {
  return drawn.generate(scenarioSeed(SEED, index));
}

/** What the suite sends for a scenario, and what a correct unit answers. */
function conversation(scenario: Scenario): { do: string; answer: object }[] {
  const service = new IommuService(reference, { name: "reference", version: "1", architectures: ["vtd"] });
  const said: { do: string; answer: object }[] = [];
  const sendText = (text: string) => {
    const message = JSON.parse(`{"id":${said.length},${text}`);
    return said.push({ do: message.do, answer: { ...service.answer(message), id: undefined } });
  };
  sendRun({ sendText }, compileScenario(scenario), false);
  return said;
}

function isIn(said: readonly { do: string }[], message: string): boolean {
  return said.some((one) => one.do === message);
}

/** A campaign, after which no process of the program is left. */
async function campaign({ command, runs }: Script, ahead: boolean): Promise<CampaignResult> {
  const iommu = openExternal(command, { timeoutMs });
  const { begin, ...subject } = iommuSubject(iommu, generator);
  try {
    return runCampaign({
      subject: ahead ? { ...subject, begin: begin! } : subject,
      seed: SEED,
      runs,
      milliseconds: 60_000,
      invariants: invariants.filter((one) => one.of.includes("iommu")),
      known: [],
      folder: mkdtempSync(join(root, "out-")),
      progress: () => undefined,
    });
  } finally {
    iommu.close();
    await expectNoProcess();
  }
}

/** Everything that was started for this file has the name of its folder in its command. */
async function expectNoProcess(): Promise<void> {
  const commandOf = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    } catch {
      return "";
    }
  };
  const ours = () => readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(root));
  await expect.poll(ours, { timeout: 5000 }).toEqual([]);
}

/** Every fault is reported once, with its reason and the scenario of its run. */
function expectReported({ failures, runs }: CampaignResult, expected: Script): void {
  const faults = [...expected.faults].filter(([, { why }]) => why);
  expect(runs).toBe(expected.runs);
  const said = failures.map((one) => one.message);
  expect(said, said.join("\n")).toHaveLength(faults.length);
  for (const [at, [index, { why }]] of faults.entries()) {
    expect(said[at]).toMatch(why!);
    expect(loadScenario(failures[at]!.file!).scenario).toEqual(scenarioOf(index));
  }
}

const EVERY = ["reset", "store", "write-register", "read-register", "poll-register", "request", "read-data"];
const at = (message: string, name: string, why?: RegExp): Fault => ({
  name,
  message,
  ...(why && { why }),
});

const endings: readonly Fault[] = [
  ...EVERY.map((message) => at(message, "dies", /it ended: it exited with status 3\./)),
  at("request", "ends well", /it exited with status 0/),
  at("request", "crashes", /it was killed by SIGSEGV/),
  at("request", "throws", /it exited with status 1\. Its last words:.*on purpose/s),
  at("request", "half a line, then dies", /it exited with status 3/),
  at("request", "closes its output", /it ended: it closed its pipes/),
  at("request", "closes its input", /it closed its standard input|it stopped answering/),
  at("request", "leaves a child", /it exited with status 3\. Its last words:\nchild \d+/),
];

const SILENT = /it stopped answering for [\d.]+ s\..*--timeout gives it more time/s;
const silences: readonly Fault[] = [
  // Each has to be waited for: few will do.
  ...["reset", "read-register", "read-data"].map((message) => at(message, "hangs", SILENT)),
  at("request", "is much too late", SILENT),
  at("request", "half a line, then hangs", SILENT),
  at("request", "floods slowly without a line", SILENT),
  at("request", "floods with errors", /it stopped answering.*complaint/s),
  at("request", "ignores signals", SILENT),
];

const nonsense: readonly Fault[] = [
  at("request", "answers out of order", /it answers message \d+ before message \d+/),
  at("request", "answers twice", /it answers message \d+, (which is not open|and none is open)/),
  at(
    "read-data",
    "answers twice",
    /it answers message \d+, which is not open|it says more than it was asked/,
  ),
  at("store", "says more than asked", /which is not open|does not fit/),
  at("request", "wrong id", /which is not open/),
  at("request", "no id", /it answers message without an id/),
  at("request", "id of a wrong type", /it answers message "\d+"/),
  at("request", "not JSON", /it wrote what is not JSON: ready\./),
  at("request", "an empty line", /it wrote what is not JSON: \./),
  at("request", "not UTF-8", /it wrote what is not JSON/),
  at("request", "a number", /it wrote what is not a JSON object: 42/),
  at("request", "an array", /it wrote what is not a JSON object/),
  at("request", "null", /it wrote what is not a JSON object: null/),
  at("request", "a wrong type", /does not fit: at (page|effect) expected/),
  at("read-register", "a wrong type", /at low expected a whole number from 0 to 4294967295, found "1"/),
  at("poll-register", "a wrong type", /at seen expected boolean, found "1"/),
  at("read-register", "out of range", /at low expected a whole number/),
  at("read-register", "a fraction", /at low expected a whole number/),
  at("request", "nothing but the id", /does not fit/),
  at("read-register", "nothing but the id", /at low expected .*, found nothing/),
  at("read-data", "values missing", /it tells \d+ of \d+ values/),
  at("request", "an unknown effect", /at effect expected/),
  at("request", "a huge line", /it wrote a line of more than 1048576 bytes/),
  at("request", "floods without a line", /it wrote a line of more than 1048576 bytes/),
  at("request", "floods with lines", /it answers message 0/),
  at("request", "floods with the right line", /which is not open|and none is open/),
  at("request", "reports an error", /it reports an error: out of order for today/),
  at("reset", "reports an error", /it reports an error: out of order for today/),
];

const harmless: readonly Fault[] = [
  at("request", "is a little late"),
  at("request", "writes a lot of errors"),
  at("request", "adds a field"),
];

/** No campaign keeps more failures than that. */
const campaigns = [endings, silences, nonsense].flatMap((faults) =>
  Array.from({ length: Math.ceil(faults.length / KEPT_FAILURES) }, (_, index) =>
    faults.slice(index * KEPT_FAILURES, (index + 1) * KEPT_FAILURES),
  ),
);

describe("the verdict is unknown, and the campaign goes on", () => {
  test.each(campaigns.map((faults) => [faults.map((one) => one.name).join(", "), faults] as const))(
    "%s",
    async (_, faults) => {
      const faulty = script([...faults, at("request", "adds a field")]);
      const result = await campaign(faulty, false);
      expectReported(result, faulty);
      expect(result.findings).toEqual([]);
    },
  );

  test("with runs under way ahead, each failure is that of its run, and findings are kept", async () => {
    const lie = at("request", "lies about a request");
    const faults = [...endings.slice(5, 7), ...silences.slice(1, 2), ...nonsense.slice(0, 3)];
    const faulty = script([lie, ...faults, ...harmless]);
    const result = await campaign(faulty, true);
    expectReported(result, faulty);
    expect(result.findings).toMatchObject([{ replayed: true, known: null }]);
  });

  test("nothing but harmless oddities: no failure", async () => {
    const { failures, findings } = await campaign(script(harmless), true);
    expect({ failures, findings }).toEqual({ failures: [], findings: [] });
  });

  test("a program that never gets further than the hello: the campaign ends", async () => {
    const { command } = script([]);
    const { runs, failures } = await campaign(
      { command: `${command} dies`, runs: 6, faults: new Map() },
      true,
    );
    expect({ runs, failures: failures.length }).toEqual({ runs: 3, failures: 3 });
  });
});

describe("the command line", () => {
  let before = "";
  beforeAll(() => {
    before = process.cwd();
    process.chdir(root);
  });
  afterAll(() => process.chdir(before));

  async function run(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
    const out: string[] = [];
    const errors: string[] = [];
    const options = [...args, "--timeout", `${timeoutMs / 1000}`];
    const code = await commandLine(
      options,
      (line) => out.push(line),
      (line) => errors.push(line),
    );
    await expectNoProcess();
    return { code, out: out.join("\n"), errors: errors.join("\n") };
  }

  const unusable: readonly (readonly [fault: string, why: RegExp])[] = [
    ["dies", /it exited with status 3/],
    ["hangs", SILENT],
    ["speaks protocol 2", /it speaks protocol 2, not 1/],
    ["is a driver", /^iommu-spec: \S.* is a driver, not an IOMMU: give it to --driver instead of --on$/],
    ["has no name", /at name expected printable text/],
    ["has a name of two lines", /at name expected printable text/],
    ["is of another architecture", /expected "vtd" or "amdvi", found "smmu"/],
    ["greets before", /it wrote what is not JSON: faulty 1\.0 ready/],
    ["floods with lines", /does not fit/],
  ];
  test.each(unusable)("a program that %s at the hello cannot be used: exit code 2", async (fault, why) => {
    const { code, errors } = await run("check", "--on", `exec:${script([]).command} "${fault}"`);
    expect(code).toBe(2);
    expect(errors).toMatch(why);
  });

  test("neither can one that does not start", async () => {
    expect(await run("check", "--on", `exec:${root}/nonesuch`)).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/status 127.*not found/s),
    });
    expect(await run("check", "--on", `exec:${root}`)).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/status 126.*ermission denied/s),
    });
  });

  test("a program that fails on the way: exit code 3, and so is that of the replay", async () => {
    const { command, runs } = script([at("request", "crashes", /./), at("request", "adds a field")]);
    const on = ["--on", `exec:${command}`];
    const effort = ["--runs", `${runs}`, "--seed", `${SEED}`, "--workers", "1", "--profile", profile];
    const { code, out } = await run("check", ...on, ...effort);
    expect(code).toBe(3);
    expect(out).toContain("SIGSEGV");
    const file = /out\/\S*failure\S*\.json/.exec(out)![0];
    expect(await run("replay", file, ...on)).toMatchObject({
      code: 3,
      out: expect.stringContaining("SIGSEGV"),
    });
    expect(await run("replay", file)).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/found on faulty 1.*--on/),
    });
  });
});
