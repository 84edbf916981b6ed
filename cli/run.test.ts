/** The command line on good and bad input: exit codes, and one clear message that says what, where and what to do. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { architectures } from "../model/architectures.js";
import type { ResultCampaign } from "../reports/result.js";
import { run } from "./run.js";

let folder = "";
const before = process.cwd();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iommu-spec-cli-"));
  process.chdir(folder);
});

afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

async function commandLine(...args: string[]): Promise<{ code: number; out: string; errors: string[] }> {
  const lines: string[] = [];
  const errors: string[] = [];
  const code = await run(
    args,
    (line) => lines.push(line),
    (line) => errors.push(line),
  );
  return { code, out: lines.join("\n"), errors };
}

const FAULTY = ["check", "--on", "reference:fault-wrong-source", "--runs", "400", "--seed", "1"];

describe("check", () => {
  it("holds on the reference: exit code 0, a verdict for every invariant, and what that means", async () => {
    const { code, out } = await commandLine("check", "--on", "reference", "--runs", "300", "--seed", "1");
    expect(code).toBe(0);
    for (const id of ["conformance", "I1", "I2", "I3", "I10", "I11"])
      expect(out).toMatch(new RegExp(`^${id} .* holds +holds$`, "m"));
    expect(out).toMatch(/^invariant +reference \(VT-d\) +reference \(AMD-Vi\)$/m);
    expect(out).toContain("No new violation in 600 random scenarios: that is evidence, not proof");
  });

  it("--architecture, or a profile of it, leaves the others out", async () => {
    for (const option of [
      ["--architecture", "amdvi"],
      ["--profile", "zen1"],
    ]) {
      const { out } = await commandLine("check", "--on", "reference", ...option, "--runs", "50", "--json");
      const { campaigns } = JSON.parse(out);
      expect(campaigns).toMatchObject([
        { implementation: "reference", architecture: { id: "amdvi", name: "AMD-Vi" }, runs: 50 },
      ]);
    }
  });

  it("without options: every architecture in both roles, in one table", async () => {
    const { out } = await commandLine("check", "--runs", "5", "--seed", "1");
    const heading = out.split("\n").find((one) => one.startsWith("invariant "));
    for (const one of ["reference (VT-d)", "reference (AMD-Vi)", "driver vtd", "driver amdvi"])
      expect(heading).toContain(one);
    expect(out).toMatch(/^I10 .* not judged/m);
  });

  it("a faulty variant: exit code 1, the shrunk steps, and the command that replays them", async () => {
    const { code, out } = await commandLine(...FAULTY);
    expect(code).toBe(1);
    expect(out).toContain("breaks conformance, I10");
    expect(out).toMatch(/replay: npx iommu-spec replay out\/\S+\.json --on reference:fault-wrong-source/);
  });

  it("the same seed gives the same findings", async () => {
    const findings = async () =>
      JSON.parse((await commandLine(...FAULTY, "--json")).out).campaigns[0].findings;
    expect(await findings()).toEqual(await findings());
  });

  it("--property restricts what counts", async () => {
    const { code, out } = await commandLine(...FAULTY, "--property", "I3");
    expect(code).toBe(0);
    expect(out).not.toContain("I10");
  });

  it.each([
    [["check", "--property", "I99"], /unknown property "I99"; known: conformance, I1/],
    [["check", "--on", "bochs"], /unknown implementation "bochs"/],
    [["check", "--on", "reference:nothing"], /unknown faulty variant "nothing"; known: page-flush/],
    [["check", "--on", "reference", "--profile", "vax"], /unknown profile "vax"; known: qemu-39/],
    [["check", "--architecture", "smmu"], /--architecture takes vtd or amdvi, not "smmu"/],
    [["check", "--architecture", "vtd", "--profile", "zen1"], /profile zen1 is one of AMD-Vi, not VT-d/],
    [
      ["check", "--on", "reference:hint-ignores-leaf", "--architecture", "amdvi"],
      /reference:hint-ignores-leaf is a unit of vtd, not of amdvi/,
    ],
    [["check", "--runs", "many"], /--runs takes a whole number from 1 on, not "many"/],
    [["check", "--time", "soon"], /--time takes a duration such as 30s, 10m or 1h, not "soon"/],
    [["check", "--fast"], /Unknown option '--fast'/],
    [["check", "--on", "qemu", "--qemu", "/nowhere/qemu"], /\/nowhere\/qemu: no such file: install it/],
    [["prove"], /unknown command "prove"; known: check, report, .*replay, .*list/],
    [["trace", "a.trace", "--seed", "1"], /trace takes no --seed/],
    [
      ["list", "bugs"],
      /list knows properties, implementations, drivers, profiles, rules, structures, not "bugs"/,
    ],
    [
      ["check", "reference:hint-ignores-leaf"],
      /check takes options only, not "reference:hint-ignores-leaf"; did you mean --on/,
    ],
    [["replay", "one.json", "--on", "reference", "--on", "qemu"], /replay takes one --on/],
    [["replay"], /replay takes one file/],
  ])("%j: exit code 2 and one message", async (args, message) => {
    const { code, errors } = await commandLine(...args);
    expect(code).toBe(2);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(message);
  });
});

describe("replay", () => {
  async function saved(): Promise<string> {
    await commandLine(...FAULTY);
    const [sub] = readdirSync("out");
    return join("out", sub!, readdirSync(join("out", sub!))[0]!);
  }

  it("shows a saved counterexample again, on the implementation it was found on", async () => {
    const { code, out } = await commandLine("replay", await saved());
    expect(code).toBe(1);
    expect(out).toContain("breaks conformance, I10 (fault-record)");
  });

  it("a conforming implementation shows nothing inadmissible in the same scenario", async () => {
    const { code, out } = await commandLine("replay", await saved(), "--on", "reference");
    expect(code).toBe(0);
    expect(out).toContain("nothing inadmissible");
  });

  it.each([
    ["a file that is missing", null, /cannot be read \(ENOENT\)/],
    ["a file that is cut short", (text: string) => text.slice(0, text.length / 2), /not JSON, or cut short/],
    ["a step of an unknown kind", (text: string) => text.replace('"read-faults"', '"fly"'), /at .*steps/],
    [
      "a profile nobody knows",
      (text: string) => text.replace(/"profile": "[^"]+"/, '"profile": "vax"'),
      /unknown profile "vax"/,
    ],
    [
      "a number out of range",
      (text: string) => text.replace(/"timing": \d+/, '"timing": -1'),
      /at .*timing: expected a whole number/,
    ],
  ])("%s: exit code 2, and the message says where", async (_, spoil, message) => {
    const file = await saved();
    const spoiled = join(folder, "spoiled.json");
    if (spoil) writeFileSync(spoiled, spoil(readFileSync(file, "utf8")));
    const { code, errors } = await commandLine("replay", spoiled);
    expect(code).toBe(2);
    expect(errors[0]).toContain(spoiled);
    expect(errors[0]).toMatch(message);
  });
});

const EXAMPLES = join(import.meta.dirname, "../examples/driver");
const MINIMAL = join(EXAMPLES, "minimal.mjs");
const BROKEN = join(EXAMPLES, "broken.mjs");
const FIND = ["check", "--driver", BROKEN, "--runs", "8", "--seed", "1"];

/** A module beside the scenarios whose driver is that of the example, with other routines. */
function driverModule(routines: string): string {
  writeFileSync(
    join(folder, "mine.mjs"),
    `import { MinimalDriver } from ${JSON.stringify(MINIMAL)};
     export default (setup) => new (class extends MinimalDriver { ${routines} })(setup);`,
  );
  return "./mine.mjs";
}

/** Files under `out`. */
function savedFiles(): string[] {
  return readdirSync("out").flatMap((sub) =>
    readdirSync(join("out", sub)).map((one) => join("out", sub, one)),
  );
}

describe("check --driver", () => {
  it.each([
    ["the built-in one for VT-d", "vtd"],
    ["the built-in one for AMD-Vi", "amdvi"],
    ["a module", MINIMAL],
    ["a module for AMD-Vi", join(EXAMPLES, "minimal-amdvi.mjs")],
  ])("%s holds: exit code 0, a verdict for every invariant of drivers", async (_, driver) => {
    const { code, out } = await commandLine("check", "--driver", driver, "--runs", "20", "--seed", "1");
    expect(code).toBe(0);
    for (const id of ["I1", "I2", "I4", "I5", "I6", "I13", "I14", "I17"])
      expect(out).toMatch(new RegExp(`^${id} .* holds$`, "m"));
    expect(out).not.toContain("conformance");
  });

  it("--on reference tries hostile requests only", async () => {
    const { code, out } = await commandLine(
      "check",
      "--driver",
      MINIMAL,
      "--on",
      "reference",
      "--runs",
      "40",
    );
    expect(code).toBe(0);
    expect(out).toContain("minimal.mjs on reference: 40 scenarios");
  });

  it("a mistake: exit code 1, the shrunk steps, and the command that replays them", async () => {
    const { code, out } = await commandLine(...FIND);
    expect(code).toBe(1);
    expect(out).toMatch(/freed-page: breaks I1 \(seen .*no step can be removed\)/);
    expect(out).toMatch(/ 3 {2}unmap 1 page of m\d+ from page 0$/m);
    expect(out).toMatch(/replay: npx iommu-spec replay out\/\S+\.json --driver \S+broken\.mjs --on model$/m);
  });

  it("several at once, each with its own verdict", async () => {
    const drivers = ["--driver", MINIMAL, "--driver", BROKEN];
    const { code, out } = await commandLine("check", ...drivers, "--runs", "8", "--seed", "1", "--json");
    expect(code).toBe(1);
    const { campaigns } = JSON.parse(out);
    const verdictOf = ({ verdicts }: ResultCampaign) =>
      verdicts.find(({ invariant }) => invariant === "I1")!.verdict;
    expect(campaigns.map(verdictOf)).toEqual(["holds", "violated"]);
  });

  it.each([
    [
      "yields nonsense",
      "*map() { yield { do: 'fly' }; }",
      /failed: the driver's map yielded {"do":"fly"}: do has/,
    ],
    ["throws", "*map() { null.low; }", /failed: the driver's map threw: TypeError: .*mine\.mjs:2:\d+/],
    [
      "never ends",
      "*map() { for (;;) yield { do: 'lock', lock: 'l' }, yield { do: 'unlock', lock: 'l' }; }",
      /accesses without/,
    ],
    ["cannot be made", "constructor() { throw new Error('no'); }", /failed: the driver's factory threw: no/],
  ])("a driver that %s: exit code 3, and the scenario is kept", async (_, routines, message) => {
    const { code, out } = await commandLine("check", "--driver", driverModule(routines), "--runs", "30");
    expect(code).toBe(3);
    expect(out).toMatch(message);
    expect(out).toMatch(/scenario kept in out\/\S+failure-1\.json/);
    const again = await commandLine("replay", savedFiles()[0]!);
    expect(again.code).toBe(3);
  });

  it.each<[string[], RegExp]>([
    [["check", "--driver", "smmu"], /unknown driver "smmu"; known: vtd/],
    [["check", "--driver", "vtd:nothing"], /unknown variant "nothing"/],
    [["check", "--driver", "./none.mjs"], /no driver module at \.\/none\.mjs/],
    [["check", "--driver", "vtd", "--on", "bochs"], /unknown implementation "bochs"/],
    [["check", "--driver", "vtd", "--profile", "vax"], /unknown profile "vax"/],
    [["check", "--driver", "vtd", "--profile", "zen1"], /vtd is a driver for vtd, not for amdvi/],
    [["replay", "one.json", "--driver", "vtd", "--driver", "vtd"], /replay takes one --driver/],
  ])("%j: exit code 2 and one message", async (args, message) => {
    const { code, errors } = await commandLine(...args);
    expect(code).toBe(2);
    expect(errors).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    ["exports nothing", "export {};", /exports no driver/],
    ["throws when it is loaded", "throw new Error('not today');", /mine\.mjs cannot be loaded: not today/],
  ])("a module that %s: exit code 2 and one message", async (_, text, message) => {
    writeFileSync("mine.mjs", text);
    const { code, errors } = await commandLine("check", "--driver", "./mine.mjs");
    expect(code).toBe(2);
    expect(errors).toEqual([expect.stringMatching(message)]);
  });
});

describe("replay of a driver's counterexample", () => {
  async function saved(): Promise<string> {
    await commandLine(...FIND);
    return savedFiles().find((one) => one.includes("freed-page"))!;
  }

  it("shows it again, on the driver it was found on", async () => {
    const { code, out } = await commandLine("replay", await saved());
    expect(code).toBe(1);
    expect(out).toMatch(/broken\.mjs breaks I1 \(freed-page\): /);
    expect(out).toMatch(/^ > +\d+ {2}unmap/m);
  });

  it("another driver shows nothing", async () => {
    const { code, out } = await commandLine("replay", await saved(), "--driver", "vtd");
    expect(code).toBe(0);
    expect(out).toContain("vtd shows nothing inadmissible");
  });

  it("expose prints who can reach what after a step of it", async () => {
    const file = await saved();
    const before = await commandLine("expose", file, "--at", "2");
    expect(before.code).toBe(0);
    expect(before.out).toMatch(/step 2: \d+ runs? of pages can be reached, 0 without a grant/);
    const after = await commandLine("expose", file);
    expect(after.code).toBe(1);
    expect(after.out).toMatch(/not granted \(nobody\) +stale entries/);
  });

  it("a scenario for IOMMUs is none for a driver", async () => {
    await commandLine(...FAULTY);
    const { code, errors } = await commandLine("replay", savedFiles()[0]!, "--driver", "vtd");
    expect(code).toBe(2);
    expect(errors).toEqual([expect.stringMatching(/is a scenario for IOMMUs/)]);
  });
});

describe("list", () => {
  it("drivers: the built-in one and its variants", async () => {
    const { code, out } = await commandLine("list", "drivers");
    expect(code).toBe(0);
    for (const { id } of architectures) {
      expect(out).toMatch(new RegExp(`^${id} +${id} +the built-in driver`, "m"));
      expect(out).toMatch(new RegExp(`^${id}:\\S+ +${id} +\\S`, "m"));
    }
  });

  it("names properties, implementations and profiles; rules on request", async () => {
    const { code, out } = await commandLine("list");
    expect(code).toBe(0);
    expect(out).toMatch(/sapphire-rapids +vtd /);
    expect(out).toMatch(/zen1 +amdvi /);
    const { out: rules } = await commandLine("list", "rules");
    expect(rules).toMatch(/vtd\.second-stage\.reserved-bits +vtd /);
    expect(rules).toMatch(/amdvi\.dte\.reserved-bits +amdvi /);
    expect(rules).toMatch(/dmar\.scope\.path +vtd +VT-d 8\.3/);
    expect(rules).toMatch(/ivrs\.entry\.overlap +amdvi /);
  });

  it("--architecture leaves the others out", async () => {
    const { out } = await commandLine("list", "profiles", "--architecture", "amdvi", "--json");
    const { profiles } = JSON.parse(out);
    expect(profiles.length).toBeGreaterThan(5);
    for (const one of profiles) expect(one.architectures).toEqual(["amdvi"]);
  });
});
