import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultIntentOptions } from "../generators/intents/generate.js";
import type { IntentScenario } from "../generators/intents/scenario.js";
import type { Driver, DriverFactory, DriverSetup, Routine } from "../implementations/driver/interface.js";
import { ImplementationError, type Iommu } from "../implementations/iommu/interface.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { Offset } from "../model/vtd/registers.js";
import { runCampaign } from "./campaign.js";
import { loadScenario } from "./counterexample.js";
import { blackBoxSubject, exposureSubject } from "./driver-subject.js";
import { invariants } from "./invariants.js";
import type { Subject } from "./subject.js";

interface Example {
  readonly default: DriverFactory;
  readonly MinimalDriver: new (setup: DriverSetup) => Driver;
}

const example = pathToFileURL(join(import.meta.dirname, "../examples/driver/minimal.mjs")).href;
const { default: minimal, MinimalDriver }: Example = await import(example);

/** The driver of the example, with other routines in place of its own. */
const minimalWith =
  (routines: Record<string, (this: Driver, ...args: never[]) => Routine>): DriverFactory =>
  (setup) =>
    Object.assign(new MinimalDriver(setup), routines);

function* nothing(): Routine {}
const neverFlushing = minimalWith({ flush: nothing });

/** Another implementation, as far as anybody can tell. */
function other(reference = new ReferenceIommu(), fields: Partial<Iommu> = {}): Iommu {
  return {
    name: "other",
    requestTypes: new Set(["read", "write"]),
    reset: (setup) => reference.reset(setup),
    execute: (actions) => reference.execute(actions),
    readData: (page, offset) => reference.readData(page, offset),
    close: () => undefined,
    ...fields,
  };
}

const options = defaultIntentOptions("vtd");

type Judged = Subject<IntentScenario>;
const onModel = (create: DriverFactory): Judged => exposureSubject({ name: "driver", create }, options);
const onReference = (create: DriverFactory): Judged =>
  blackBoxSubject({ name: "driver", create }, new ReferenceIommu(), options);
const onOther = (create: DriverFactory): Judged =>
  blackBoxSubject({ name: "driver", create }, other(), options);

const KINDS: [string, (create: DriverFactory) => Judged][] = [
  ["by exposure", onModel],
  ["by hostile requests on the reference", onReference],
  ["by hostile requests on another implementation", onOther],
];

/** The first scenario in which something is wrong with the driver, and what. */
function firstFinding(subject: Judged, runs: number) {
  for (let seed = 0; seed < runs; seed++) {
    const scenario = subject.generate(seed);
    const { findings, failure, unknown } = subject.judge(scenario, []);
    expect([failure, unknown]).toEqual([null, null]);
    if (findings[0]) return { scenario, finding: findings[0] };
  }
  return null;
}

describe.each(KINDS)("a driver judged %s", (_, subjectOf) => {
  it("nothing is wrong with the driver of the example", () => {
    expect(firstFinding(subjectOf(minimal), 60)).toBeNull();
  });

  it("one that never flushes is found, and found again from scratch", () => {
    const subject = subjectOf(neverFlushing);
    const found = firstFinding(subject, 400)!;
    expect(invariants.filter((one) => one.of.includes("driver")).flatMap((one) => one.brokenBy)).toContain(
      found.finding.kind,
    );
    expect(subject.judgeAfresh(found.scenario, []).findings).toEqual([found.finding]);
  });

  it("the step of a finding is known", () => {
    const { scenario, finding } = firstFinding(subjectOf(neverFlushing), 400)!;
    const { stepOf } = subjectOf(neverFlushing).judge(scenario, []);
    const last = stepOf.at(-1)!;
    expect(finding.action).toBeLessThanOrEqual(stepOf.length);
    expect(last).toBeLessThan(scenario.steps.length);
  });

  it("one that cannot work gives no verdict", () => {
    const broken = minimalWith({
      map: (() => {
        throw new Error("no mapping today");
      }) as () => Routine,
    });
    const subject = subjectOf(broken);
    const verdicts = Array.from({ length: 10 }, (_, seed) => subject.judge(subject.generate(seed), []));
    expect(verdicts.map((one) => one.findings)).toEqual(verdicts.map(() => []));
    expect(verdicts.find((one) => one.failure)?.failure).toMatch(/^the driver's map threw: no mapping today/);
  });
});

describe("a driver judged by exposure", () => {
  it("where the specification says nothing, the verdict is unknown, with the reason", () => {
    const subject = onModel(
      minimalWith({
        *sync(): Routine {
          // A mode of the root table that is not legacy mode, in force.
          yield { do: "write-register", offset: Offset.RTADDR, width: 8, low: 0x400, high: 0 };
          yield { do: "write-register", offset: Offset.GCMD, width: 4, low: 0xc0000000, high: 0 };
        },
      }),
    );
    const scenario = subject.generate(0);
    expect(subject.judge({ ...scenario, steps: [{ do: "sync" }] }, [])).toMatchObject({
      findings: [],
      failure: null,
      unknown: expect.stringMatching(/legacy/),
    });
  });

  it("says which rules decided", () => {
    const subject = onModel(minimal);
    firstFinding(subject, 10);
    expect(subject.coverage().get("vtd.served.translated")).toBeGreaterThan(0);
  });
});

describe("a driver on another implementation", () => {
  it("makes only requests of the kinds that its devices can make", () => {
    const seen = new Set<string>();
    const reference = new ReferenceIommu();
    const watching = other(reference, {
      execute(actions) {
        for (const one of actions) if (one.do === "request") seen.add(one.request.type);
        return reference.execute(actions);
      },
    });
    firstFinding(blackBoxSubject({ name: "driver", create: minimal }, watching, options), 20);
    expect([...seen].sort()).toEqual(["read", "write"]);
  });

  it("gives no verdict when that dies", () => {
    const dead = other(undefined, {
      execute() {
        throw new ImplementationError("it is gone");
      },
    });
    const subject = blackBoxSubject({ name: "driver", create: minimal }, dead, options);
    expect(subject.judge(subject.generate(0), [])).toMatchObject({ findings: [], failure: "it is gone" });
  });
});

describe("a campaign", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "iommu-spec-driver-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const campaign = (subject: Judged, runs: number) =>
    runCampaign({
      subject,
      seed: 1,
      runs,
      milliseconds: Number.POSITIVE_INFINITY,
      invariants: invariants.filter((one) => one.of.includes("driver")),
      known: [],
      folder,
      progress: () => undefined,
    });

  it("shrinks what it finds, saves it, and its file shows it again", () => {
    const unmapping = minimalWith({
      *unmap(domain: never, mapping: never, ticket: never): Routine {
        const { storeLeaves } = this as unknown as { storeLeaves(...args: unknown[]): Routine };
        yield* storeLeaves.call(this, domain, mapping, 0);
        yield { do: "settled", ticket };
      },
    });
    const { findings } = campaign(onModel(unmapping), 20);
    const found = findings.find((one) => one.finding.kind === "freed-page")!;
    expect(found).toMatchObject({ invariants: ["I1"], minimal: true, replayed: true });
    expect(found.scenario.steps.map((one) => one.do).sort()).toEqual(["attach", "map", "unmap"]);
    const { scenario, recorded } = loadScenario(found.file);
    expect(scenario).toEqual(found.scenario);
    expect(recorded).toMatchObject({ implementation: "driver", finding: { kind: "freed-page" } });
    const again = onModel(unmapping).judgeAfresh(scenario as IntentScenario, []);
    expect(again.findings.map((one) => one.kind)).toEqual(["freed-page"]);
    expect(onModel(minimal).judge(scenario as IntentScenario, []).findings).toEqual([]);
  });

  it("ends when the driver has failed three times, and keeps those scenarios", () => {
    const result = campaign(
      onModel(() => Promise.resolve() as unknown as Driver),
      50,
    );
    expect(result.runs).toBe(3);
    expect(result.failures).toHaveLength(3);
    const [first] = result.failures;
    expect(first!.message).toMatch(/^the driver that the factory returned has no start/);
    expect(JSON.parse(readFileSync(first!.file!, "utf8")).finding).toMatchObject({
      kind: "failure",
      message: first!.message,
    });
    expect(
      onModel(minimal).judge(loadScenario(first!.file!).scenario as IntentScenario, []).failure,
    ).toBeNull();
  });
});
