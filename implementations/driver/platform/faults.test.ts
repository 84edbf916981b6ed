import { describe, expect, it } from "vitest";
import { profileNamed as amdViProfileNamed } from "../../../model/amdvi/profiles.js";
import type { Profile } from "../../../model/profile.js";
import { platformOf } from "../../../model/vtd/profile.js";
import { profileNamed as vtdProfileNamed, profiles as vtdProfiles } from "../../../model/vtd/profiles.js";
import type { PlatformFaults } from "./faults.js";
import { owner, regionOf, stranger, UnitBench } from "./testing.js";

const FIRST = 0x3000;

function translating(profile: Profile, faults: PlatformFaults = {}) {
  const bench = new UnitBench(profile);
  const driver = bench.driver(faults);
  bench.run(driver.takeOver(regionOf(driver)));
  const take = () => bench.run(driver.takeFaults());
  return { bench, take };
}

const many = vtdProfiles.find((one) => platformOf(one).faultRecords >= 4)!;
const single = vtdProfileNamed("qemu-48");

describe.each([
  ["VT-d with one record", single],
  ["VT-d with several records", many],
  ["AMD-Vi", amdViProfileNamed("zen1")],
])("recorded faults of %s", (_, profile) => {
  it("are none at first", () => {
    expect(translating(profile).take()).toEqual([]);
  });

  it("are taken once", () => {
    const { bench, take } = translating(profile);
    bench.write(stranger, FIRST);
    expect(take()).toEqual([{ requester: stranger, page: FIRST }]);
    expect(take()).toEqual([]);
    bench.write(owner, FIRST + 1);
    expect(take()).toEqual([{ requester: owner, page: FIRST + 1 }]);
    expect(bench.complaints).toEqual([]);
  });

  it("are recorded again after some were lost", () => {
    const { bench, take } = translating(profile);
    for (let count = 0; count < 300; count++) bench.write(count % 2 ? owner : stranger, FIRST + count);
    expect(take()[0]).toEqual({ requester: stranger, page: FIRST });
    bench.write(owner, FIRST);
    expect(take()).toEqual([{ requester: owner, page: FIRST }]);
    expect(bench.complaints).toEqual([]);
  });

  it("are not recorded again when that is forgotten", () => {
    const { bench, take } = translating(profile, { leavesOverflow: true });
    for (let count = 0; count < 300; count++) bench.write(count % 2 ? owner : stranger, FIRST + count);
    take();
    bench.write(owner, FIRST);
    expect(take()).toEqual([]);
  });
});

describe("several records", () => {
  it("are taken in the order in which they were written, wherever that begins", () => {
    const { bench, take } = translating(many);
    for (let round = 0; round < 5; round++) {
      bench.write(stranger, FIRST + round);
      bench.write(owner, FIRST + round);
      expect(take().map((one) => one.requester)).toEqual([stranger, owner]);
    }
  });
});

describe("the event log", () => {
  it("wraps around at its end", () => {
    const { bench, take } = translating(amdViProfileNamed("zen1"));
    for (let round = 0; round < 10; round++) {
      for (let count = 0; count < 60; count++) bench.write(stranger, FIRST + count);
      expect(take().map((one) => one.page - FIRST)).toEqual(Array.from({ length: 60 }, (_, index) => index));
    }
    expect(bench.complaints).toEqual([]);
  });
});
