import { describe, expect, it } from "vitest";
import { defaultPlatformOptions, generatePlatformScenario } from "../../generators/platform/generate.js";
import { MOST_SYSTEMS } from "../../generators/platform/places.js";
import type { PlatformScenario, PlatformStep } from "../../generators/platform/scenario.js";
import { platformSoftware } from "../../implementations/driver/platform/built-in.js";
import type { PlatformDriver, PlatformSoftware } from "../../implementations/driver/platform/interface.js";
import { OutsideModel } from "../../model/finding.js";
import type { IsolationJudge } from "../../model/isolation/judge.js";
import { PlatformExposureBench, platformSubject, runPlatformScenario } from "./subject.js";
import { platformRequesters, unitSetups } from "./units.js";

const { software } = platformSoftware[0]!;
const options = defaultPlatformOptions("vtd");

/** The first scenario that has the property. */
function scenarioWith(holds: (one: PlatformScenario) => boolean): PlatformScenario {
  for (let seed = 0; ; seed++) {
    const scenario = generatePlatformScenario(seed, options);
    if (holds(scenario)) return scenario;
  }
}

const twoUnits = scenarioWith(({ platform }) => platform.units.length === 2);
const withDisk = {
  ...scenarioWith(({ platform }) => JSON.stringify(platform.topology).includes('"disk"')),
  leaves: "off",
} as const;
const assign: PlatformStep = { do: "assign", device: "disk", domain: "guest1" };

/** The correct software, with some of its routines replaced. */
function softwareWith(change: Partial<PlatformDriver>): PlatformSoftware {
  return {
    createFirmware: (setup) => software.createFirmware(setup),
    createDriver: (setup) => {
      const driver = software.createDriver(setup);
      return {
        start: () => driver.start(),
        assign: (...args) => driver.assign(...args),
        release: (...args) => driver.release(...args),
        map: (...args) => driver.map(...args),
        unmap: (...args) => driver.unmap(...args),
        remap: (...args) => driver.remap(...args),
        lend: (...args) => driver.lend(...args),
        plugged: (...args) => driver.plugged(...args),
        unplugged: (...args) => driver.unplugged(...args),
        handleFaults: () => driver.handleFaults(),
        ...change,
      };
    },
  };
}

describe("a run of platform software", () => {
  it("speaks to each unit, and says to which", () => {
    const { records } = runPlatformScenario({ ...twoUnits, steps: [] }, software);
    const units = new Set(records.flatMap((one) => ("event" in one ? [] : [one.unit])));
    expect([...units].sort()).toEqual([0, 1]);
  });

  it("gives no verdict where an intent is not answered", () => {
    const silent = softwareWith({ *assign() {} });
    const { failure, finding } = runPlatformScenario({ ...withDisk, steps: [assign] }, silent);
    expect(failure).toContain('"assign" before it has settled or refused it');
    expect(finding).toBeNull();
  });

  it("gives no verdict where the software throws", () => {
    const broken = softwareWith({
      start: () => {
        throw new Error("out of luck");
      },
    });
    expect(runPlatformScenario(withDisk, broken).failure).toContain("out of luck");
  });

  it("gives no verdict where there is no such unit", () => {
    const lost = softwareWith({
      *handleFaults() {
        yield { do: "at-unit", registers: 1, access: { do: "read-register", offset: 0, width: 4 } };
      },
    });
    const { failure } = runPlatformScenario({ ...withDisk, steps: [{ do: "handle-faults" }] }, lost);
    expect(failure).toContain("no unit has its registers at page 0x1");
  });

  it("gives no verdict where a device is disabled that is not there", () => {
    const rash = softwareWith({
      *handleFaults() {
        yield { do: "disable-device", device: "toaster" };
      },
    });
    const { failure } = runPlatformScenario({ ...withDisk, steps: [{ do: "handle-faults" }] }, rash);
    expect(failure).toContain("disables toaster");
  });

  it("goes through so many operating systems and no more", () => {
    const steps = Array.from({ length: MOST_SYSTEMS + 1 }, (): PlatformStep => ({ do: "hand-over" }));
    const { records, failure, finding } = runPlatformScenario({ ...withDisk, steps }, software);
    expect([failure, finding]).toEqual([null, null]);
    expect(records.filter((one) => "event" in one && one.event === "ready")).toHaveLength(MOST_SYSTEMS);
  });

  it("ends at what the house finds, in the step that it finds it in", () => {
    const refusing = softwareWith({
      *assign(_device, _domain, ticket) {
        yield { do: "refused", ticket };
      },
    });
    const subject = platformSubject({ name: "refusing", software: refusing }, options);
    const { findings } = subject.judge({ ...withDisk, steps: [assign, assign] }, []);
    expect(findings.map((one) => one.kind)).toEqual(["unserved"]);
  });
});

describe("the model of several units", () => {
  const judges: IsolationJudge[] = [];
  const bench = new PlatformExposureBench();
  const { finding } = bench.run({ ...twoUnits, steps: [] }, software, (judge) => judges.push(judge));
  const { model } = judges[0]!;

  it("knows that each is on when software has taken them over", () => {
    expect(finding).toBeNull();
    expect(model.requesters.length).toBeGreaterThan(1);
    for (const requester of model.requesters) expect(model.protects!(requester)).toBe(true);
  });

  it("shows what is reached through any of them: reserved regions", () => {
    const reserved = twoUnits.platform.reserved.flatMap(({ page, pages }) =>
      Array.from({ length: pages }, (_, index) => page + index),
    );
    for (const { page } of model.exposure()) expect(reserved).toContain(page);
  });

  it("says nothing of requesters that no unit translates for", () => {
    expect(model.reachOf(0xfff8, () => null)).toBeNull();
    expect(() => model.answers(0xfff8, 1, "read")).toThrow(OutsideModel);
  });
});

describe("the requester ids of a platform", () => {
  const { platform } = scenarioWith((one) => JSON.stringify(one.platform.topology).includes('"pf"'));

  it("are those of virtual functions that are off, too, and the ones between", () => {
    const { unitOf, virtual } = platformRequesters(platform);
    for (const id of virtual) expect(unitOf.has(id)).toBe(true);
    expect(virtual.size).toBeGreaterThan(3);
  });

  it("are each of one unit", () => {
    const all = unitSetups(twoUnits).flatMap((one) => one.requesters);
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBe(platformRequesters(twoUnits.platform).unitOf.size);
  });
});
