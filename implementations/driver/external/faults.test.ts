/**
 * Whatever a driver that is a program does wrong, its run has no verdict, its scenario is saved, and the campaign goes on with
 * a new process. What no program may write, whichever role it has, is in the tests of the protocol.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultIntentOptions } from "../../../generators/intents/generate.js";
import { runCampaign } from "../../../properties/campaign.js";
import { loadScenario } from "../../../properties/counterexample.js";
import { exposureSubject } from "../../../properties/driver-subject.js";
import { invariants } from "../../../properties/invariants.js";
import { compiledForTests } from "../../../properties/workers/compiled.testing.js";
import { faultyProgram } from "./faulty-program.testing.js";
import { DriverProgram } from "./program.js";

const folder = compiledForTests();
const chosen = join(folder, "fault");
const source = join(folder, "faulty.mjs");
/** No fault but hanging takes that long on the busiest machine. */
const TIMEOUT_MS = 2000;
const program = new DriverProgram(`"${process.execPath}" "${source}"`, TIMEOUT_MS);
const subject = exposureSubject(
  { name: "faulty", create: program.create },
  { ...defaultIntentOptions("vtd"), profiles: ["gm45"], flushing: "strict", mostSteps: 12 },
);
beforeAll(() => writeFileSync(source, faultyProgram(folder, chosen)));
afterAll(() => program.end());

/** Three runs, the second of them with the fault. */
function campaignWith(fault: string) {
  writeFileSync(chosen, fault);
  return runCampaign({
    subject,
    seed: 1,
    runs: 3,
    milliseconds: 60_000,
    invariants,
    known: [],
    folder: mkdtempSync(join(folder, "out-")),
    progress: () => undefined,
  });
}

describe("a program that", () => {
  it.each([
    ["dies at setup", /"do":"setup".*it exited with status 9/],
    ["is killed in an intent", /it was killed by SIGKILL/],
    ["dies after an intent", /exited with status 9/],
    ["hangs in an intent", /it stopped answering for 2 s/],
    ["reports an error", /it reports an error: out of pages/],
    ["speaks of another intent", /answers message \d+, which is not open/],
    ["answers setup under another id", /answers message \d+, which is not open/],
    ["says nothing in particular", /no access that there is: do has to be one of store, /],
    ["makes an access that there is not", /do has to be one of store, .*"do":"invalidate-all"/],
    ["stores beyond memory", /page has to be a whole number from 0 to/],
    ["is done twice", /it says more than it was asked|answers message \d+, which is not open/],
    [
      "makes an access after it is done",
      /says more than it was asked|answers message \d+, which is not open/,
    ],
    ["is done with an access", /it makes an access and is done, both in one line/],
    ["returns with a lock", /ends a routine while it holds the lock "unit"/],
    ["settles what is settled", /the driver settles ticket 999/],
    ["gives back a lock that it has not", /gives back the lock "none" it does not hold/],
    ["closes its output", /it closed its pipes|it ended/],
    ["floods", /made 100000 accesses without finishing/],
  ])("%s", (fault, message) => {
    const { runs, failures, findings } = campaignWith(fault);
    expect([runs, failures.length, findings.length]).toEqual([3, 1, 0]);
    expect(failures[0]!.message).toMatch(message);
    expect(loadScenario(failures[0]!.file!).recorded!.finding.kind).toBe("failure");
  });

  it("answers late is waited for", () => {
    expect(campaignWith("answers late")).toMatchObject({ runs: 3, failures: [], findings: [] });
  });

  it("has failed leaves no process behind", async () => {
    program.end();
    await expect.poll(() => processesOf(folder), { timeout: 10_000 }).toEqual([]);
  });
});

/** The command lines of processes that mention a folder. */
function processesOf(text: string): string[] {
  const commands = readdirSync("/proc")
    .filter((one) => /^\d+$/.test(one) && existsSync(`/proc/${one}/cmdline`))
    .map(commandOf);
  return commands.filter((one) => one.includes(text));
}

function commandOf(process: string): string {
  try {
    return readFileSync(`/proc/${process}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
